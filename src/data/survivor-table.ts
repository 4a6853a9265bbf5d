/**
 * @file What is known of the documents that passed the filters, without their texts. It lies on the disk and is read from
 * front to back, again and again; in memory a document costs the four bytes of its copies.
 */
import { join } from "node:path";
import type { FilePoint } from "../artifacts/index.ts";
import { assert } from "../core/index.ts";
import { ScratchLog } from "./scratch-log.ts";

/** A document that passed, in the order of the table. */
export interface SurvivorRow {
  readonly id: string;
  readonly source: string;
  readonly language: string | null;
  readonly parallelKey: string | null;
  readonly bytes: number;
  /** How many documents it stands for. */
  readonly copies: number;
}

/** End of the id in the file of ids (8 bytes), source and language, parallel key, bytes of text. */
const RECORD_BYTES = 8 + 4 + 4 + 4;
const READ_RECORDS = 4096;

/** Unsigned numbers by position; grows piece by piece, so that nothing is ever copied or held twice. */
class Counters {
  static readonly #PIECE = 1 << 16;
  readonly #pieces: Uint32Array[] = [];
  length = 0;

  push(value: number): void {
    if (this.length % Counters.#PIECE === 0) this.#pieces.push(new Uint32Array(Counters.#PIECE));
    this.length += 1;
    this.add(this.length - 1, value);
  }

  add(index: number, value: number): void {
    this.#pieces[Math.floor(index / Counters.#PIECE)]![index % Counters.#PIECE]! += value;
  }

  at(index: number): number {
    return this.#pieces[Math.floor(index / Counters.#PIECE)]![index % Counters.#PIECE]!;
  }
}

/** Values that come again and again, by number. */
class Names<T> {
  readonly values: T[];
  readonly #numbers: Map<string, number>;

  constructor(values: readonly T[] = []) {
    this.values = [...values];
    this.#numbers = new Map(this.values.map((value, number) => [JSON.stringify(value), number]));
  }

  numberOf(value: T): number {
    const key = JSON.stringify(value);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.values.length);
    return this.values.push(value) - 1;
  }
}

/** Source and language. */
type Stratum = readonly [string, string | null];

/** A place in the table being filled, to go on from. */
export interface SurvivorPoint {
  readonly ids: FilePoint;
  readonly records: FilePoint;
  /** Numbers of the documents that a duplicate was found of, one by one. */
  readonly duplicates: FilePoint;
  readonly strata: readonly Stratum[];
  readonly keys: readonly (string | null)[];
}

interface Files {
  readonly ids: ScratchLog;
  readonly records: ScratchLog;
  readonly duplicates: ScratchLog;
}

export class SurvivorTable {
  readonly #files: Files;
  readonly #copies = new Counters();
  readonly #strata: Names<Stratum>;
  readonly #keys: Names<string | null>;

  private constructor(files: Files, strata: readonly Stratum[] = [], keys: readonly (string | null)[] = []) {
    this.#files = files;
    this.#strata = new Names(strata);
    this.#keys = new Names(keys);
  }

  /** Files go to `dir`, which is made. */
  static create(dir: string): SurvivorTable {
    const [ids, records, duplicates] = ["ids", "records", "duplicates"].map((name) =>
      ScratchLog.create(join(dir, name)),
    );
    return new SurvivorTable({ ids: ids!, records: records!, duplicates: duplicates! });
  }

  /** Goes on at a point of an earlier run; `undefined` when a file is not what it was. */
  static resume(dir: string, point: SurvivorPoint): SurvivorTable | undefined {
    const ids = ScratchLog.resume(join(dir, "ids"), point.ids);
    const records = ScratchLog.resume(join(dir, "records"), point.records);
    const duplicates = ScratchLog.resume(join(dir, "duplicates"), point.duplicates);
    if (ids === undefined || records === undefined || duplicates === undefined) {
      for (const file of [ids, records, duplicates]) file?.close();
      return undefined;
    }
    const table = new SurvivorTable({ ids, records, duplicates }, point.strata, point.keys);
    for (let i = 0; i < records.bytes / RECORD_BYTES; i++) table.#copies.push(1);
    for (const bytes of chunksOf(duplicates, 4)) {
      for (let at = 0; at < bytes.byteLength; at += 4) table.#copies.add(bytes.getUint32(at, true), 1);
    }
    return table;
  }

  /** How many documents are in it. */
  get count(): number {
    return this.#copies.length;
  }

  add({ id, source, language, parallelKey, bytes }: Omit<SurvivorRow, "copies">): void {
    const name = Buffer.from(id);
    this.#files.ids.append(name);
    const record = new DataView(new ArrayBuffer(RECORD_BYTES));
    record.setFloat64(0, this.#files.ids.bytes, true);
    record.setUint32(8, this.#strata.numberOf([source, language]), true);
    record.setUint32(12, this.#keys.numberOf(parallelKey), true);
    record.setUint32(16, bytes, true);
    this.#files.records.append(new Uint8Array(record.buffer));
    this.#copies.push(1);
  }

  /** Document `number` stands for one more. */
  addDuplicate(number: number): void {
    this.#files.duplicates.append(new Uint8Array(Uint32Array.of(number).buffer));
    this.#copies.add(number, 1);
  }

  /** Document `first` stands for all that `other` stood for. */
  join(first: number, other: number): void {
    this.#copies.add(first, this.#copies.at(other));
  }

  copies(number: number): number {
    return this.#copies.at(number);
  }

  /** The id of document `number`, from the disk. */
  idOf(number: number): string {
    // The record before this one says where the id begins.
    const ends = new DataView(new ArrayBuffer(RECORD_BYTES * 2));
    const from = Math.max(0, number - 1) * RECORD_BYTES;
    const length = number === 0 ? RECORD_BYTES : RECORD_BYTES * 2;
    const read = this.#files.records.read(new Uint8Array(ends.buffer, 0, length), from);
    assert(read === length, `the table has a document ${number}`);
    const start = number === 0 ? 0 : ends.getFloat64(0, true);
    const id = Buffer.alloc(ends.getFloat64(length - RECORD_BYTES, true) - start);
    this.#files.ids.read(id, start);
    return id.toString();
  }

  /** All documents in their order. */
  *rows(): Generator<SurvivorRow, void, undefined> {
    let number = 0;
    let start = 0;
    for (const records of chunksOf(this.#files.records, RECORD_BYTES)) {
      const end = records.getFloat64(records.byteLength - RECORD_BYTES, true);
      const ids = Buffer.alloc(end - start);
      this.#files.ids.read(ids, start);
      let from = 0;
      for (let at = 0; at < records.byteLength; at += RECORD_BYTES) {
        const to = records.getFloat64(at, true) - start;
        const [source, language] = this.#strata.values[records.getUint32(at + 8, true)]!;
        yield {
          id: ids.toString("utf8", from, to),
          source,
          language,
          parallelKey: this.#keys.values[records.getUint32(at + 12, true)]!,
          bytes: records.getUint32(at + 16, true),
          copies: this.#copies.at(number),
        };
        from = to;
        number += 1;
      }
      start = end;
    }
  }

  /** Flushes the files and says how far the table is. */
  point(): SurvivorPoint {
    const { ids, records, duplicates } = this.#files;
    return {
      ids: ids.point(),
      records: records.point(),
      duplicates: duplicates.point(),
      strata: this.#strata.values,
      keys: this.#keys.values,
    };
  }

  /** Lets go of the files, which stay. */
  close(): void {
    for (const file of Object.values(this.#files) as ScratchLog[]) file.close();
  }
}

/** The content of a log in pieces of whole records. */
function* chunksOf(log: ScratchLog, recordBytes: number): Generator<DataView, void, undefined> {
  for (let position = 0; position < log.bytes; ) {
    const bytes = new Uint8Array(Math.min(READ_RECORDS * recordBytes, log.bytes - position));
    position += log.read(bytes, position);
    yield new DataView(bytes.buffer);
  }
}
