/** @file International bank account numbers (ISO 13616): country lengths of the IBAN registry, checksum of ISO 7064. */

const LENGTHS =
  "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 " +
  "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 " +
  "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 " +
  "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";
const COUNTRY_LENGTH = new Map(
  LENGTHS.split(" ").map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const START = /(?<![\p{L}\p{N}])[A-Za-z]{2}\d{2}(?=[ \u00a0\u202f-]?[A-Za-z0-9])/gu;

/** ISO 7064 MOD 97-10 over the number with its first four characters moved to the end. */
export function isIbanChecksumRight(iban: string): boolean {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Where IBANs stand in `text`, written together or in groups parted by single spaces or hyphens. */
export function findIbans(text: string): { start: number; end: number }[] {
  const matches: { start: number; end: number }[] = [];
  for (const { 0: begin, index } of text.matchAll(START)) {
    const length = COUNTRY_LENGTH.get(begin.slice(0, 2).toUpperCase());
    if (length === undefined) continue;
    let iban = "";
    let at = index;
    while (iban.length < length && at < text.length) {
      const character = text[at]!;
      if (/[A-Za-z0-9]/.test(character)) iban += character;
      else if (!/[ \u00a0\u202f-]/.test(character) || !/[A-Za-z0-9]/.test(text[at + 1] ?? "")) break;
      at += 1;
    }
    const ends = !/[\p{L}\p{N}]/u.test(text[at] ?? "");
    if (iban.length === length && ends && isIbanChecksumRight(iban.toUpperCase()))
      matches.push({ start: index, end: at });
  }
  return matches;
}
