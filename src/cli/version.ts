/** @file The version of the installed package, from its `package.json`. */
import { readFileSync } from "node:fs";
import { z } from "zod";

/** E.g. `0.1.0`. Works from `src/` and from `dist/`, which lie side by side. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
