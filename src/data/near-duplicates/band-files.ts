/**
 * @file Which texts share a band: keys go to one file per band while texts stream by, and afterwards each file is read in
 * as many passes as the memory bound asks for, each pass looking at one range of keys. Texts that share a key are joined,
 * and so are texts joined with the same third one; the result does not depend on any order.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { FilePoint } from "../../artifacts/index.ts";
import { assert } from "../../core/index.ts";
import { ScratchLog } from "../scratch-log.ts";

/** Key (two words) and number of the text. */
const RECORD_WORDS = 3;
const BUFFER_RECORDS = 4096;

/** Numbers joined into groups; the lowest number of a group stands for it. */
export class Groups {
  readonly #parents: Uint32Array;

  constructor(count: number) {
    this.#parents = Uint32Array.from({ length: count }, (_, i) => i);
  }

  /** The lowest number that `item` is joined with. */
  find(item: number): number {
    const parents = this.#parents;
    let root = item;
    while (parents[root] !== root) root = parents[root]!;
    for (let i = item; i !== root; ) {
      const next = parents[i]!;
      parents[i] = root;
      i = next;
    }
    return root;
  }

  join(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)];
    if (x < y) this.#parents[y] = x;
    else this.#parents[x] = y;
  }
}

/** First text of every key seen, by open addressing. */
class KeyTable {
  readonly #slots: Uint32Array;
  readonly #mask: number;
  readonly capacity: number;
  #used = 0;

  /** Takes at most `bytes` of memory. */
  constructor(bytes: number) {
    let slots = 1024;
    while (slots * 2 * RECORD_WORDS * 4 <= bytes) slots *= 2;
    this.#slots = new Uint32Array(slots * RECORD_WORDS);
    this.#mask = slots - 1;
    this.capacity = Math.floor(slots * 0.75);
  }

  clear(): void {
    this.#slots.fill(0);
    this.#used = 0;
  }

  /** The first text with this key, which is `text` itself when there was none; `undefined` when the table is full. */
  firstOf(low: number, high: number, text: number): number | undefined {
    for (let slot = (low ^ (high << 7)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * RECORD_WORDS;
      const holds = this.#slots[at + 2]!;
      if (holds === 0) {
        if (this.#used >= this.capacity) return undefined;
        this.#used += 1;
        this.#slots.set([low, high, text + 1], at);
        return text;
      }
      if (this.#slots[at] === low && this.#slots[at + 1] === high) return holds - 1;
    }
  }
}

/** The band keys of a stream of texts, on disk. */
export class BandFiles {
  readonly #dir: string;
  readonly #files: ScratchLog[];
  readonly #buffers: Uint32Array[] = [];
  readonly #filled: number[] = [];
  readonly #bands: number;
  #records = 0;

  private constructor(dir: string, files: ScratchLog[]) {
    this.#dir = dir;
    this.#files = files;
    this.#bands = files.length;
    for (let band = 0; band < files.length; band++) {
      this.#buffers.push(new Uint32Array(BUFFER_RECORDS * RECORD_WORDS));
      this.#filled.push(0);
    }
  }

  /** Files go to `dir`, which is made; `dispose` removes it. */
  static create(dir: string, bands: number): BandFiles {
    const files = Array.from({ length: bands }, (_, band) => ScratchLog.create(join(dir, `band-${band}`)));
    return new BandFiles(dir, files);
  }

  /** Goes on at a point of an earlier run; `undefined` when a file is not what it was. */
  static resume(dir: string, points: readonly FilePoint[]): BandFiles | undefined {
    const files = points.flatMap((point, band) => ScratchLog.resume(join(dir, `band-${band}`), point) ?? []);
    const resumed = new BandFiles(dir, files);
    resumed.#records = (points[0]?.bytes ?? 0) / (RECORD_WORDS * 4);
    if (files.length === points.length) return resumed;
    resumed.close();
    return undefined;
  }

  /** Flushes the files and says how far each is. */
  point(): FilePoint[] {
    return this.#files.map((file, band) => {
      this.#flush(band);
      return file.point();
    });
  }

  /** Adds the keys of text number `text`: two words per band in `keys` from `offset` on. */
  add(text: number, keys: Uint32Array, offset: number): void {
    for (let band = 0; band < this.#bands; band++) {
      const buffer = this.#buffers[band]!;
      const at = this.#filled[band]!;
      buffer[at] = keys[offset + band * 2]!;
      buffer[at + 1] = keys[offset + band * 2 + 1]!;
      buffer[at + 2] = text;
      this.#filled[band] = at + RECORD_WORDS;
      if (this.#filled[band] === buffer.length) this.#flush(band);
    }
    this.#records += 1;
  }

  #flush(band: number): void {
    this.#files[band]!.append(new Uint8Array(this.#buffers[band]!.buffer, 0, this.#filled[band]! * 4));
    this.#filled[band] = 0;
  }

  /**
   * Joins the texts (numbers below `count`) that share the key of any band.
   *
   * @param memoryBytes bound for the table of keys; a smaller one takes more passes and gives the same groups
   */
  group(count: number, memoryBytes: number, onBand: (done: number) => void = () => undefined): Groups {
    const groups = new Groups(count);
    const table = new KeyTable(
      Math.min(memoryBytes, Math.max(1 << 16, this.#records * RECORD_WORDS * 4 * 4)),
    );
    let passes = Math.max(1, Math.ceil(this.#records / (table.capacity * 0.8)));
    for (let band = 0; band < this.#bands; band++) {
      this.#flush(band);
      for (;;) {
        if (this.#joinBand(band, passes, table, groups)) break;
        passes *= 2; // Keys that are not spread evenly: narrower ranges. What was joined stays joined.
      }
      onBand(band + 1);
    }
    return groups;
  }

  /** False when the keys of one range did not fit into the table. */
  #joinBand(band: number, passes: number, table: KeyTable, groups: Groups): boolean {
    for (let pass = 0; pass < passes; pass++) {
      const from = Math.floor((pass * 0x1_0000_0000) / passes);
      const to = Math.floor(((pass + 1) * 0x1_0000_0000) / passes);
      table.clear();
      for (const records of this.#read(band)) {
        for (let at = 0; at < records.length; at += RECORD_WORDS) {
          const high = records[at + 1]!;
          if (high < from || high >= to) continue;
          const text = records[at + 2]!;
          const first = table.firstOf(records[at]!, high, text);
          if (first === undefined) return false;
          if (first !== text) groups.join(first, text);
        }
      }
    }
    return true;
  }

  *#read(band: number): Generator<Uint32Array, void, undefined> {
    const buffer = new Uint32Array(BUFFER_RECORDS * RECORD_WORDS);
    const bytes = new Uint8Array(buffer.buffer);
    for (let position = 0; ; ) {
      const read = this.#files[band]!.read(bytes, position);
      if (read === 0) return;
      assert(read % (RECORD_WORDS * 4) === 0, "band files hold whole records");
      yield buffer.subarray(0, read / 4);
      position += read;
    }
  }

  /** Lets go of the files, which stay for a later run. */
  close(): void {
    for (const file of this.#files) file.close();
  }

  /** Closes and removes the files. */
  dispose(): void {
    this.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
