import fc from "fast-check";
import { expect, it } from "vitest";
import { VerbatimFinder } from "./verbatim.ts";

const encoder = new TextEncoder();

function find(text: string, documents: readonly string[], shortest = 16) {
  const finder = new VerbatimFinder<number>(text, { shortest, keep: 3 });
  documents.forEach((document, number) => finder.add(encoder.encode(document), () => number));
  return finder.spans().map(({ start, end, ...rest }) => ({ passage: text.slice(start, end), ...rest }));
}

it("finds the longest passages, each with the documents that hold it", () => {
  const documents = [
    "Long ago the snow becomes firn, and the firn becomes ice, they say.",
    "In winter the snow becomes firn, and then nothing.",
    "Nothing here at all, not even a flake.",
    "xthe snow becomes firn, and the firn becomes icey",
  ];
  expect(find("So the snow becomes firn, and the firn becomes ice. Not even a flake!", documents)).toEqual([
    { passage: " the snow becomes firn, and the firn becomes ice", count: 1, documents: [0] },
  ]);
  expect(find("the snow becomes firn, and", documents)).toEqual([
    { passage: "the snow becomes firn, and", count: 3, documents: [0, 1, 3] },
  ]);
  expect(find("Körniger Schnee im Frühling 🏔 oben", ["der körniger Schnee im Frühling 🏔 unten"])).toEqual([
    { passage: " Schnee im Frühling 🏔 ", count: 1, documents: [0] },
  ]);
  expect(find("人人生而自由，在尊严", ["说：人人生而自由，在尊"])[0]?.passage).toBe("人人生而自由，在尊");
});

it("agrees with comparing every part of the text with every document", () => {
  // Few letters, so that much repeats; words, so that boundaries matter.
  const text = fc.string({ unit: fc.constantFrom("a", "b", " ", "ä"), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 4 }), (mine, documents) => {
      const boundary = (at: number): boolean =>
        at === 0 || at === mine.length || !(/\p{L}/u.test(mine[at - 1]!) && /\p{L}/u.test(mine[at]!));
      const all: [number, number][] = [];
      for (let start = 0; start < mine.length; start++) {
        for (let end = start + 1; end <= mine.length; end++) {
          const part = mine.slice(start, end);
          if (!boundary(start) || !boundary(end) || encoder.encode(part).length < 16) continue;
          if (documents.some((document) => document.includes(part))) all.push([start, end]);
        }
      }
      const longest = all.filter(
        ([start, end]) => !all.some(([s, e]) => s <= start && e >= end && e - s > end - start),
      );
      const expected = longest.map(([start, end]) => {
        const passage = mine.slice(start, end);
        return { passage, count: documents.filter((document) => document.includes(passage)).length };
      });
      expect(find(mine, documents).map(({ passage, count }) => ({ passage, count }))).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});
