/**
 * @file Which language the page speaks: the one chosen here before, else the browser's. `words` is a live binding, so
 * that a switch needs nothing but another rendering. A new language is one more object of the same shape.
 */
import { english, type Words } from "./words/english.ts";
import { french } from "./words/french.ts";
import { german } from "./words/german.ts";
import { italian } from "./words/italian.ts";
import { romansh } from "./words/romansh.ts";

export type { Words };

export const LANGUAGES: readonly Words[] = [english, german, french, italian, romansh];

const KEY = "firn.language";

function stored(): string | undefined {
  try {
    return localStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

function pickWords(preferred: readonly string[]): Words {
  for (const tag of preferred) {
    const found = LANGUAGES.find(({ code }) => code === tag.slice(0, 2).toLowerCase());
    if (found !== undefined) return found;
  }
  return english;
}

const chosen = stored();
export let words = pickWords([...(chosen === undefined ? [] : [chosen]), ...navigator.languages]);

/** The word that `table` has for what the server names `name`; else that name. */
export function wordFor(table: Readonly<Record<string, string>>, name: string): string {
  return (Object.hasOwn(table, name) ? table[name] : undefined) ?? name;
}

/** Speaks `code` from now on; the caller renders the page again. */
export function chooseLanguage(code: string): void {
  words = pickWords([code]);
  try {
    localStorage.setItem(KEY, code);
  } catch {
    // Private windows: the choice lives as long as the page.
  }
}
