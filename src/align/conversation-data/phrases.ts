/** @file What people say to the model and what it answers, language by language. `{}` is where the filling goes. */
import type { ConversationLanguage } from "./languages.ts";

export interface Phrases {
  /** How the language exclaims. */
  readonly exclaim: string;
  readonly greetings: readonly string[];
  /** Said after the greeting was returned. */
  readonly help: string;
  readonly goodbyes: readonly string[];
  readonly thanks: readonly string[];
  readonly welcome: string;
  readonly whoAreYou: readonly string[];
  readonly iAm: string;
  /** Filled with words to say back. */
  readonly repeat: readonly string[];
  /** Filled with a number, in digits or as a word. */
  readonly count: string;
  /** Filled with a day or a number word. */
  readonly after: string;
  readonly before: string;
  /** The same for days, where they need an article. */
  readonly afterDay?: string;
  readonly beforeDay?: string;
  readonly nameDays: string;
  /** Filled with a line of text. */
  readonly whichLanguage: string;
  /** Filled with a word and the name of a language. */
  readonly translate: readonly ((word: string, language: string) => string)[];
}

export const PHRASES: Readonly<Record<ConversationLanguage, Phrases>> = {
  eng: {
    exclaim: "{}!",
    greetings: ["Hello", "Hi", "Good morning", "Good evening"],
    help: "How can I help?",
    goodbyes: ["Goodbye", "Bye", "See you soon"],
    thanks: ["Thank you", "Thanks", "Many thanks"],
    welcome: "You're welcome",
    whoAreYou: ["Who are you?", "What is your name?", "What are you?", "Who am I talking to?"],
    iAm: "I am Firn nano, a tiny language model.",
    repeat: ["Repeat: {}", "Say this: {}"],
    count: "Count to {}.",
    after: "What comes after {}?",
    before: "What comes before {}?",
    nameDays: "Name the days of the week.",
    whichLanguage: "Which language is this? {}",
    translate: [(word, to) => `What is ${word} in ${to}?`, (word, to) => `Translate to ${to}: ${word}`],
  },
  deu: {
    exclaim: "{}!",
    greetings: ["Hallo", "Guten Tag", "Guten Morgen", "Guten Abend"],
    help: "Wie kann ich helfen?",
    goodbyes: ["Auf Wiedersehen", "Tschüss", "Bis bald"],
    thanks: ["Danke", "Vielen Dank", "Danke schön"],
    welcome: "Gern geschehen",
    whoAreYou: ["Wer bist du?", "Wie heißt du?", "Was bist du?", "Mit wem spreche ich?"],
    iAm: "Ich bin Firn nano, ein winziges Sprachmodell.",
    repeat: ["Wiederhole: {}", "Sag das: {}"],
    count: "Zähle bis {}.",
    after: "Was kommt nach {}?",
    before: "Was kommt vor {}?",
    nameDays: "Nenne die Wochentage.",
    whichLanguage: "Welche Sprache ist das? {}",
    translate: [(word, to) => `Was heißt ${word} auf ${to}?`, (word, to) => `Auf ${to}: ${word}`],
  },
  fra: {
    exclaim: "{} !",
    greetings: ["Bonjour", "Bonsoir", "Salut"],
    help: "Comment puis-je aider ?",
    goodbyes: ["Au revoir", "À bientôt", "Bonne nuit"],
    thanks: ["Merci", "Merci beaucoup", "Un grand merci"],
    welcome: "De rien",
    whoAreYou: ["Qui es-tu ?", "Comment t'appelles-tu ?", "Quel est ton nom ?", "Qui êtes-vous ?"],
    iAm: "Je suis Firn nano, un tout petit modèle de langue.",
    repeat: ["Répète : {}", "Dis ceci : {}"],
    count: "Compte jusqu'à {}.",
    after: "Qu'est-ce qui vient après {} ?",
    before: "Qu'est-ce qui vient avant {} ?",
    nameDays: "Nomme les jours de la semaine.",
    whichLanguage: "Quelle langue est-ce ? {}",
    translate: [
      (word, to) => `Comment dit-on ${word} en ${to} ?`,
      (word, to) => `Traduis en ${to} : ${word}`,
    ],
  },
  ita: {
    exclaim: "{}!",
    greetings: ["Ciao", "Buongiorno", "Buonasera"],
    help: "Come posso aiutare?",
    goodbyes: ["Arrivederci", "A presto", "Buonanotte"],
    thanks: ["Grazie", "Grazie mille", "Molte grazie"],
    welcome: "Prego",
    whoAreYou: ["Chi sei?", "Come ti chiami?", "Che cosa sei?", "Qual è il tuo nome?"],
    iAm: "Sono Firn nano, un piccolissimo modello linguistico.",
    repeat: ["Ripeti: {}", "Di' questo: {}"],
    count: "Conta fino a {}.",
    after: "Che cosa viene dopo {}?",
    before: "Che cosa viene prima di {}?",
    nameDays: "Elenca i giorni della settimana.",
    whichLanguage: "Che lingua è questa? {}",
    translate: [(word, to) => `Come si dice ${word} in ${to}?`, (word, to) => `Traduci in ${to}: ${word}`],
  },
  roh: {
    exclaim: "{}!",
    greetings: ["Bun di", "Buna saira", "Allegra"],
    help: "Co poss jau gidar?",
    goodbyes: ["A revair", "Sin seveser", "Buna notg"],
    thanks: ["Grazia", "Grazia fitg", "Engraziel fitg"],
    welcome: "Fatg gugent",
    whoAreYou: ["Tgi es ti?", "Co has ti num?", "Tge es ti?", "Tgi essas Vus?"],
    iAm: "Jau sun Firn nano, in pitschen model linguistic.",
    repeat: ["Repeta: {}", "Di quai: {}"],
    count: "Dumbra fin {}.",
    after: "Tge vegn suenter {}?",
    before: "Tge vegn avant {}?",
    nameDays: "Numna ils dis da l'emna.",
    whichLanguage: "Tge lingua è quai? {}",
    translate: [(word, to) => `Tge vul dir ${word} per ${to}?`, (word, to) => `Per ${to}: ${word}`],
  },
  spa: {
    exclaim: "¡{}!",
    greetings: ["Hola", "Buenos días", "Buenas tardes"],
    help: "¿Cómo puedo ayudar?",
    goodbyes: ["Adiós", "Hasta luego", "Hasta pronto"],
    thanks: ["Gracias", "Muchas gracias", "Mil gracias"],
    welcome: "De nada",
    whoAreYou: ["¿Quién eres?", "¿Cómo te llamas?", "¿Qué eres?", "¿Cuál es tu nombre?"],
    iAm: "Soy Firn nano, un modelo de lenguaje diminuto.",
    repeat: ["Repite: {}", "Di esto: {}"],
    count: "Cuenta hasta {}.",
    after: "¿Qué viene después de {}?",
    before: "¿Qué viene antes de {}?",
    afterDay: "¿Qué viene después del {}?",
    beforeDay: "¿Qué viene antes del {}?",
    nameDays: "Nombra los días de la semana.",
    whichLanguage: "¿Qué idioma es este? {}",
    translate: [(word, to) => `¿Cómo se dice ${word} en ${to}?`, (word, to) => `Traduce al ${to}: ${word}`],
  },
  por: {
    exclaim: "{}!",
    greetings: ["Olá", "Bom dia", "Boa tarde"],
    help: "Como posso ajudar?",
    goodbyes: ["Adeus", "Até logo", "Até breve"],
    thanks: ["Obrigado", "Obrigada", "Muito obrigado"],
    welcome: "Não tem de quê",
    whoAreYou: ["Quem és tu?", "Como te chamas?", "O que és?", "Qual é o teu nome?"],
    iAm: "Sou o Firn nano, um modelo de linguagem minúsculo.",
    repeat: ["Repete: {}", "Diz isto: {}"],
    count: "Conta até {}.",
    after: "O que vem depois de {}?",
    before: "O que vem antes de {}?",
    nameDays: "Diz os dias da semana.",
    whichLanguage: "Que língua é esta? {}",
    translate: [(word, to) => `Como se diz ${word} em ${to}?`, (word, to) => `Traduz para ${to}: ${word}`],
  },
  nld: {
    exclaim: "{}!",
    greetings: ["Goedendag", "Goedemorgen", "Goedenavond"],
    help: "Hoe kan ik helpen?",
    goodbyes: ["Tot ziens", "Tot straks", "Goedenacht"],
    thanks: ["Bedankt", "Dank je", "Dank je wel"],
    welcome: "Graag gedaan",
    whoAreYou: ["Wie ben je?", "Hoe heet je?", "Wat ben je?", "Wat is je naam?"],
    iAm: "Ik ben Firn nano, een piepklein taalmodel.",
    repeat: ["Herhaal: {}", "Zeg dit: {}"],
    count: "Tel tot {}.",
    after: "Wat komt er na {}?",
    before: "Wat komt er voor {}?",
    nameDays: "Noem de dagen van de week.",
    whichLanguage: "Welke taal is dit? {}",
    translate: [
      (word, to) => `Wat is ${word} in het ${to}?`,
      (word, to) => `Vertaal naar het ${to}: ${word}`,
    ],
  },
};
