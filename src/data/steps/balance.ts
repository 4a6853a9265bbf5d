/**
 * @file How often documents are read: epochs by rule, shares of sources, and a temperature over languages that gives
 * small ones more than their share. Each document gets a whole number of repeats, drawn by its id where the wanted number
 * is not whole.
 */
import { documentDraw } from "./split.ts";

/** Documents that match all that is given are read `epochs` times where others are read once. */
export interface EpochsRule {
  readonly source?: string | undefined;
  readonly language?: string | undefined;
  /** For documents that stand for at least this many, duplicates included (FineWeb-2 calls it rehydration). */
  readonly minCopies?: number | undefined;
  readonly epochs: number;
}

export interface BalanceSettings {
  readonly epochs: readonly EpochsRule[];
  /** Source → weight: their bytes in an epoch are in this proportion. Sources without one keep theirs. */
  readonly weights: Readonly<Record<string, number>>;
  /** T: a language with n bytes weighs n^(1/T). 1 changes nothing. */
  readonly languageTemperature: number;
  readonly maxEpochs: number;
}

export interface BalanceRow {
  readonly id: string;
  readonly source: string;
  readonly language: string | null;
  readonly bytes: number;
  readonly copies: number;
}

/** Sum of bytes by name. */
class Sums {
  readonly #sums = new Map<string, number>();

  add(name: string, bytes: number): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + bytes);
  }

  of(name: string): number {
    return this.#sums.get(name) ?? 0;
  }

  entries(): [string, number][] {
    return [...this.#sums];
  }
}

function epochsOf(row: BalanceRow, rules: readonly EpochsRule[]): number {
  return rules
    .filter(
      ({ source, language, minCopies }) =>
        (source === undefined || source === row.source) &&
        (language === undefined || language === row.language) &&
        (minCopies === undefined || row.copies >= minCopies),
    )
    .reduce((product, { epochs }) => product * epochs, 1);
}

/** How much more (or less) each weighted source is read. */
function sourceFactors(bytes: Sums, weights: BalanceSettings["weights"]): Map<string, number> {
  const there = Object.entries(weights).filter(([source]) => bytes.of(source) > 0);
  const total = there.reduce((sum, [source]) => sum + bytes.of(source), 0);
  const weight = there.reduce((sum, [, value]) => sum + value, 0);
  return new Map(
    there.map(([source, value]) => [source, weight === 0 ? 0 : (total * value) / weight / bytes.of(source)]),
  );
}

/**
 * Repeats of each of the `count` documents; 0 leaves it out. Weighted sources keep the sum of their bytes, languages that of
 * their group (a weighted source by itself, the others together), as far as `maxEpochs` allows. `rows` is gone through
 * several times; needs 8 bytes of memory a document while it works.
 */
export function balanceDocuments(
  rows: Iterable<BalanceRow>,
  count: number,
  { epochs, weights, languageTemperature, maxEpochs }: BalanceSettings,
  seed: number,
): Uint16Array {
  const wanted = new Float64Array(count);
  const bySource = new Sums();
  each(rows, (row, i) => {
    wanted[i] = epochsOf(row, epochs);
    bySource.add(row.source, row.bytes * wanted[i]);
  });
  const factors = sourceFactors(bySource, weights);
  const groupOf = ({ source }: BalanceRow): string => (factors.has(source) ? source : "");
  const name = (row: BalanceRow): string => `${groupOf(row)}\n${row.language ?? "und"}`;
  const byLanguage = new Sums();
  if (factors.size > 0 || languageTemperature !== 1) {
    each(rows, (row, i) => {
      wanted[i]! *= factors.get(row.source) ?? 1;
      byLanguage.add(name(row), row.bytes * wanted[i]!);
    });
  }
  const flat = new Sums();
  const natural = new Sums();
  for (const [key, bytes] of byLanguage.entries()) {
    const group = key.slice(0, key.indexOf("\n"));
    natural.add(group, bytes);
    flat.add(group, bytes ** (1 / languageTemperature));
  }
  const repeats = new Uint16Array(count);
  each(rows, (row, i) => {
    const bytes = languageTemperature === 1 ? 0 : byLanguage.of(name(row));
    if (bytes !== 0) {
      const group = groupOf(row);
      wanted[i]! *= (natural.of(group) * bytes ** (1 / languageTemperature)) / flat.of(group) / bytes;
    }
    const times = Math.min(maxEpochs, wanted[i]!);
    const whole = Math.floor(times);
    const more = times > whole && documentDraw(seed, "repeats", row.id) < times - whole;
    repeats[i] = whole + (more ? 1 : 0);
  });
  return repeats;
}

function each<Row>(rows: Iterable<Row>, visit: (row: Row, index: number) => void): void {
  let index = 0;
  for (const row of rows) visit(row, index++);
}
