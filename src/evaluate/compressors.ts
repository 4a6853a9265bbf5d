/**
 * @file What general compressors make of the same text. Documents are packed together, one archive per language
 * and one of everything, so that the compressor learns from all of it: its best case, against a model that starts
 * afresh at every document.
 */
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { LZMA } from "lzma";
import type { CompressionRecord } from "../artifacts/index.ts";
import { BugError } from "../core/index.ts";
import type { HeldOutDocument } from "./held-out.ts";

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);

/** Size in bytes of `data` as `gzip -9` packs it. */
export async function gzipSize(data: Uint8Array): Promise<number> {
  return (await gzipAsync(data, { level: 9 })).length;
}

/** Size in bytes of `data` as Brotli packs it at its highest quality and largest window. */
export async function brotliSize(data: Uint8Array): Promise<number> {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
  };
  return (await brotliAsync(data, { params })).length;
}

/** The package's lowest level with full match finding, and the base-2 logarithm of that level's dictionary. */
const FIRST_FULL_LEVEL = 3;
const FIRST_DICTIONARY_BITS = 19;

/**
 * Size in bytes of `data` as LZMA packs it: what `xz -9e` writes, give or take two in a thousand, without the some
 * forty bytes of the `.xz` container. Levels differ in the dictionary; the lowest one that holds all of `data` packs
 * as well as the highest, in half the time. The packing yields to other work, and cannot be stopped once begun.
 */
export async function xzSize(data: Uint8Array): Promise<number> {
  const bits = Math.ceil(Math.log2(Math.max(1, data.length)));
  const level = Math.min(9, FIRST_FULL_LEVEL + Math.max(0, bits - FIRST_DICTIONARY_BITS));
  return new Promise((resolve, reject) => {
    LZMA().compress(data, level, (packed, error) => {
      if (packed === null) reject(new BugError(`LZMA could not pack ${data.length} bytes: ${String(error)}`));
      else resolve(packed.length);
    });
  });
}

async function packTogether(
  example: string,
  documents: readonly HeldOutDocument[],
): Promise<CompressionRecord> {
  const data = Buffer.from(documents.map((document) => document.text).join("\n"));
  const bytes = documents.reduce((sum, document) => sum + Buffer.byteLength(document.text), 0);
  return {
    task: "compression",
    example,
    bytes,
    gzip: await gzipSize(data),
    xz: await xzSize(data),
    brotli: await brotliSize(data),
  };
}

/** Packs the documents of each language, and all of them, with each compressor. */
export async function packHeldOut(
  documents: readonly HeldOutDocument[],
  options: {
    readonly signal?: AbortSignal;
    /** Told after every archive how many of how many are done. */
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<CompressionRecord[]> {
  const languages = [...new Set(documents.map((document) => document.language))].sort();
  const records: CompressionRecord[] = [];
  for (const language of languages) {
    options.signal?.throwIfAborted();
    const spoken = documents.filter((document) => document.language === language);
    records.push(await packTogether(language, spoken));
    options.onProgress?.(records.length, languages.length + 1);
  }
  // Kept together by language, which is the order that packs best.
  const all = languages.flatMap((language) => documents.filter((document) => document.language === language));
  if (all.length > 0) records.push(await packTogether("all", all));
  return records;
}
