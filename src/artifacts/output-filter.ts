/**
 * @file The output filter: what a model must not say any more, as keyed hashes of passages. Apertus' acceptable use
 * policy (v1.0, 2025-09) promises such a file of "hash values" that mirror deletion requests, and defines no format; this
 * is one. A passage is cut into units (`text-units.ts`); each window of `window` of them (or the whole of a shorter passage)
 * is kept as the first 128 bits of HMAC-SHA-256 under the file's own key. The file names no text. Its key lies in it, since
 * whoever applies the filter needs it, so a short passage can be guessed by trying: keep the file as safe as the model.
 */
import { createHmac, randomBytes } from "node:crypto";
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import { writeJsonAtomic } from "./atomic.ts";
import { readJsonFile } from "./json-file.ts";
import { textUnits } from "./text-units.ts";

/** Units in a window. Twelve words in a row are rarely anybody's by chance. */
export const FILTER_WINDOW = 12;
/** A single word is nobody's; a first and a second name are somebody's. */
export const FILTER_SHORTEST = 2;
/** A filter of a million windows takes about 35 MB. */
const MAX_BYTES = 512 * 1024 * 1024;

const hashSchema = z.string().regex(/^[0-9a-f]{32}$/, "32 hexadecimal digits");
const entrySchema = z.strictObject({
  /** The request behind it. */
  request: z.string().min(1).max(200),
  /** The day on which it was added. */
  added: z.iso.date(),
  /** Units in each of its windows. */
  units: z.int().min(FILTER_SHORTEST).max(64),
  hashes: z.array(hashSchema).min(1),
});
const filterSchema = z.strictObject({
  format: z.literal("firn-output-filter"),
  formatVersion: z.literal(1),
  /** Raised by one with every change. */
  version: z.int().min(0),
  /** When this version was written (ISO 8601). */
  written: z.iso.datetime(),
  /** HMAC key, 32 bytes in hexadecimal. */
  key: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"),
  entries: z.array(entrySchema).max(1_000_000),
});
export type OutputFilter = z.infer<typeof filterSchema>;
export type OutputFilterEntry = z.infer<typeof entrySchema>;

/** A filter that holds nothing yet. */
export function emptyFilter(now: Date): OutputFilter {
  return {
    format: "firn-output-filter",
    formatVersion: 1,
    version: 0,
    written: now.toISOString(),
    key: randomBytes(32).toString("hex"),
    entries: [],
  };
}

/** The hash of one window of folded units. @param key the filter's key as bytes */
export function windowHash(key: Uint8Array, folded: readonly string[]): string {
  // No unit holds a space, so that joined windows differ whenever their units do.
  return createHmac("sha256", key).update(folded.join(" ")).digest("hex").slice(0, 32);
}

/**
 * The folded units of a passage that can be filtered.
 *
 * @throws FirnError `ARTIFACT_FILTER_PASSAGE` when it has fewer than two words (or characters of an unspaced script)
 */
export function filterableUnits(passage: string): string[] {
  const units = Array.from(textUnits(passage), ({ folded }) => folded);
  if (units.length >= FILTER_SHORTEST) return units;
  throw new FirnError("ARTIFACT_FILTER_PASSAGE", {
    expected: `a passage of at least ${FILTER_SHORTEST} words`,
    got: `one of ${units.length}`,
    next: "Give more of the text around it: a single word would silence everybody who uses it.",
  });
}

/** The entries that keep `passages` from being said. @throws those of `filterableUnits` */
export function filterEntry(
  filter: OutputFilter,
  request: string,
  passages: readonly string[],
  now: Date,
): OutputFilterEntry[] {
  const key = Buffer.from(filter.key, "hex");
  const byLength = new Map<number, Set<string>>();
  for (const passage of passages) {
    const units = filterableUnits(passage);
    const length = Math.min(units.length, FILTER_WINDOW);
    const hashes = byLength.get(length) ?? new Set();
    byLength.set(length, hashes);
    for (let at = 0; at + length <= units.length; at++)
      hashes.add(windowHash(key, units.slice(at, at + length)));
  }
  return [...byLength]
    .sort(([a], [b]) => a - b)
    .map(([units, hashes]) => ({
      request,
      added: now.toISOString().slice(0, 10),
      units,
      hashes: [...hashes].sort(),
    }));
}

/** The next version of `filter`: without what `request` had in it, and with `entries`. */
export function withEntries(
  filter: OutputFilter,
  request: string,
  entries: readonly OutputFilterEntry[],
  now: Date,
): OutputFilter {
  return {
    ...filter,
    version: filter.version + 1,
    written: now.toISOString(),
    entries: [...filter.entries.filter((entry) => entry.request !== request), ...entries],
  };
}

/** Reads a filter. @throws FirnError `ARTIFACT_FILTER` for a file that is missing, too large, or not one */
export function readOutputFilter(path: string): Promise<OutputFilter> {
  const refuse = (got: string, cause?: unknown): FirnError =>
    new FirnError("ARTIFACT_FILTER", {
      expected: "an output filter (format firn-output-filter, version 1)",
      got,
      where: path,
      next: "Take the file as `firn optout add --output` wrote it, or as the model's provider published it.",
      cause,
    });
  return readJsonFile(path, filterSchema, refuse, MAX_BYTES);
}

/** Writes a filter in one step. */
export async function writeOutputFilter(path: string, filter: OutputFilter): Promise<void> {
  await writeJsonAtomic(path, filter);
}
