/**
 * @file A parser of foreign bytes, for the table in `parsers.ts`: a few sound inputs, and how it is read. Whatever is done to the
 * inputs, reading ends in a value that keeps the parser's promise or in a `FirnError`.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { FirnError } from "../../src/core/index.ts";
import { longRuns, mutated } from "./mutations.ts";

export interface HostileParser {
  /** What is read, as people call it. */
  readonly name: string;
  /** The file in `src/` with the parser. */
  readonly file: string;
  readonly samples: readonly (string | Uint8Array)[];
  /** Inputs that are refused as they are, and lead to other places when they are changed. */
  readonly near?: readonly (string | Uint8Array)[];
  /** Reads the bytes; `dir` is a folder for it alone. Throws a `FirnError`, or when the parser broke its promise. */
  read(bytes: Buffer, dir: string): unknown;
  /** Of text: what stands around a long run of one piece, so that the parser looks at it. */
  readonly around?: readonly (readonly [string, string])[];
  /** Pieces that this format repeats, beside those of `longRuns`. */
  readonly pieces?: readonly string[];
  /** Of what reads slowly because it is large by itself (starts a server, loads a model): this share of the runs. */
  readonly share?: number;
}

/** Writes the bytes as a file of that name and returns its path. */
export async function put(dir: string, name: string, bytes: Buffer): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  return path;
}

/** Reads on to the end. */
export async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items) continue;
}

/** Reads; a `FirnError` with a code is an answer, everything else is thrown. */
export async function survive(parser: HostileParser, bytes: Buffer, dir: string): Promise<void> {
  try {
    await parser.read(bytes, dir);
  } catch (error) {
    if (!(error instanceof FirnError) || !/^[A-Z]+(_[A-Z0-9]+)+$/.test(error.code)) throw error;
  }
}

/** Feeds the parser so many inputs, the same at every call with this seed. */
export async function feed(parser: HostileParser, dir: string, runs: number, seed: number): Promise<void> {
  const samples = parser.samples.map((sample) => Buffer.from(sample));
  const near = (parser.near ?? []).map((input) => Buffer.from(input));
  for (const sample of samples) await parser.read(sample, dir);
  await fc.assert(
    fc.asyncProperty(mutated([...samples, ...near]), (bytes) => survive(parser, bytes, dir)),
    { numRuns: Math.max(1, Math.round(runs * (parser.share ?? 1))), seed, endOnFailure: true },
  );
}

/** Long runs of one piece, in every place that the parser names. */
export async function feedLongRuns(parser: HostileParser, dir: string, bytes: number): Promise<void> {
  for (const around of parser.around ?? [])
    for (const text of longRuns(bytes, around, parser.pieces)) await survive(parser, Buffer.from(text), dir);
}
