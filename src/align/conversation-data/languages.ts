/**
 * @file The languages of our own conversations, by ISO 639-3 code, in the order that every table here keeps.
 * Everything in this folder was written for Firn and is given away under CC0-1.0.
 */

export const CONVERSATION_LANGUAGES = ["eng", "deu", "fra", "ita", "roh", "spa", "por", "nld"] as const;
export type ConversationLanguage = (typeof CONVERSATION_LANGUAGES)[number];

/** One text for each language, in the order of `CONVERSATION_LANGUAGES`. */
export type InEveryLanguage = readonly [string, string, string, string, string, string, string, string];

/** What each language (row) calls each language (column), written as inside a sentence. */
export const LANGUAGE_NAMES: Readonly<Record<ConversationLanguage, InEveryLanguage>> = {
  eng: ["English", "German", "French", "Italian", "Romansh", "Spanish", "Portuguese", "Dutch"],
  deu: [
    "Englisch",
    "Deutsch",
    "Französisch",
    "Italienisch",
    "Rätoromanisch",
    "Spanisch",
    "Portugiesisch",
    "Niederländisch",
  ],
  fra: ["anglais", "allemand", "français", "italien", "romanche", "espagnol", "portugais", "néerlandais"],
  ita: ["inglese", "tedesco", "francese", "italiano", "romancio", "spagnolo", "portoghese", "olandese"],
  roh: ["englais", "tudestg", "franzos", "talian", "rumantsch", "spagnol", "portugais", "ollandais"],
  spa: ["inglés", "alemán", "francés", "italiano", "romanche", "español", "portugués", "neerlandés"],
  por: ["inglês", "alemão", "francês", "italiano", "romanche", "espanhol", "português", "neerlandês"],
  nld: ["Engels", "Duits", "Frans", "Italiaans", "Reto-Romaans", "Spaans", "Portugees", "Nederlands"],
};

/** One to ten, as one counts. */
export const NUMBERS: Readonly<Record<ConversationLanguage, readonly string[]>> = {
  eng: ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
  deu: ["eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"],
  fra: ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"],
  ita: ["uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci"],
  roh: ["in", "dus", "trais", "quatter", "tschintg", "sis", "set", "otg", "nov", "diesch"],
  spa: ["uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"],
  por: ["um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez"],
  nld: ["een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen", "tien"],
};

/** Monday to Sunday. */
export const DAYS: Readonly<Record<ConversationLanguage, readonly string[]>> = {
  eng: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
  deu: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
  fra: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
  ita: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
  roh: ["glindesdi", "mardi", "mesemna", "gievgia", "venderdi", "sonda", "dumengia"],
  spa: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
  por: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
  nld: ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"],
};
