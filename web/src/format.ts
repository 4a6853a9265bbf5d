/** @file Numbers, sizes and names of languages as readers of the page's language expect them. */
import { words } from "./words.ts";

/** Browsers that know no Romansh write its numbers as the other languages of Switzerland do. */
const locales = (): string[] => [words.code, "de-CH"];

/** Making one takes longer than using it a thousand times. */
const formats = new Map<string, Intl.NumberFormat>();

function write(value: number, options: Intl.NumberFormatOptions): string {
  const name = words.code + JSON.stringify(options);
  const format = formats.get(name) ?? new Intl.NumberFormat(locales(), options);
  formats.set(name, format);
  return format.format(value);
}

export const integer = (value: number): string => write(value, { maximumFractionDigits: 0 });

/** With exactly `digits` digits after the point. */
export const fixed = (value: number, digits: number): string =>
  write(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** `1234567` → `1.2 million`. */
export function rough(value: number): string {
  if (value < 1e6) return integer(value);
  return write(value, { notation: "compact", compactDisplay: "long", maximumSignificantDigits: 2 });
}

/** `1.5e15` → `1.5 × 10¹⁵`. */
export function power(value: number): string {
  const [digits, exponent] = value.toExponential(1).split("e");
  const raised = String(Number(exponent)).replace(/./g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "⁻");
  return `${fixed(Number(digits), 1)} × 10${raised}`;
}

const UNITS = ["kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];

/** `1234567` → `1.23 MB`. */
export function bytes(value: number): string {
  if (value < 1000) return write(value, { style: "unit", unit: "byte", unitDisplay: "long" });
  let unit = -1;
  let rest = value;
  while (rest >= 1000 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return write(rest, {
    style: "unit",
    unit: UNITS[unit]!,
    minimumSignificantDigits: 3,
    maximumSignificantDigits: 3,
  });
}

export const percent = (share: number): string => `${fixed(share * 100, share < 0.1 ? 1 : 0)} %`;

const languages = new Map<string, Intl.DisplayNames>();

/** The name of an ISO 639-3 code, where the browser knows one. */
export function languageName(code: string): string {
  try {
    const names = languages.get(words.code) ?? new Intl.DisplayNames(locales(), { type: "language" });
    languages.set(words.code, names);
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}
