/** @file Numbers as readers of the portal expect them. */
const integers = new Intl.NumberFormat("en-US");
const languages = new Intl.DisplayNames("en", { type: "language" });

export const integer = (value: number): string => integers.format(value);

/** `1234567` → `1.2 million`. */
export function rough(value: number): string {
  const steps = [
    [1e12, "trillion"],
    [1e9, "billion"],
    [1e6, "million"],
  ] as const;
  for (const [size, name] of steps) if (value >= size) return `${(value / size).toPrecision(2)} ${name}`;
  return integer(value);
}

/** `1.5e15` → `1.5 × 10¹⁵`. */
export function power(value: number): string {
  const [digits, exponent] = value.toExponential(1).split("e");
  const raised = String(Number(exponent)).replace(/./g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "⁻");
  return `${digits} × 10${raised}`;
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} bytes`;
  const units = ["kB", "MB", "GB", "TB", "PB"];
  let unit = -1;
  let rest = value;
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${rest.toPrecision(3)} ${units[unit]}`;
}

export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** The English name of an ISO 639-3 code, where the browser knows one. */
export function languageName(code: string): string {
  try {
    return languages.of(code) ?? code;
  } catch {
    return code;
  }
}
