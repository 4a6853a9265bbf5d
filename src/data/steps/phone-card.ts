/**
 * @file Telephone and payment card numbers. Both are optional, because neither can be told from other numbers without
 * doubt: cards by issuer prefix, length and Luhn's checksum (ISO/IEC 7812-1), telephones by how they are written.
 */

/** Where something stands in a text: UTF-16 offsets, end exclusive. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** Luhn's checksum over a string of digits. */
export function isLuhnRight(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = digit * 2;
    sum += i % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length > 0 && sum % 10 === 0;
}

/** Prefixes and lengths of the issuers of cards. */
const ISSUERS: readonly { readonly prefix: RegExp; readonly lengths: readonly number[] }[] = [
  { prefix: /^4/, lengths: [13, 16, 19] },
  { prefix: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] },
  { prefix: /^3[47]/, lengths: [15] },
  { prefix: /^(?:30[0-5]|36|38|39)/, lengths: [14] },
  { prefix: /^(?:6011|64[4-9]|65)/, lengths: [16] },
  { prefix: /^35(?:2[89]|[3-8])/, lengths: [16] },
  { prefix: /^(?:50|5[6-9]|6[0-9])/, lengths: [16, 17, 18, 19] },
];

const CARD = /(?<![\p{L}\p{N}.,_-])\d(?:[ -]?\d){12,18}(?![\p{L}\p{N}]|[.,_-]\d)/gu;
/** Groups as cards print them; digits without groups count, too. */
const CARD_GROUPS = /^(?:\d+|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})$/;

export function findCards(text: string): Span[] {
  const found: Span[] = [];
  for (const { 0: written, index } of text.matchAll(CARD)) {
    const digits = written.replace(/[ -]/g, "");
    const issued = ISSUERS.some(
      ({ prefix, lengths }) => prefix.test(digits) && lengths.includes(digits.length),
    );
    if (!issued || !CARD_GROUPS.test(written) || !isLuhnRight(digits)) continue;
    found.push({ start: index, end: index + written.length });
  }
  return found;
}

/** `+41 44 632 11 11`, `0041 …`: country code and 7 to 15 digits in all (ITU-T E.164). */
const INTERNATIONAL =
  /(?<![\p{L}\p{N}+/=_.-])(?:\+|00)[1-9]\d{0,2}(?:[ \u00a0./-]?\(0?\d{0,4}\))?(?:[ \u00a0./-]{0,1}\d{1,5}){2,6}(?![\p{L}\p{N}])/gu;
/** A national number, only after a word that says what it is. */
const NATIONAL =
  /(?<=(?:^|[^\p{L}])(?:tel|telefon|telefono|teléfono|téléphone|tél|phone|fax|mobile|mobil|handy|natel|cell|portable|bureau|call|rufen sie|тел|телефон|電話|电话|전화|هاتف)[ \u00a0]?[.:：]{0,2}[ \u00a0]{0,2})\(?\d{1,5}\)?(?:[ \u00a0./-]?\d{1,4}){2,5}(?![\p{L}\p{N}])/giu;

const countDigits = (text: string): number => text.match(/\d/g)?.length ?? 0;

export function findPhones(text: string): Span[] {
  const found: Span[] = [];
  for (const { 0: written, index } of [...text.matchAll(INTERNATIONAL), ...text.matchAll(NATIONAL)]) {
    const digits = countDigits(written);
    // Written with 00 instead of +, short numbers and rows of four are more often something else.
    const doubtful = written.startsWith("00") && (digits < 10 || /\d{4} \d{4} \d{4}/.test(written));
    if (digits >= 7 && digits <= 17 && !doubtful) found.push({ start: index, end: index + written.length });
  }
  return found;
}
