/**
 * @file Tokens on disk in Megatron-LM's format (`megatron/core/datasets/indexed_dataset.py`): `<split>.bin` holds
 * int32 ids, `<split>.idx` where each sequence lies. A document's tokens are there once; the index names them as often as the
 * document is to be read in one pass, so that Megatron reads it as often as this program does. Beside them
 * `documents.parquet` says which document is which sequence, and `tokens.json` which tokenizer made them.
 */
import { open, readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { assert, describeError, FirnError, systemErrorCode } from "../core/index.ts";
import { AtomicFile, writeFileAtomic, writeJsonAtomic } from "./atomic.ts";
import { ParquetRowsWriter, readParquetRows } from "./parquet.ts";

const MAGIC = "MMIDIDX\u0000\u0000";
const VERSION = 1n;
const INT32_CODE = 4;
/** Magic, version, type code, number of sequences, length of the document index. */
const HEADER_BYTES = 9 + 8 + 1 + 8 + 8;
/** Ids kept in memory before they are written. */
const BUFFER_IDS = 1 << 18;

/** What a row of `documents.parquet` says of a document besides its place. */
export interface TokenDocumentFields {
  readonly id: string;
  readonly language: string | null;
  readonly source: string;
  /** UTF-8 bytes of its text. */
  readonly bytes: number;
  /** How often it stands in one pass over its split, and so how many sequences of the index are it. */
  readonly repeats: number;
}

/** A document and its place in the tokens of its split. */
export interface TokenDocument extends TokenDocumentFields {
  readonly split: string;
  /** Number of its first sequence in the split. */
  readonly sequence: number;
  /** Tokens before it in the split's `.bin`. */
  readonly offset: number;
  /** Its tokens, `<s>` and `</s>` included. */
  readonly length: number;
}

const metadataSchema = z.object({
  /** In format 1 the index names every document once, whatever its `repeats`. */
  format: z.literal([1, 2]),
  vocabSize: z.int().min(1).max(0x7fffffff),
  tokenizer: z.string().regex(/^[0-9a-f]{64}$/),
  splits: z.record(z.string(), z.object({ documents: z.int().min(0), tokens: z.int().min(0) })),
});
type TokensMetadata = z.infer<typeof metadataSchema>;

/** What the index says of a document. An empty one is one sequence. */
interface IndexEntry {
  readonly length: number;
  readonly sequences: number;
}

/** Megatron finds a sequence by its pointer alone (`_IndexReader`, `IndexedDataset.get`): several may have the same. */
function indexBytes(entries: readonly IndexEntry[]): Uint8Array {
  const count = entries.reduce((sum, { sequences }) => sum + sequences, 0);
  const bytes = Buffer.alloc(HEADER_BYTES + 4 * count + 8 * count + 8 * (count + 1));
  let at = bytes.write(MAGIC, "latin1");
  at = bytes.writeBigUInt64LE(VERSION, at);
  at = bytes.writeUInt8(INT32_CODE, at);
  at = bytes.writeBigUInt64LE(BigInt(count), at);
  at = bytes.writeBigUInt64LE(BigInt(count + 1), at);
  for (const { length, sequences } of entries)
    for (let i = 0; i < sequences; i++) at = bytes.writeInt32LE(length, at);
  let pointer = 0;
  for (const { length, sequences } of entries) {
    for (let i = 0; i < sequences; i++) at = bytes.writeBigInt64LE(BigInt(pointer), at);
    pointer += 4 * length;
  }
  for (let document = 0; document <= count; document++) at = bytes.writeBigInt64LE(BigInt(document), at);
  return bytes;
}

/** Writes a tokens artifact, split after split, document after document; memory does not grow with the tokens. */
export class TokensWriter {
  readonly #dir: string;
  readonly #metadata: TokensMetadata;
  readonly #documents: ParquetRowsWriter;
  readonly #buffer = new Int32Array(BUFFER_IDS);
  #buffered = 0;
  #split:
    | { name: string; bin: AtomicFile; entries: IndexEntry[]; sequences: number; tokens: number }
    | undefined;

  private constructor(dir: string, metadata: TokensMetadata, documents: ParquetRowsWriter) {
    this.#dir = dir;
    this.#metadata = metadata;
    this.#documents = documents;
  }

  /** Starts the artifact in folder `dir`; `tokenizer` is the SHA-256 of the `tokenizer.json` that made the ids. */
  static async create(dir: string, made: { vocabSize: number; tokenizer: string }): Promise<TokensWriter> {
    assert(endianness() === "LE", "tokens are written on little-endian machines only");
    const documents = await ParquetRowsWriter.create(join(dir, "documents.parquet"), {
      columns: [
        { name: "id", type: "STRING" },
        { name: "split", type: "STRING" },
        { name: "sequence", type: "INT32" },
        { name: "offset", type: "INT64" },
        { name: "length", type: "INT32" },
        { name: "language", type: "STRING", nullable: true },
        { name: "source", type: "STRING" },
        { name: "bytes", type: "INT64" },
        { name: "repeats", type: "INT32" },
      ],
    });
    return new TokensWriter(dir, { format: 2, ...made, splits: {} }, documents);
  }

  /** Starts a split; the one before is finished. */
  async startSplit(name: string): Promise<void> {
    assert(/^[a-z][a-z0-9-]*$/.test(name) && !Object.hasOwn(this.#metadata.splits, name), `split ${name}`);
    await this.#finishSplit();
    this.#split = {
      name,
      bin: await AtomicFile.create(join(this.#dir, `${name}.bin`)),
      entries: [],
      sequences: 0,
      tokens: 0,
    };
  }

  /** Adds a document's ids to the split. */
  async add(ids: Int32Array, document: TokenDocumentFields): Promise<void> {
    const split = this.#split;
    assert(split !== undefined, "a document came before its split");
    assert(document.repeats >= 1, "a document that is never read has no tokens");
    for (const id of ids)
      assert(id >= 0 && id < this.#metadata.vocabSize, `token ${id} is outside the vocabulary`);
    await this.#documents.write([
      {
        ...document,
        split: split.name,
        sequence: split.sequences,
        offset: split.tokens,
        length: ids.length,
      },
    ]);
    const sequences = ids.length === 0 ? 1 : document.repeats;
    split.entries.push({ length: ids.length, sequences });
    split.sequences += sequences;
    split.tokens += ids.length;
    if (this.#buffered + ids.length > BUFFER_IDS) await this.#flush();
    if (ids.length > BUFFER_IDS) {
      await split.bin.write(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
    } else {
      this.#buffer.set(ids, this.#buffered);
      this.#buffered += ids.length;
    }
  }

  /** Finishes the last split, the table and the description. */
  async close(): Promise<void> {
    await this.#finishSplit();
    await this.#documents.close();
    await writeJsonAtomic(join(this.#dir, "tokens.json"), this.#metadata);
  }

  /** Gives up; unfinished files disappear. Harmless after `close`. */
  async abandon(): Promise<void> {
    await this.#split?.bin.abandon();
    await this.#documents.abandon();
  }

  async #flush(): Promise<void> {
    await this.#split!.bin.write(new Uint8Array(this.#buffer.buffer, 0, 4 * this.#buffered));
    this.#buffered = 0;
  }

  async #finishSplit(): Promise<void> {
    const split = this.#split;
    if (split === undefined) return;
    await this.#flush();
    await split.bin.commit();
    await writeFileAtomic(join(this.#dir, `${split.name}.idx`), indexBytes(split.entries));
    this.#metadata.splits[split.name] = { documents: split.entries.length, tokens: split.tokens };
    this.#split = undefined;
  }
}

/** The tokens of one split, checked and in memory. */
export interface Tokens {
  readonly split: string;
  readonly vocabSize: number;
  /** SHA-256 of the `tokenizer.json` that made them. */
  readonly tokenizer: string;
  readonly tokenCount: number;
  readonly documentCount: number;
  /** All documents, one after the other. */
  readonly ids: Int32Array;
  /** Document i is `ids[documentOffsets[i] … documentOffsets[i + 1])`. */
  readonly documentOffsets: Float64Array;
  /** The rows of `documents.parquet` for this split, in their order. */
  documents(): Promise<TokenDocument[]>;
}

function broken(path: string, expected: string, got: string, cause?: unknown): FirnError {
  return new FirnError("TOKENS_BROKEN", {
    expected,
    got,
    where: path,
    next: "Build the tokens again (delete the artifact's folder first); if they were copied, compare checksums.",
    cause,
  });
}

async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    throw new FirnError("TOKENS_MISSING", {
      expected: "a file of a tokens artifact that can be read",
      got: systemErrorCode(cause) === "ENOENT" ? "no such file" : describeError(cause),
      where: path,
      next: "Point to a tokens artifact and one of its splits, or build it again.",
      cause,
    });
  });
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(bytes, filled, Math.min(size - filled, 1 << 30), filled);
      if (bytesRead === 0) throw broken(path, `${size} bytes`, `only ${filled}`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Where documents lie, and how many sequences of the index each is. */
interface ParsedIndex {
  /** Document i is the tokens [offsets[i], offsets[i + 1]) … */
  readonly offsets: Float64Array;
  /** … and the sequences [sequences[i], sequences[i + 1]). */
  readonly sequences: Float64Array;
}

/** The documents in the bytes of an `.idx`: sequences one after the other, each perhaps named several times. */
function parseIndex(bytes: Uint8Array, path: string): ParsedIndex {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < HEADER_BYTES || buffer.toString("latin1", 0, 9) !== MAGIC) {
    throw broken(path, "an index of Megatron's format", "other content");
  }
  const version = buffer.readBigUInt64LE(9);
  const code = buffer.readUInt8(17);
  if (version !== VERSION || code !== INT32_CODE) {
    throw broken(path, "version 1 with 32-bit ids (code 4)", `version ${version} with type code ${code}`);
  }
  const count = Number(buffer.readBigUInt64LE(18));
  const documents = Number(buffer.readBigUInt64LE(26));
  if (documents !== count + 1 || buffer.length !== HEADER_BYTES + 12 * count + 8 * documents) {
    throw broken(
      path,
      `${HEADER_BYTES + 20 * count + 8} bytes for ${count} documents`,
      `${buffer.length} bytes`,
    );
  }
  const offsets = new Float64Array(count + 1);
  const sequences = new Float64Array(count + 1);
  let found = 0;
  for (let i = 0; i < count; i++) {
    const length = buffer.readInt32LE(HEADER_BYTES + 4 * i);
    const pointer = Number(buffer.readBigInt64LE(HEADER_BYTES + 4 * count + 8 * i));
    const document = Number(buffer.readBigInt64LE(HEADER_BYTES + 12 * count + 8 * i));
    const end = offsets[found]!;
    const again =
      found > 0 && length > 0 && pointer === 4 * offsets[found - 1]! && end === pointer / 4 + length;
    if (length < 0 || document !== i || (pointer !== 4 * end && !again)) {
      throw broken(
        path,
        "documents one after the other, each named once or more",
        `sequence ${i} out of place`,
      );
    }
    if (!again) {
      found += 1;
      offsets[found] = end + length;
    }
    sequences[found] = i + 1;
  }
  if (Number(buffer.readBigInt64LE(buffer.length - 8)) !== count) {
    throw broken(path, "a document index that ends with the last sequence", "another end");
  }
  return { offsets: offsets.slice(0, found + 1), sequences: sequences.slice(0, found + 1) };
}

async function readMetadata(dir: string): Promise<TokensMetadata> {
  const path = join(dir, "tokens.json");
  try {
    return metadataSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    if (systemErrorCode(cause) === undefined)
      throw broken(path, "the description of a tokens artifact", describeError(cause).slice(0, 200), cause);
    throw new FirnError("TOKENS_MISSING", {
      expected: "a tokens artifact",
      got: describeError(cause),
      where: path,
      next: "Point to the folder of a tokens artifact, or build it.",
      cause,
    });
  }
}

async function readRows(
  dir: string,
  split: string,
  { offsets, sequences }: ParsedIndex,
  format: TokensMetadata["format"],
): Promise<TokenDocument[]> {
  const path = join(dir, "documents.parquet");
  const rows: TokenDocument[] = [];
  for await (const group of readParquetRows(path)) {
    for (const row of group as unknown as TokenDocument[]) {
      if (row.split !== split) continue;
      const at = rows.length;
      const named = sequences[at + 1]! - sequences[at]!;
      const read = format === 1 || row.length === 0 ? 1 : row.repeats;
      if (
        row.sequence !== sequences[at] ||
        named !== read ||
        row.offset !== offsets[at] ||
        row.offset + row.length !== offsets[at + 1]
      ) {
        throw broken(
          path,
          `document ${at} of ${split} where the index has it`,
          `another place for ${row.id}`,
        );
      }
      rows.push(row);
    }
  }
  if (rows.length !== offsets.length - 1) {
    throw broken(path, `${offsets.length - 1} documents in ${split}`, String(rows.length));
  }
  return rows;
}

/**
 * Opens the tokens of `split` in folder `dir`; every id and every offset is checked.
 *
 * @throws FirnError `TOKENS_MISSING`, `TOKENS_BROKEN`, `TOKENS_ID_RANGE`
 */
export async function openTokens(dir: string, split: string): Promise<Tokens> {
  const metadata = await readMetadata(dir);
  const indexPath = join(dir, `${split}.idx`);
  const index = parseIndex(await readWhole(indexPath), indexPath);
  const documentOffsets = index.offsets;
  const path = join(dir, `${split}.bin`);
  const bytes = await readWhole(path);
  const tokenCount = documentOffsets.at(-1)!;
  if (bytes.length !== 4 * tokenCount) {
    throw broken(path, `${4 * tokenCount} bytes, as the index says`, String(bytes.length));
  }
  const ids = new Int32Array(bytes.buffer);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id >= 0 && id < metadata.vocabSize) continue;
    throw new FirnError("TOKENS_ID_RANGE", {
      expected: `ids below the vocabulary size ${metadata.vocabSize}`,
      got: `id ${id} at position ${i}`,
      where: path,
      next: "The file is damaged, or was made with another tokenizer; build the tokens again.",
    });
  }
  return {
    split,
    vocabSize: metadata.vocabSize,
    tokenizer: metadata.tokenizer,
    tokenCount,
    documentCount: documentOffsets.length - 1,
    ids,
    documentOffsets,
    documents: () => readRows(dir, split, index, metadata.format),
  };
}
