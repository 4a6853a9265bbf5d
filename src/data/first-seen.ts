/**
 * @file Which hashes came before, and where first: for exact duplicates and for ids that come twice. Answers come at once, in
 * the order of the questions. What does not fit into the memory goes to the disk, table by table, and leaves one byte a
 * slot behind, which says where it is worth looking there.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { FilePoint } from "../artifacts/index.ts";
import { assert } from "../core/index.ts";
import { ScratchLog, writeAllSync } from "./scratch-log.ts";

/** 128 bits of a SHA-256 tell texts apart: among 10¹² of them two are mistaken for one with a chance of 10⁻¹⁵. */
const HASH_WORDS = 4;
/** Those bits, and the number of the first one + 1; 0 = free. */
const SLOT_WORDS = HASH_WORDS + 1;
const SLOT_BYTES = SLOT_WORDS * 4;
const LEAST_SLOTS = 1024;
const FULL = 0.7;
const WRITE_BYTES = 1 << 24;

/** 1 to 255: tells most hashes apart without the disk. */
function tagOf(word: number): number {
  return 1 + (word % 255);
}

/** A full table as a file: its slots in their order, found by their tags. */
class TableFile {
  readonly #file: number;
  readonly #tags: Uint8Array;
  readonly #record = new Uint32Array(SLOT_WORDS);

  constructor(path: string, slots: Uint32Array) {
    this.#file = openSync(path, "w+");
    this.#tags = new Uint8Array(slots.length / SLOT_WORDS);
    for (let slot = 0, at = 0; slot < this.#tags.length; slot++, at += SLOT_WORDS) {
      if (slots[at + HASH_WORDS] !== 0) this.#tags[slot] = tagOf(slots[at + 1]!);
    }
    const bytes = new Uint8Array(slots.buffer, slots.byteOffset, slots.byteLength);
    for (let at = 0; at < bytes.length; at += WRITE_BYTES)
      writeAllSync(this.#file, bytes.subarray(at, at + WRITE_BYTES));
  }

  find(hash: Uint32Array): number | undefined {
    const mask = this.#tags.length - 1;
    const tag = tagOf(hash[1]!);
    for (let slot = hash[0]! & mask; this.#tags[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#tags[slot] !== tag) continue;
      const bytes = new Uint8Array(this.#record.buffer);
      const read = readSync(this.#file, bytes, 0, SLOT_BYTES, slot * SLOT_BYTES);
      assert(read === SLOT_BYTES, "a table holds all of its slots");
      if (hash.every((word, i) => word === this.#record[i])) return this.#record[HASH_WORDS]! - 1;
    }
    return undefined;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Numbers hashes from 0 on, in the order in which they are new. */
export class FirstSeen {
  readonly #dir: string;
  readonly #log: ScratchLog;
  readonly #mostSlots: number;
  readonly #hash = new Uint32Array(HASH_WORDS);
  readonly #hashBytes = new Uint8Array(this.#hash.buffer);
  readonly #tables: TableFile[] = [];
  #slots = new Uint32Array(LEAST_SLOTS * SLOT_WORDS);
  #used = 0;
  #count = 0;

  private constructor(dir: string, memoryBytes: number, log: ScratchLog) {
    this.#dir = dir;
    this.#log = log;
    let slots = LEAST_SLOTS;
    // A table that grows needs the one before beside it.
    while (slots * 2 * SLOT_BYTES * 1.5 <= memoryBytes) slots *= 2;
    this.#mostSlots = slots;
  }

  /**
   * Files go to `dir`, which is made.
   *
   * @param memoryBytes bound for the table of hashes (at least 30 KiB are taken); what it cannot hold costs 1.5 bytes
   *   of memory a hash, and gives the same answers
   */
  static create(dir: string, memoryBytes: number): FirstSeen {
    mkdirSync(dir, { recursive: true });
    return new FirstSeen(dir, memoryBytes, ScratchLog.create(join(dir, "hashes")));
  }

  /** Goes on at a point of an earlier run; `undefined` when its file is not what it was. */
  static resume(dir: string, memoryBytes: number, point: FilePoint): FirstSeen | undefined {
    const log = ScratchLog.resume(join(dir, "hashes"), point);
    if (log === undefined) return undefined;
    const seen = new FirstSeen(dir, memoryBytes, log);
    const chunk = new Uint32Array(4096 * HASH_WORDS);
    for (let position = 0; position < point.bytes; ) {
      const read = log.read(new Uint8Array(chunk.buffer), position);
      for (let at = 0; at < read / 4; at += HASH_WORDS) {
        seen.#hash.set(chunk.subarray(at, at + HASH_WORDS));
        seen.#insert(seen.#find(seen.#slots, seen.#hash, 0));
      }
      position += read;
    }
    return seen;
  }

  /** How many different hashes were seen. */
  get count(): number {
    return this.#count;
  }

  /** The number of the hash (hexadecimal) if it was seen before; `undefined` when it is new and gets the next number. */
  firstOf(sha256: string): number | undefined {
    for (let i = 0; i < HASH_WORDS; i++) this.#hash[i] = Number.parseInt(sha256.slice(i * 8, i * 8 + 8), 16);
    const at = this.#find(this.#slots, this.#hash, 0);
    if (this.#slots[at + HASH_WORDS] !== 0) return this.#slots[at + HASH_WORDS]! - 1;
    for (const table of this.#tables) {
      const number = table.find(this.#hash);
      if (number !== undefined) return number;
    }
    this.#log.append(this.#hashBytes);
    this.#insert(at);
    return undefined;
  }

  /** Flushes what is remembered and says how far it is. */
  point(): FilePoint {
    return this.#log.point();
  }

  /** Lets go of the files, which stay for a later run. */
  close(): void {
    this.#log.close();
    for (const table of this.#tables.splice(0)) table.close();
  }

  /** Closes and removes the files, and gives the memory back. */
  dispose(): void {
    this.close();
    this.#slots = new Uint32Array(0);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #insert(at: number): void {
    this.#slots.set(this.#hash, at);
    this.#slots[at + HASH_WORDS] = ++this.#count;
    this.#used += 1;
    const slots = this.#slots.length / SLOT_WORDS;
    if (this.#used <= slots * FULL) return;
    if (slots < this.#mostSlots) {
      this.#grow();
      return;
    }
    this.#tables.push(new TableFile(join(this.#dir, `table-${this.#tables.length}`), this.#slots));
    this.#slots.fill(0);
    this.#used = 0;
  }

  /** Where the hash at `hash[from …]` stands in `slots`, or the free slot that it would take. */
  #find(slots: Uint32Array, hash: Uint32Array, from: number): number {
    const mask = slots.length / SLOT_WORDS - 1;
    for (let slot = hash[from]! & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS;
      if (slots[at + HASH_WORDS] === 0) return at;
      let same = 0;
      while (same < HASH_WORDS && slots[at + same] === hash[from + same]) same += 1;
      if (same === HASH_WORDS) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const larger = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      if (old[at + HASH_WORDS] === 0) continue;
      larger.set(old.subarray(at, at + SLOT_WORDS), this.#find(larger, old, at));
    }
    this.#slots = larger;
  }
}
