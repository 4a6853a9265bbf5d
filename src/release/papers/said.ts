/** @file Statements of the provider: each cites the fact that records the profile, or is a gap. */
import type { ReleaseRecord } from "./facts.ts";
import { gap, type Statement } from "./paper.ts";

/** What the provider says, or the gap where the profile leaves it out. */
export function said({ provider }: ReleaseRecord, text: string | undefined, what: string): Statement {
  if (text === undefined || provider === undefined) return gap(what, "person");
  return { text: text.replace(/\s+/g, " ").trim(), facts: [provider.fact], basis: "provider" };
}

/** The provider's contact line. */
export function contactLine({ provider }: ReleaseRecord): string | undefined {
  const known = [provider?.data.contact, provider?.data.address].filter((line) => line !== undefined);
  return known.length === 0 ? undefined : known.join(", ");
}

/** `2026-11-23` → `23/11/26 (2026-11-23)`: the form's format and an unambiguous one. */
export function bothDates(date: string): string {
  const [year, month, day] = date.split("-");
  return `${day}/${month}/${year!.slice(2)} (${date})`;
}

/** `2024-05` → `05/2024`; a year stays a year. */
export function monthYear(date: string): string {
  const [year, month] = date.split("-");
  return month === undefined ? year! : `${month}/${year}`;
}
