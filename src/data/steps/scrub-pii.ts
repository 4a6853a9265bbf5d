/**
 * @file Replaces e-mail addresses, IP addresses and bank account numbers by the tokens that Apertus' tokenizer has for
 * them (Apertus technical report §3.1.2). Where the original detectors are too narrow or too wide, these are not:
 * IBANs of every country, spaced or not, with their checksum; IPv6; version and section numbers left alone.
 */
import { isIPv6 } from "node:net";
import { withText } from "../../artifacts/index.ts";
import { findIbans } from "./iban.ts";
import { findIpv4 } from "./ipv4.ts";
import { findCards, findPhones } from "./phone-card.ts";
import type { DocumentStep } from "./step.ts";

export const PII_TOKENS = {
  email: "<email-pii>",
  ip: "<ip-pii>",
  iban: "<iban-pii>",
  phone: "<phone-pii>",
  card: "<card-pii>",
} as const;
export type PiiKind = keyof typeof PII_TOKENS;

/** A piece of text to be replaced: UTF-16 offsets, end exclusive. */
export interface PiiMatch {
  readonly kind: PiiKind;
  readonly start: number;
  readonly end: number;
}

const LOCAL_PART = /[\p{L}\p{N}!#$%&'*+/=?^_`{|}~.-]/u;
const DOMAIN = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,10}\p{L}{2,24}(?![\p{L}\p{N}])/u;
const DOMAIN_LITERAL = /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9a-f:.]{2,45})\]/i;

/** E-mail addresses: around each `@`, the longest local part before it (64 characters, RFC 5321) and domain after it. */
export function findEmails(text: string): PiiMatch[] {
  const matches: PiiMatch[] = [];
  let from = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    let start = at;
    while (start > from && at - start < 64 && LOCAL_PART.test(text[start - 1]!)) start -= 1;
    while (start < at && /[.'`*/=&?-]/.test(text[start]!)) start += 1;
    if (start === at || text[at - 1] === ".") continue;
    const rest = text.slice(at + 1, at + 256);
    const domain = DOMAIN.exec(rest) ?? DOMAIN_LITERAL.exec(rest);
    if (domain === null) continue;
    from = at + 1 + domain[0].length;
    matches.push({ kind: "email", start, end: from });
  }
  return matches;
}

const IPV6 = /(?<![\p{L}\p{N}_:.])[0-9a-f]{0,4}:[0-9a-f:.]{1,44}(?![\p{L}\p{N}_])/giu;

function findIpv6(text: string): PiiMatch[] {
  const matches: PiiMatch[] = [];
  for (const { 0: candidate, index } of text.matchAll(IPV6)) {
    const address = candidate.replace(/[.:]$/, (end) => (candidate.endsWith("::") ? end : ""));
    // "a::b" is code, "::" nothing; an address that says where somebody is has digits and several groups.
    const groups = address.split(/[:.]/).filter((group) => group !== "");
    if (groups.length < 2 || !/\d/.test(address) || !isIPv6(address)) continue;
    matches.push({ kind: "ip", start: index, end: index + address.length });
  }
  return matches;
}

/** Every identifier of the chosen kinds in `text`, in order, none overlapping another. */
export function findPii(text: string, kinds: readonly PiiKind[]): PiiMatch[] {
  const found: PiiMatch[] = [];
  if (text.includes("@")) found.push(...findEmails(text));
  if (/\d\.\d/.test(text)) found.push(...findIpv4(text).map((span) => ({ kind: "ip" as const, ...span })));
  if (/:[0-9a-f]{0,4}:/i.test(text)) found.push(...findIpv6(text));
  found.push(...findIbans(text).map((match) => ({ kind: "iban" as const, ...match })));
  if (kinds.includes("card"))
    found.push(...findCards(text).map((span) => ({ kind: "card" as const, ...span })));
  if (kinds.includes("phone"))
    found.push(...findPhones(text).map((span) => ({ kind: "phone" as const, ...span })));
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  let end = 0;
  return found.filter((match) => {
    if (match.start < end) return false;
    end = match.end;
    return true;
  });
}

/** `text` with the chosen kinds replaced by their tokens, and how many distinct ones there were. */
export function scrubText(text: string, kinds: readonly PiiKind[]): { text: string; distinct: number } {
  const matches = findPii(text, kinds).filter((match) => kinds.includes(match.kind));
  if (matches.length === 0) return { text, distinct: 0 };
  const distinct = new Set(matches.map(({ start, end }) => text.slice(start, end).toLowerCase()));
  let scrubbed = "";
  let from = 0;
  for (const { kind, start, end } of matches) {
    scrubbed += text.slice(from, start) + PII_TOKENS[kind];
    from = end;
  }
  return { text: scrubbed + text.slice(from), distinct: distinct.size };
}

/** Drops nothing. */
export function scrubPiiStep(kinds: readonly PiiKind[]): DocumentStep {
  return {
    name: "pii",
    judge(document) {
      const { text, distinct } = scrubText(document.text, kinds);
      return { keep: { ...withText(document, text), scrubbed: document.scrubbed + distinct } };
    },
  };
}
