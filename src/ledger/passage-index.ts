/**
 * @file An index that finds exact passages in a corpus without reading it: of every run of 32 grams of 16 bytes the one
 * with the smallest hash is kept, so that each passage of 47 bytes or more holds a kept gram wherever it stands. Source:
 * winnowing, Schleimer, Wilkerson, Aiken 2003. Kept grams lie sorted in 256 files; candidates are checked against the
 * text itself, so that answers are exact.
 */
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../core/index.ts";
import { eachGram, GRAM_BYTES } from "./grams.ts";

const WINDOW_GRAMS = 32;
/** Every passage of this many bytes holds a kept gram; a shorter one may. */
export const SHORTEST_INDEXED_BYTES = GRAM_BYTES + WINDOW_GRAMS - 1;

const BUCKETS = 256;
/** An entry is 24 bits of hash and 29 bits of document number in one exact double; 8 more bits name the bucket. */
const DOCUMENTS = 2 ** 29;
const SPILL_ENTRIES = 1 << 14;

/** Hashes of the kept grams of `bytes`, in order, each place once. */
export function keptGrams(bytes: Uint8Array): number[] {
  const kept: number[] = [];
  const ring = new Uint32Array(WINDOW_GRAMS);
  let least = -1;
  let leastAt = -1;
  eachGram(bytes, (hash, gram) => {
    ring[gram % WINDOW_GRAMS] = hash;
    if (gram < WINDOW_GRAMS - 1) return;
    const first = gram - WINDOW_GRAMS + 1;
    if (leastAt < first) {
      leastAt = first;
      for (let at = first; at <= gram; at++) {
        if (ring[at % WINDOW_GRAMS]! <= ring[leastAt % WINDOW_GRAMS]!) leastAt = at;
      }
      least = ring[leastAt % WINDOW_GRAMS]!;
      kept.push(least);
    } else if (hash <= least) {
      leastAt = gram;
      least = hash;
      kept.push(least);
    }
  });
  return kept;
}

const bucketPath = (dir: string, bucket: number): string =>
  join(dir, `passages-${bucket.toString(16).padStart(2, "0")}.f64`);

/** Collects the grams of documents, numbered from 0, and writes the files. */
export class PassageIndexWriter {
  readonly #dir: string;
  readonly #buffers = Array.from({ length: BUCKETS }, () => new Float64Array(SPILL_ENTRIES));
  readonly #filled = new Uint32Array(BUCKETS);
  #documents = 0;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Starts an index in `dir`; what an interrupted run left there is removed. */
  static async create(dir: string): Promise<PassageIndexWriter> {
    await mkdir(dir, { recursive: true });
    for (let bucket = 0; bucket < BUCKETS; bucket++) await rm(bucketPath(dir, bucket), { force: true });
    return new PassageIndexWriter(dir);
  }

  /** Adds the next document. */
  async add(bytes: Uint8Array): Promise<void> {
    assert(this.#documents < DOCUMENTS, "the index holds at most 2^29 documents");
    for (const hash of keptGrams(bytes)) {
      const bucket = hash >>> 24;
      if (this.#filled[bucket] === SPILL_ENTRIES) await this.#spill(bucket);
      this.#buffers[bucket]![this.#filled[bucket]!++] = (hash & 0xffffff) * DOCUMENTS + this.#documents;
    }
    this.#documents += 1;
  }

  async #spill(bucket: number): Promise<void> {
    const filled = this.#buffers[bucket]!.subarray(0, this.#filled[bucket]);
    await appendFile(bucketPath(this.#dir, bucket), new Uint8Array(filled.buffer, 0, filled.byteLength));
    this.#filled[bucket] = 0;
  }

  /** Sorts every file. Returns how many entries there are in all. */
  async close(): Promise<number> {
    let entries = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      await this.#spill(bucket);
      const sorted = (await readBucket(this.#dir, bucket)).sort();
      let kept = 0;
      for (let at = 0; at < sorted.length; at++) {
        if (at === 0 || sorted[at] !== sorted[at - 1]) sorted[kept++] = sorted[at]!;
      }
      await writeFile(bucketPath(this.#dir, bucket), new Uint8Array(sorted.buffer, 0, kept * 8));
      entries += kept;
    }
    return entries;
  }
}

async function readBucket(dir: string, bucket: number): Promise<Float64Array> {
  const bytes = await readFile(bucketPath(dir, bucket));
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The first place in `sorted` whose value is not below `value`. */
function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of a passage's grams are looked up; the rarest of them names the candidates. */
const LOOKED_UP = 4;

/**
 * Numbers of the documents that may hold `passage`, ascending: all that do, and rarely one that does not. Undefined if
 * the passage is too short for the index.
 */
export async function passageCandidates(dir: string, passage: Uint8Array): Promise<number[] | undefined> {
  const grams = [...new Set(keptGrams(passage))];
  if (grams.length === 0) return undefined;
  const stride = Math.max(1, Math.floor(grams.length / LOOKED_UP));
  let best: number[] | undefined;
  for (const hash of grams.filter((_, index) => index % stride === 0).slice(0, LOOKED_UP)) {
    const sorted = await readBucket(dir, hash >>> 24);
    const from = (hash & 0xffffff) * DOCUMENTS;
    const found = sorted.subarray(lowerBound(sorted, from), lowerBound(sorted, from + DOCUMENTS));
    if (best === undefined || found.length < best.length) best = [...found].map((entry) => entry - from);
  }
  return best;
}

/**
 * Numbers of the documents that share a passage of `SHORTEST_INDEXED_BYTES` or more with `text`, ascending, with others
 * that share a gram; at most `most`, and whether those are all. Every gram of the text is looked up, because a document
 * keeps its own choice of a passage's grams.
 */
export async function sharingCandidates(
  dir: string,
  text: Uint8Array,
  most: number,
): Promise<{ readonly documents: number[]; readonly complete: boolean }> {
  const byBucket = new Map<number, Set<number>>();
  eachGram(text, (hash) => {
    const wanted = byBucket.get(hash >>> 24) ?? new Set();
    byBucket.set(hash >>> 24, wanted.add(hash & 0xffffff));
  });
  const found = new Set<number>();
  let complete = true;
  for (const [bucket, wanted] of byBucket) {
    const sorted = await readBucket(dir, bucket);
    for (const hash of wanted) {
      const from = hash * DOCUMENTS;
      for (let at = lowerBound(sorted, from); at < sorted.length && sorted[at]! < from + DOCUMENTS; at++) {
        const document = sorted[at]! - from;
        if (found.size < most || found.has(document)) found.add(document);
        else complete = false;
      }
    }
  }
  return { documents: [...found].sort((a, b) => a - b), complete };
}
