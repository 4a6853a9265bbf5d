/**
 * @file The pieces of a whole corpus, in bounded memory: what does not fit is laid down in files, apart by hash, and
 * added up one file after the other in the end. Where it was laid down, and in which order, changes nothing.
 */
import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../core/index.ts";
import { type PieceCounts, PieceTally } from "./count-pieces.ts";
import { hashUnits } from "./unit-strings.ts";
import { utf8Length } from "./utf8-buffer.ts";

/** The pieces of some texts in one language, packed for sending. */
export interface PackedPieces {
  readonly language: string;
  /** UTF-8 bytes of all occurrences. */
  readonly bytes: number;
  /** All pieces, one after the other, and their lengths, `hashUnits` and counts. */
  readonly units: Uint16Array;
  readonly lengths: Uint32Array;
  readonly hashes: Int32Array;
  readonly counts: Float64Array;
}

export interface TotalOptions {
  /**
   * A language of n bytes gets weight in proportion to n^temperature instead of n: 1 takes the corpus as it is, 0
   * gives every language the same say. The weights keep the corpus' total.
   */
  readonly temperature?: number;
  /** Keep languages apart, unweighted. */
  readonly apart?: boolean;
  /** Most UTF-8 bytes of distinct pieces to keep. Default: all. */
  readonly mostBytes?: number;
}

const PARTS = 64;
/** Language, length, count, then the units; padded to 8 bytes. */
const HEADER_BYTES = 16;
/** Weighted counts are multiples of 2⁻¹⁰, so that sums of them are exact in any order. */
const WEIGHT_STEPS = 1024;
/** Up to so many bytes in all; of a larger corpus they are whole numbers, which doubles add exactly up to 2⁵³. */
const MOST_STEPPED_BYTES = Number.MAX_SAFE_INTEGER / WEIGHT_STEPS;

/** Packs `tally` for sending to another thread. */
export function packPieces(language: string, tally: PieceTally): PackedPieces {
  const { pieces, counts, bytes } = tally;
  const units = new Uint16Array(pieces.units);
  const lengths = new Uint32Array(pieces.size);
  const hashes = new Int32Array(pieces.size);
  let at = 0;
  for (let i = 0; i < pieces.size; i++) {
    const entry = pieces.entry(i);
    units.set(entry, at);
    lengths[i] = entry.length;
    hashes[i] = pieces.hashOf(i);
    at += entry.length;
  }
  return { language, bytes, units, lengths, hashes, counts: counts.slice() };
}

/** The weight of each language, in its order. */
function weightsOf(sizes: readonly number[], temperature: number): number[] {
  if (temperature === 1) return sizes.map(() => 1);
  const powers = sizes.map((size) => (size === 0 ? 0 : size ** temperature));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const scale = total / powers.reduce((sum, power) => sum + power, 0);
  return sizes.map((size, i) => (size === 0 ? 0 : (powers[i]! * scale) / size));
}

/** How much each language counts, in steps of which size, and for which group. */
interface Weighting {
  readonly weights: readonly number[];
  readonly steps: number;
  readonly groupOf: (language: number) => number;
}

/** Pieces of one group or one language each. */
type Groups = ReadonlyMap<number, PieceTally>;

export class PieceTotals {
  readonly #folder: string;
  readonly #mostEntryBytes: number;
  readonly #names: string[] = [];
  readonly #sizes: number[] = [];
  #tallies = new Map<number, PieceTally>();
  #laidDown = false;

  /** `folder` is made when it is needed, and removed by `close`; `memoryBytes` bounds what counting holds. */
  constructor(folder: string, memoryBytes: number) {
    this.#folder = folder;
    this.#mostEntryBytes = memoryBytes;
  }

  /** Adds the pieces of some texts. */
  async add({ language, bytes, units, lengths, hashes, counts }: PackedPieces): Promise<void> {
    let index = this.#names.indexOf(language);
    if (index < 0) {
      index = this.#names.push(language) - 1;
      this.#sizes.push(0);
    }
    this.#sizes[index]! += bytes;
    const tally = tallyOf(this.#tallies, index);
    let at = 0;
    for (let i = 0; i < lengths.length; i++) {
      const end = at + lengths[i]!;
      tally.add(units, at, end, hashes[i]!, counts[i]!);
      at = end;
    }
    let held = 0;
    for (const { pieces } of this.#tallies.values()) held += 4 * pieces.units + 64 * pieces.size;
    if (held > this.#mostEntryBytes) await this.#layDown();
  }

  /** The totals. */
  async total({ temperature = 1, apart = false, mostBytes }: TotalOptions = {}): Promise<PieceCounts> {
    if (this.#laidDown) await this.#layDown();
    // Languages in the order of their names, so that the order of the texts does not matter.
    const order = this.#names.map((_, i) => i).sort((a, b) => (this.#names[a]! < this.#names[b]! ? -1 : 1));
    const weights = weightsOf(this.#sizes, apart ? 1 : temperature);
    const bytes = this.#sizes.reduce((sum, size) => sum + size, 0);
    assert(bytes <= Number.MAX_SAFE_INTEGER, "counts of 2⁵³ bytes and more are not exact");
    const steps = bytes <= MOST_STEPPED_BYTES ? WEIGHT_STEPS : 1;
    const groupOf = (language: number): number => (apart ? order.indexOf(language) : 0);
    const weighting = { weights, steps, groupOf };
    const least = await this.#leastCount(weighting, mostBytes ?? Number.POSITIVE_INFINITY);
    if (!this.#laidDown && least === 0) {
      return { groups: inOrder(regroup(this.#tallies, weighting)), leftOut: 0 };
    }
    const groups = new Map<number, PieceTally>();
    let leftOut = 0;
    for (const language of apart ? order.keys() : [0]) tallyOf(groups, language);
    for await (const part of this.#parts()) {
      for (const [group, { pieces, counts }] of regroup(part, weighting)) {
        const tally = tallyOf(groups, group);
        for (let i = 0; i < pieces.size; i++) {
          const entry = pieces.entry(i);
          if (counts[i]! < least) leftOut += 1;
          else tally.add(entry, 0, entry.length, pieces.hashOf(i), counts[i]!);
        }
      }
    }
    return { groups: inOrder(groups), leftOut };
  }

  /** Removes the files. */
  async close(): Promise<void> {
    this.#tallies.clear();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The smallest count at which all pieces that occur as often or more fit into `mostBytes`. */
  async #leastCount(weighting: Weighting, mostBytes: number): Promise<number> {
    if (mostBytes === Number.POSITIVE_INFINITY) return 0;
    const bytesAt = new Map<number, number>();
    for await (const part of this.#parts()) {
      for (const { pieces, counts } of regroup(part, weighting).values()) {
        for (let i = 0; i < pieces.size; i++) {
          const entry = pieces.entry(i);
          const bytes = utf8Length(entry, 0, entry.length);
          bytesAt.set(counts[i]!, (bytesAt.get(counts[i]!) ?? 0) + bytes);
        }
      }
    }
    let kept = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const count of [...bytesAt.keys()].sort((a, b) => b - a)) {
      kept += bytesAt.get(count)!;
      if (kept > mostBytes) return least;
      least = count;
    }
    return 0;
  }

  /** All pieces, by language, in parts that have no piece in common. */
  async *#parts(): AsyncGenerator<Groups> {
    if (!this.#laidDown) {
      yield this.#tallies;
      return;
    }
    for (let part = 0; part < PARTS; part++) yield readPart(await readFile(join(this.#folder, String(part))));
  }

  /** Moves all pieces from memory into the files. */
  async #layDown(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const records: Buffer[][] = Array.from({ length: PARTS }, () => []);
    for (const [language, { pieces, counts }] of this.#tallies) {
      for (let i = 0; i < pieces.size; i++) {
        const entry = pieces.entry(i);
        const record = Buffer.alloc(HEADER_BYTES + 8 * Math.ceil(entry.length / 4));
        record.writeUInt32LE(language, 0);
        record.writeUInt32LE(entry.length, 4);
        record.writeDoubleLE(counts[i]!, 8);
        for (let j = 0; j < entry.length; j++) record.writeUInt16LE(entry[j]!, HEADER_BYTES + 2 * j);
        records[pieces.hashOf(i) & (PARTS - 1)]!.push(record);
      }
    }
    for (const [part, buffers] of records.entries()) {
      await appendFile(join(this.#folder, String(part)), Buffer.concat(buffers));
    }
    this.#tallies = new Map();
    this.#laidDown = true;
  }
}

function tallyOf(tallies: Map<number, PieceTally>, index: number): PieceTally {
  let tally = tallies.get(index);
  if (tally === undefined) tallies.set(index, (tally = new PieceTally()));
  return tally;
}

function inOrder(groups: Groups): PieceTally[] {
  return [...groups.keys()].sort((a, b) => a - b).map((group) => groups.get(group)!);
}

function readPart(bytes: Buffer): Groups {
  const tallies = new Map<number, PieceTally>();
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    const units = new Uint16Array(length);
    for (let i = 0; i < length; i++) units[i] = bytes.readUInt16LE(at + HEADER_BYTES + 2 * i);
    const tally = tallyOf(tallies, bytes.readUInt32LE(at));
    tally.add(units, 0, length, hashUnits(units, 0, length), bytes.readDoubleLE(at + 8));
    at += HEADER_BYTES + 8 * Math.ceil(length / 4);
  }
  return tallies;
}

/** Adds the languages of a group up, each with its weight. */
function regroup(part: Groups, { weights, steps, groupOf }: Weighting): Groups {
  const groups = new Map<number, PieceTally>();
  for (const [language, whole] of part) {
    const { pieces, counts } = whole;
    const alone = [...part.keys()].every(
      (other) => other === language || groupOf(other) !== groupOf(language),
    );
    if (alone && weights[language] === 1) {
      groups.set(groupOf(language), whole);
      continue;
    }
    const tally = tallyOf(groups, groupOf(language));
    const weight = weights[language]!;
    for (let i = 0; i < pieces.size; i++) {
      const entry = pieces.entry(i);
      const count = weight === 1 ? counts[i]! : Math.round(counts[i]! * weight * steps) / steps;
      tally.add(entry, 0, entry.length, pieces.hashOf(i), count);
    }
  }
  return groups;
}
