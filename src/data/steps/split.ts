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

/** Keys that occur in fewer than this share as many documents as the commonest are not held out: some language lacks them. */
const COMMON = 0.9;

/** Decides on held-out documents; made from counts of all documents' parallel keys. */
export class HeldoutPlan {
  readonly #seed: number;
  readonly #share: number;
  readonly #keys = new Map<string, ReadonlySet<string>>();

  /** `keyCounts` maps source → parallel key → documents. */
  constructor(seed: number, share: number, keyCounts: ReadonlyMap<string, ReadonlyMap<string, number>>) {
    this.#seed = seed;
    this.#share = share;
    for (const [source, counts] of keyCounts) {
      const most = Math.max(...counts.values());
      const common = [...counts].filter(([, count]) => count >= most * COMMON).map(([key]) => key);
      const draws = common.map((key) => ({ key, draw: documentDraw(seed, "split", `${source}\n${key}`) }));
      draws.sort((a, b) => a.draw - b.draw || (a.key < b.key ? -1 : 1));
      const wanted = Math.min(common.length - 1, Math.max(1, Math.round(counts.size * share)));
      this.#keys.set(source, new Set(share === 0 ? [] : draws.slice(0, wanted).map(({ key }) => key)));
    }
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

/**
 * Which of the documents that passed every filter are held out. Where a language of a source without parallel keys
 * would have none although it has two documents, the one with the lowest draw goes over (`toppedUp`).
 */
export function splitDocuments(
  rows: readonly SplitRow[],
  plan: HeldoutPlan,
  seed: number,
  share: number,
): { heldout: boolean[]; toppedUp: number } {
  const heldout = rows.map((row) => plan.isHeldout(row));
  const strata = new Map<string, number[]>();
  for (const [i, row] of rows.entries()) {
    if (row.parallelKey !== null) continue;
    const name = `${row.source}\n${row.language}`;
    if (!strata.has(name)) strata.set(name, []);
    strata.get(name)!.push(i);
  }
  let toppedUp = 0;
  for (const members of share === 0 ? [] : strata.values()) {
    if (members.length < 2 || members.some((i) => heldout[i])) continue;
    const draws = members.map((i) => ({ i, draw: documentDraw(seed, "split", rows[i]!.id) }));
    draws.sort((a, b) => a.draw - b.draw || a.i - b.i);
    heldout[draws[0]!.i] = true;
    toppedUp += 1;
  }
  return { heldout, toppedUp };
}
