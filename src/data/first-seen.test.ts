import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../core/index.ts";
import { FirstSeen } from "./first-seen.ts";
import { SurvivorTable, type SurvivorRow } from "./survivor-table.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "firn-seen-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("what was seen before", () => {
  /** Hashes of 3,500 texts, of which each comes some times; a tenth share the word that picks the slot, the tag or both. */
  const asked = Array.from({ length: 10_000 }, (_, i) => {
    const hash = sha256(String(i % 3500));
    const same = "0123456789abcdef";
    if (i % 3500 < 150) return same.slice(0, 8) + hash.slice(8);
    return i % 3500 < 350 ? same + hash.slice(16) : hash;
  });
  const answers = ((): (number | undefined)[] => {
    const known = new Map<string, number>();
    return asked.map((hash) => {
      const first = known.get(hash);
      if (first === undefined) known.set(hash, known.size);
      return first;
    });
  })();

  it("is known by its number, however little memory there is", () => {
    // All hashes in one table, and in five tables of which four lie on the disk.
    for (const memoryBytes of [1 << 24, 0]) {
      const seen = FirstSeen.create(join(dir, String(memoryBytes)), memoryBytes);
      expect(asked.map((hash) => seen.firstOf(hash))).toEqual(answers);
      expect(seen.count).toBe(3500);
      seen.dispose();
    }
  });

  it("is remembered from any point of a run that was killed, and nothing after it", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(2000), fc.constantFrom(0, 1 << 24), (before, more, memoryBytes) => {
        const folder = join(dir, "killed");
        const seen = FirstSeen.create(folder, memoryBytes);
        for (const hash of asked.slice(0, before)) seen.firstOf(hash);
        const point = seen.point();
        for (const hash of asked.slice(before, before + more)) seen.firstOf(hash);
        seen.close();
        const again = FirstSeen.resume(folder, memoryBytes, point)!;
        expect(asked.slice(before).map((hash) => again.firstOf(hash))).toEqual(answers.slice(before));
        again.close();
      }),
      { numRuns: 5 },
    );
  });

  it("is not gone on with when its file is another one", () => {
    const seen = FirstSeen.create(dir, 0);
    for (const hash of asked.slice(0, 100)) seen.firstOf(hash);
    const point = seen.point();
    seen.close();
    const bytes = readFileSync(join(dir, "hashes"));
    writeFileSync(join(dir, "hashes"), bytes.subarray(0, 1000));
    expect(FirstSeen.resume(dir, 0, point)).toBeUndefined();
    bytes[700]! ^= 1;
    writeFileSync(join(dir, "hashes"), bytes);
    expect(FirstSeen.resume(dir, 0, point)).toBeUndefined();
    rmSync(join(dir, "hashes"));
    expect(FirstSeen.resume(dir, 0, point)).toBeUndefined();
  });
});

describe("the table of survivors", () => {
  type Entry = Omit<SurvivorRow, "copies"> & { readonly duplicateOf: number | undefined };
  const entries = fc.array(
    fc.record({
      id: fc.string({ unit: "grapheme", maxLength: 30 }),
      source: fc.constantFrom("a", "b", "c\nd"),
      language: fc.constantFrom("deu", "und", null),
      parallelKey: fc.constantFrom("1", "2", null, null, null),
      bytes: fc.nat(0xffff_ffff),
      duplicateOf: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
    }),
    { maxLength: 60 },
  );

  function fill(table: SurvivorTable, naive: SurvivorRow[], some: readonly Entry[]): void {
    for (const { duplicateOf, ...entry } of some) {
      if (duplicateOf !== undefined && naive.length > 0) {
        const number = duplicateOf % naive.length;
        table.addDuplicate(number);
        naive[number] = { ...naive[number]!, copies: naive[number]!.copies + 1 };
        continue;
      }
      table.add(entry);
      naive.push({ ...entry, copies: 1 });
    }
  }

  it("gives back its rows, again and again, and the id of each, from any point of a killed run too", () => {
    fc.assert(
      fc.property(entries, entries, entries, (before, lost, after) => {
        const folder = join(dir, "table");
        const table = SurvivorTable.create(folder);
        const naive: SurvivorRow[] = [];
        fill(table, naive, before);
        const point = structuredClone(table.point());
        fill(table, [...naive], lost);
        table.close();
        const again = SurvivorTable.resume(folder, point)!;
        for (const some of [[], after]) {
          fill(again, naive, some);
          expect([...again.rows()]).toEqual(naive);
          expect(naive.map((_, number) => again.idOf(number))).toEqual(naive.map(({ id }) => id));
          expect(again.count).toBe(naive.length);
        }
        again.close();
      }),
      { numRuns: 25 },
    );
  });
});
