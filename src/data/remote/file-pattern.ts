/**
 * @file Which files of a repository or bucket a recipe means: one by its name, a folder, or a pattern in which `*` stands
 * for anything but a slash, `**` for anything, `?` for one character.
 */
import { folderParts, wildcardMatcher } from "../../artifacts/index.ts";

/** Whether a pattern says more than a name. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/** The part of a pattern before its first wildcard: what a store can be asked for. */
export function fixedPrefix(pattern: string): string {
  return pattern.replace(/[*?].*$/s, "");
}

/** Whether `name` is meant by `pattern`; files of a folder must also be `isWanted` by the reader. */
export function filePattern(pattern: string, isWanted: (name: string) => boolean): (name: string) => boolean {
  const trimmed = pattern.replace(/^\/+/, "");
  if (isPattern(trimmed)) return wildcardMatcher(folderParts(trimmed));
  const folder = trimmed === "" || trimmed.endsWith("/") ? trimmed : `${trimmed}/`;
  return (name) => name === trimmed || (name.startsWith(folder) && isWanted(name.toLowerCase()));
}
