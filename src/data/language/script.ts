/** @file The writing system of a text, by Unicode script properties, as ISO 15924 codes. */

/** Unicode script name → ISO 15924, for scripts in which documents are written today. */
const SCRIPTS = {
  Latn: "Latin",
  Cyrl: "Cyrillic",
  Arab: "Arabic",
  Deva: "Devanagari",
  Hani: "Han",
  Hira: "Hiragana",
  Kana: "Katakana",
  Hang: "Hangul",
  Beng: "Bengali",
  Grek: "Greek",
  Hebr: "Hebrew",
  Thai: "Thai",
  Ethi: "Ethiopic",
  Armn: "Armenian",
  Geor: "Georgian",
  Taml: "Tamil",
  Telu: "Telugu",
  Knda: "Kannada",
  Mlym: "Malayalam",
  Gujr: "Gujarati",
  Guru: "Gurmukhi",
  Orya: "Oriya",
  Sinh: "Sinhala",
  Mymr: "Myanmar",
  Khmr: "Khmer",
  Laoo: "Lao",
  Tibt: "Tibetan",
  Mong: "Mongolian",
  Thaa: "Thaana",
  Syrc: "Syriac",
  Tfng: "Tifinagh",
  Cher: "Cherokee",
  Cans: "Canadian_Aboriginal",
  Yiii: "Yi",
  Vaii: "Vai",
  Nkoo: "Nko",
  Adlm: "Adlam",
  Java: "Javanese",
  Bali: "Balinese",
  Bugi: "Buginese",
  Sund: "Sundanese",
  Lana: "Tai_Tham",
  Talu: "New_Tai_Lue",
  Cakm: "Chakma",
  Olck: "Ol_Chiki",
  Mtei: "Meetei_Mayek",
  Bamu: "Bamum",
  Tglg: "Tagalog",
  Gran: "Grantha",
  Copt: "Coptic",
  Bopo: "Bopomofo",
  Hmnp: "Nyiakeng_Puachue_Hmong",
  Osge: "Osage",
  Lisu: "Lisu",
} as const;

const NAMES = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];
const PATTERNS = NAMES.map((name) => new RegExp(`\\p{Script=${SCRIPTS[name]}}`, "u"));
const OTHER = 255;
const LETTER = /\p{L}|\p{M}/u;

/** Script of every code point below U+20000, found once when first asked for; 254 = not known yet. */
const UNKNOWN_YET = 254;
const cache = new Uint8Array(0x20000).fill(UNKNOWN_YET);

function scriptIndex(codePoint: number): number {
  if (codePoint >= cache.length) return codePoint <= 0x323af ? NAMES.indexOf("Hani") : OTHER;
  let index = cache[codePoint]!;
  if (index === UNKNOWN_YET) {
    const character = String.fromCodePoint(codePoint);
    const found = LETTER.test(character) ? PATTERNS.findIndex((pattern) => pattern.test(character)) : -1;
    index = found < 0 ? OTHER : found;
    cache[codePoint] = index;
  }
  return index;
}

/**
 * The script of most letters of `text`, and its share of them. Japanese (`Jpan`) is Han mixed with at least a tenth
 * of kana; Korean with some Han stays `Hang`. `Zyyy` (common) when there is no letter of a known script.
 */
export function dominantScript(text: string): { script: string; share: number; letters: number } {
  const counts = new Uint32Array(NAMES.length);
  let letters = 0;
  for (let i = 0; i < text.length; i++) {
    const codePoint = text.codePointAt(i)!;
    if (codePoint > 0xffff) i += 1;
    const index = scriptIndex(codePoint);
    if (index === OTHER) continue;
    counts[index]! += 1;
    letters += 1;
  }
  if (letters === 0) return { script: "Zyyy", share: 0, letters };
  const of = (name: (typeof NAMES)[number]): number => counts[NAMES.indexOf(name)]!;
  const kana = of("Hira") + of("Kana");
  const japanese = kana + of("Hani");
  if (kana > 0 && kana * 10 >= japanese && japanese * 2 >= letters) {
    return { script: "Jpan", share: japanese / letters, letters };
  }
  const best = counts.indexOf(Math.max(...counts));
  return { script: NAMES[best]!, share: counts[best]! / letters, letters };
}
