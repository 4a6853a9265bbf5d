/**
 * @file Which documents nobody trains on. Translations of one text are held out together (the same articles in every
 * language), other documents by a hash of their id: independent of order, of worker count, and of what else is there.
 */
import { randomStream } from "../../core/index.ts";

/** What the split looks at. */
export interface SplitRow {
  readonly id: string;
  readonly source: string;
  readonly language: string | null;
  readonly parallelKey: string | null;
}

/** A number in [0, 1) that belongs to `id` for good. */
export function documentDraw(seed: number, purpose: string, id: string): number {
  return randomStream(seed, purpose, id).float();
}

/** Keys with less than this share of the commonest key's documents are not held out: some language lacks them. */
const COMMON = 0.9;
/** How far above the wanted share of bytes the held-out keys may come. */
const TOLERANCE = 1.2;

/** Documents and bytes of each parallel key of a source. */
export type KeyCounts = ReadonlyMap<string, { readonly documents: number; readonly bytes: number }>;

/**
 * The keys to hold out: drawn by hash, taken as long as their bytes stay near the wanted share; at least one (the
 * smallest), and never all.
 */
function chooseKeys(seed: number, share: number, source: string, counts: KeyCounts): Set<string> {
  const chosen = new Set<string>();
  if (share === 0 || counts.size < 2) return chosen;
  const all = [...counts].map(([key, count]) => ({ key, ...count }));
  const most = Math.max(...all.map(({ documents }) => documents));
  const wanted = share * all.reduce((sum, { bytes }) => sum + bytes, 0);
  const common = all
    .filter(({ documents }) => documents >= most * COMMON)
    .map((item) => ({ ...item, draw: documentDraw(seed, "split", `${source}\n${item.key}`) }));
  common.sort((a, b) => a.draw - b.draw || (a.key < b.key ? -1 : 1));
  let held = 0;
  for (const { key, bytes } of common) {
    if (held + bytes > wanted * TOLERANCE) continue;
    chosen.add(key);
    held += bytes;
  }
  if (chosen.size === 0)
    chosen.add(common.reduce((least, item) => (item.bytes < least.bytes ? item : least)).key);
  return chosen;
}

/** Decides on held-out documents; made from counts of all documents' parallel keys. */
export class HeldoutPlan {
  readonly #seed: number;
  readonly #share: number;
  readonly #keys: ReadonlyMap<string, ReadonlySet<string>>;

  /** `keyCounts` maps each source to its parallel keys. */
  constructor(seed: number, share: number, keyCounts: ReadonlyMap<string, KeyCounts>) {
    this.#seed = seed;
    this.#share = share;
    this.#keys = new Map(
      [...keyCounts].map(([source, counts]) => [source, chooseKeys(seed, share, source, counts)]),
    );
  }

  /** The parallel keys of `source` that are held out, sorted. */
  heldoutKeys(source: string): string[] {
    return [...(this.#keys.get(source) ?? [])].sort();
  }

  isHeldout(row: Pick<SplitRow, "id" | "source" | "parallelKey">): boolean {
    if (row.parallelKey !== null) return this.#keys.get(row.source)?.has(row.parallelKey) === true;
    return documentDraw(this.#seed, "split", row.id) < this.#share;
  }
}

/** Documents of one source and language without parallel keys. */
interface Stratum {
  members: number;
  anyHeldout: boolean;
  /** The member with the lowest draw. */
  lowest: { readonly index: number; readonly draw: number };
}

/**
 * Which of the `count` documents that passed every filter are held out (1). Where a language of a source without parallel
 * keys would have none although it has two documents, the one with the lowest draw goes over (`toppedUp`).
 */
export function splitDocuments(
  rows: Iterable<SplitRow>,
  count: number,
  plan: Pick<HeldoutPlan, "isHeldout">,
  seed: number,
  share: number,
): { heldout: Uint8Array; toppedUp: number } {
  const heldout = new Uint8Array(count);
  const strata = new Map<string, Stratum>();
  let index = 0;
  for (const row of rows) {
    const held = plan.isHeldout(row);
    if (held) heldout[index] = 1;
    if (row.parallelKey === null && share > 0) {
      const name = `${row.source}\n${row.language}`;
      const draw = documentDraw(seed, "split", row.id);
      const stratum = strata.get(name);
      if (stratum === undefined) strata.set(name, { members: 1, anyHeldout: held, lowest: { index, draw } });
      else {
        stratum.members += 1;
        stratum.anyHeldout ||= held;
        if (draw < stratum.lowest.draw) stratum.lowest = { index, draw };
      }
    }
    index += 1;
  }
  let toppedUp = 0;
  for (const { members, anyHeldout, lowest } of strata.values()) {
    if (members < 2 || anyHeldout) continue;
    heldout[lowest.index] = 1;
    toppedUp += 1;
  }
  return { heldout, toppedUp };
}
