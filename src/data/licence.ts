/**
 * @file Licences by one name each: what tables and web pages write (`cc by-sa 4.0`, an address of Creative Commons) as
 * SPDX writes it, and whether a list allows an expression. Nothing is guessed: a name without its version stays as it is.
 */
import { createRequire } from "node:module";
import parse from "spdx-expression-parse";

// Importing JSON makes Node.js 20 warn that it is experimental.
const require = createRequire(import.meta.url);
const current = require("spdx-license-ids") as readonly string[];
const deprecated = require("spdx-license-ids/deprecated") as readonly string[];

/** What SPDX prints where nobody can state the licence. */
export const UNKNOWN_LICENCE = "NOASSERTION";

/** Letters and digits of a name without the words that say nothing. */
function keyOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/creative\s*commons/g, "cc")
    .replace(/non-?\s*commercial/g, "nc")
    .replace(/no-?\s*deriv(?:ative)?s?(?:\s*works)?/g, "nd")
    .replace(/share-?\s*alike/g, "sa")
    .replace(/attribution/g, "by")
    .replace(/\b(?:the|licen[cs]ed?|under|version|international|unported|generic|universal|software)\b/g, " ")
    .replace(/\bv(?=\d)/g, " ")
    .replace(/[^a-z0-9]+/g, "");
}

/** Other names in use, by their key. */
const ALIASES: Readonly<Record<string, string>> = {
  apache2: "Apache-2.0",
  cc0: "CC0-1.0",
  cczero: "CC0-1.0",
  odcby: "ODC-By-1.0",
  odbl: "ODbL-1.0",
  pddl: "PDDL-1.0",
  boost1: "BSL-1.0",
  mpl2: "MPL-2.0",
  publicdomain: "LicenseRef-Public-Domain",
  unknown: UNKNOWN_LICENCE,
  other: UNKNOWN_LICENCE,
  none: UNKNOWN_LICENCE,
  noassertion: UNKNOWN_LICENCE,
};

const BY_KEY = new Map([
  ...Object.entries(ALIASES),
  ...[...deprecated, ...current].map((id): [string, string] => [keyOf(id), id]),
]);

/** Addresses of licences, with what stands for their id. */
const ADDRESSES: readonly (readonly [RegExp, (match: RegExpMatchArray) => string])[] = [
  [/creativecommons\.org\/licen[cs]es\/([a-z-]+)\/(\d\.\d)/, ([, kind, version]) => `cc-${kind}-${version}`],
  [/creativecommons\.org\/publicdomain\/zero\/1\.0/, () => "cc0"],
  [/creativecommons\.org\/publicdomain\/mark\/1\.0/, () => "publicdomain"],
  [/opendatacommons\.org\/licen[cs]es\/(by|odbl|pddl)/, ([, kind]) => (kind === "by" ? "odc-by" : kind!)],
  [/apache\.org\/licen[cs]es\/licen[cs]e-2\.0/, () => "apache2"],
  [/(?:opensource|spdx)\.org\/licen[cs]es?\/([a-z0-9.-]+?)(?:\.html|\/|$)/, ([, id]) => id!],
];

function normaliseName(name: string): string | undefined {
  const address = name.trim().toLowerCase();
  if (/^(?:https?:\/\/|www\.)/.test(address)) {
    for (const [pattern, id] of ADDRESSES) {
      const match = pattern.exec(address);
      if (match !== null) return BY_KEY.get(keyOf(id(match)));
    }
    return undefined;
  }
  if (/^licenseref-/i.test(address)) return `LicenseRef-${name.trim().slice("LicenseRef-".length)}`;
  return BY_KEY.get(keyOf(name));
}

/** Longer texts are no licences; the parser's time grows with their square. */
const LONGEST = 500;

function tryParse(expression: string): parse.Info | undefined {
  if (expression.length > LONGEST) return undefined;
  try {
    return parse(expression);
  } catch {
    return undefined;
  }
}

/** `written` as an SPDX expression; as it is where no one id can be meant. */
export function normaliseLicence(written: string): string {
  const text = written.trim();
  if (text === "") return UNKNOWN_LICENCE;
  if (text.length > LONGEST || tryParse(text) !== undefined) return text;
  const whole = normaliseName(text);
  if (whole !== undefined) return whole;
  const parts = text.split(/(\s+(?:and|or|with)\s+|[()]|\s*\/\s*(?=[a-z]))/i).map((part, i) => {
    if (i % 2 === 1) return part.includes("/") ? " OR " : part.toUpperCase();
    return part.trim() === "" ? part : (normaliseName(part) ?? part);
  });
  const expression = parts.join("").replace(/\s+/g, " ").trim();
  return tryParse(expression) === undefined ? text : expression;
}

/** Whether `licence` is one of `allowed`: of alternatives (OR) one must be, of several (AND) every one. */
export function allowsLicence(allowed: ReadonlySet<string>, licence: string): boolean {
  if (allowed.has(licence)) return true;
  const info = tryParse(licence);
  if (info === undefined) return false;
  const check = (part: parse.Info): boolean => {
    if ("conjunction" in part) {
      return part.conjunction === "or"
        ? check(part.left) || check(part.right)
        : check(part.left) && check(part.right);
    }
    // An exception gives further rights: whoever may use the licence may use it with the exception.
    const { license, plus, exception } = part;
    return (
      allowed.has(license) ||
      (plus === true && allowed.has(`${license}+`)) ||
      (exception !== undefined && allowed.has(`${license} WITH ${exception}`))
    );
  };
  return check(info);
}
