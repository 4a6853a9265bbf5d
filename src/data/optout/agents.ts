/** @file The crawlers and training programs whose exclusion counts as an opt-out from training. */

/**
 * The agents of Apertus (technical report §3.1.1, with FacebookBot of its code): a page is left out when any of them
 * may not fetch it. `*` is what a crawler without a group of its own has to keep to. CCBot/1.0 and CCBot/2.0, which
 * Apertus lists apart, are the same product token in RFC 9309.
 */
export const APERTUS_AGENTS = [
  "AI2Bot",
  "Applebot-Extended",
  "Bytespider",
  "CCBot",
  "ClaudeBot",
  "cohere-training-data-crawler",
  "Diffbot",
  "FacebookBot",
  "Google-Extended",
  "GPTBot",
  "Meta-ExternalAgent",
  "PanguBot",
  "*",
] as const;

/** The group that holds for every crawler without one of its own. */
export const EVERYONE = "*";

/**
 * The product token at the start of a user-agent line's value, lower-case: `CCBot/2.0 (+https://…)` → `ccbot`. RFC 9309
 * §2.2.1 allows letters, `_` and `-`; digits are taken, too, because real tokens have them (AI2Bot).
 */
export function productToken(value: string): string {
  const trimmed = value.trim();
  if (trimmed.startsWith(EVERYONE)) return EVERYONE;
  return /^[A-Za-z0-9_-]*/.exec(trimmed)![0].toLowerCase();
}
