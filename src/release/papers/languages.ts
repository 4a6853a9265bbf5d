/** @file Languages as the papers need them: the Union's official ones, and codes for a model card. */

/** ISO 639-3 → ISO 639-1 and English name of the 24 official languages of the European Union. */
export const EU_LANGUAGES: ReadonlyMap<string, { readonly code: string; readonly name: string }> = new Map(
  [
    ["bul", "bg", "Bulgarian"],
    ["hrv", "hr", "Croatian"],
    ["ces", "cs", "Czech"],
    ["dan", "da", "Danish"],
    ["nld", "nl", "Dutch"],
    ["eng", "en", "English"],
    ["est", "et", "Estonian"],
    ["fin", "fi", "Finnish"],
    ["fra", "fr", "French"],
    ["deu", "de", "German"],
    ["ell", "el", "Greek"],
    ["hun", "hu", "Hungarian"],
    ["gle", "ga", "Irish"],
    ["ita", "it", "Italian"],
    ["lav", "lv", "Latvian"],
    ["lit", "lt", "Lithuanian"],
    ["mlt", "mt", "Maltese"],
    ["pol", "pl", "Polish"],
    ["por", "pt", "Portuguese"],
    ["ron", "ro", "Romanian"],
    ["slk", "sk", "Slovak"],
    ["slv", "sl", "Slovenian"],
    ["spa", "es", "Spanish"],
    ["swe", "sv", "Swedish"],
  ].map(([long, code, name]) => [long!, { code: code!, name: name! }]),
);

/** Individual languages that ISO 639-3 keeps under the macrolanguage which the treaties mean. */
const STANDARD_OF: ReadonlyMap<string, string> = new Map([
  ["ekk", "est"],
  ["lvs", "lav"],
]);

/** `deu_Latn` → `deu`; Standard Estonian (`ekk`) and Latvian (`lvs`) → `est`, `lav`. */
export function languageOf(label: string): string {
  const code = label.split("_")[0]!;
  return STANDARD_OF.get(code) ?? code;
}

/** The code a Hugging Face card uses: two letters for the Union's languages, else three. */
export function cardLanguage(label: string): string {
  const language = languageOf(label);
  return EU_LANGUAGES.get(language)?.code ?? language;
}
