/** @file A path as a person would type it in the next command. */
import path from "node:path";

/** Relative to the working directory when it lies inside, else absolute. */
export function shownPath(where: string): string {
  const relative = path.relative(process.cwd(), where);
  return relative.startsWith("..") ? path.resolve(where) : relative || ".";
}
