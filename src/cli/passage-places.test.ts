import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tokenRanges } from "./passage-places.ts";

/** A vocabulary of the pieces of `text` cut at `cuts`, between a beginning and an end mark. */
function cutInto(text: string, cuts: readonly number[]) {
  const bytes = Buffer.from(text);
  const borders = [0, ...[...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)];
  const pieces = borders.map((from, index) => bytes.subarray(from, borders[index + 1] ?? bytes.length));
  const names = [Buffer.from("<s>"), ...pieces, Buffer.from("</s>")];
  return {
    ids: Int32Array.from(names.keys()),
    tokenizer: {
      isSpecial: (id: number) => id === 0 || id === names.length - 1,
      tokenBytes: (id: number) => names[id]!,
    },
    /** The token that each byte of the text belongs to. */
    owners: pieces.flatMap((piece, index) => Array.from(piece, () => index + 1)),
  };
}

describe("a passage among tokens", () => {
  it("is found wherever it stands, with just the tokens that hold it, however the text is cut", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", "é", "🙂"), minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(200), { maxLength: 20 }),
        fc.nat(29),
        fc.integer({ min: 1, max: 6 }),
        (whole, cuts, from, length) => {
          const characters = Array.from(whole);
          const passage = characters
            .slice(from % characters.length, (from % characters.length) + length)
            .join("");
          const { ids, tokenizer, owners } = cutInto(whole, cuts);
          const bytes = Buffer.from(whole);
          const needle = Buffer.from(passage);
          const expected = [...bytes.keys()]
            .filter((at) => bytes.subarray(at, at + needle.length).equals(needle))
            .map((at) => ({ from: owners[at]!, to: owners[at + needle.length - 1]! + 1 }));
          expect(tokenRanges(passage, ids, tokenizer)).toEqual(expected);
        },
      ),
    );
  });

  it("takes in the token that it begins and ends in, and no mark", () => {
    const { ids, tokenizer } = cutInto("snow and firn", [4, 5, 8, 9]);
    expect(tokenRanges("ow and f", ids, tokenizer)).toEqual([{ from: 1, to: 6 }]);
    expect(tokenRanges("and", ids, tokenizer)).toEqual([{ from: 3, to: 4 }]);
    expect(tokenRanges("s>", ids, tokenizer)).toEqual([]);
    expect(tokenRanges("", ids, tokenizer)).toEqual([]);
  });
});
