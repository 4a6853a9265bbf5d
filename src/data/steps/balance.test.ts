import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mixSchema } from "../mix-config.ts";
import { balanceDocuments as balance, type BalanceRow, type BalanceSettings } from "./balance.ts";

const settings = (fields: object) => mixSchema.parse(fields);

/** 3,000 documents: source `web` has German, English and a little Romansh, `books` English only. */
const rows: BalanceRow[] = Array.from({ length: 3000 }, (_, i) => ({
  id: `s/${i}`,
  source: i % 3 === 0 ? "books" : "web",
  language: i % 3 === 0 ? "eng" : i % 60 === 1 ? "roh" : i % 2 === 0 ? "eng" : "deu",
  bytes: 900 + (i % 201),
  copies: i % 10 === 0 ? 5 : 1,
}));

const balanceDocuments = (some: readonly BalanceRow[], config: BalanceSettings, seed: number): number[] => [
  ...balance(some, some.length, config, seed),
];

function bytesOf(repeats: readonly number[], match: (row: BalanceRow) => boolean): number {
  return rows.reduce((sum, row, i) => sum + (match(row) ? row.bytes * repeats[i]! : 0), 0);
}

describe("the mix", () => {
  it("reads everything once when nothing is asked", () => {
    expect(balanceDocuments(rows, settings({}), 1)).toEqual(rows.map(() => 1));
  });

  it("reads by rule, where several match by their product, a fraction by draw", () => {
    const epochs = [
      { source: "books", epochs: 2 },
      { minCopies: 5, epochs: 1.5 },
      { language: "deu", epochs: 0 },
    ];
    const repeats = balanceDocuments(rows, settings({ epochs }), 1);
    expect(repeats.filter((_, i) => rows[i]!.language === "deu").every((times) => times === 0)).toBe(true);
    expect(new Set(repeats.filter((_, i) => rows[i]!.source === "books"))).toEqual(new Set([2, 3]));
    const often = rows.flatMap(({ source, copies, language }, i) =>
      source === "web" && copies === 5 && language !== "deu" ? [repeats[i]!] : [],
    );
    expect(new Set(often)).toEqual(new Set([1, 2]));
    expect(often.reduce((sum, times) => sum + times, 0) / often.length).toBeCloseTo(1.5, 0);
  });

  it("gives weighted sources their shares, and keeps the sum", () => {
    const repeats = balanceDocuments(rows, settings({ weights: { web: 1, books: 1 } }), 1);
    const [web, books] = ["web", "books"].map((name) => bytesOf(repeats, ({ source }) => source === name));
    expect(web! / (web! + books!)).toBeCloseTo(0.5, 1);
    const natural = rows.reduce((sum, { bytes }) => sum + bytes, 0);
    expect((web! + books!) / natural).toBeCloseTo(1, 1);
    const onlyBooks = balanceDocuments(rows, settings({ weights: { web: 0, books: 1 } }), 1);
    expect(bytesOf(onlyBooks, ({ source }) => source === "web")).toBe(0);
  });

  it("evens languages out by temperature, and nothing beyond the most epochs", () => {
    const share = (repeats: readonly number[]): number =>
      bytesOf(repeats, ({ language }) => language === "roh") / bytesOf(repeats, () => true);
    const natural = share(rows.map(() => 1));
    const [mild, flat] = [2, 100].map((languageTemperature) =>
      share(balanceDocuments(rows, settings({ languageTemperature, maxEpochs: 1000 }), 1)),
    );
    // n^(1/2): by definition, from the sizes of the languages.
    const sizes = ["roh", "deu", "eng"].map((name) =>
      bytesOf(
        rows.map(() => 1),
        ({ language }) => language === name,
      ),
    );
    const roots = sizes.map(Math.sqrt);
    expect(mild!).toBeGreaterThan(natural * 2);
    expect(mild!).toBeCloseTo(roots[0]! / roots.reduce((sum, root) => sum + root, 0), 2);
    expect(flat!).toBeCloseTo(1 / 3, 1);
    const capped = balanceDocuments(rows, settings({ languageTemperature: 100, maxEpochs: 3 }), 1);
    expect(Math.max(...capped)).toBe(3);
  });

  it("depends on ids and sizes, not on the order", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 7, 13), fc.double({ min: 1, max: 5, noNaN: true }), (shift, t) => {
        const config = settings({ languageTemperature: t, weights: { web: 2, books: 1 } });
        const some = rows.slice(0, 120);
        const turned = [...some.slice(shift), ...some.slice(0, shift)];
        const repeats = new Map(balanceDocuments(turned, config, 1).map((n, i) => [turned[i]!.id, n]));
        const again = balanceDocuments(some, config, 1);
        const different = some.filter(({ id }, i) => repeats.get(id) !== again[i]);
        // Sums in another order differ in their last bit, which a draw could meet by a chance of 2^-40.
        expect(different).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});
