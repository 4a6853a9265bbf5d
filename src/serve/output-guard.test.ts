import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyFilter, filterEntry, type OutputFilter, withEntries } from "../artifacts/index.ts";
import { OutputGuard, OutputIndex } from "./output-guard.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const POEM =
  "The quick brown fox jumps over the lazy dog while nobody in the village looks up from their work";

function filterOf(...passages: string[]): OutputFilter {
  const filter = emptyFilter(NOW);
  return withEntries(filter, "r1", filterEntry(filter, "r1", passages, NOW), NOW);
}

/** What is let out of `text` when it comes in `pieces`. */
function letOut(filter: OutputFilter, pieces: readonly string[]): { text: string; blocked: boolean } {
  const guard = new OutputGuard(new OutputIndex(filter));
  let text = "";
  for (const piece of pieces) {
    const step = guard.push(piece);
    text += step.text;
    if (step.blocked !== undefined) return { text, blocked: true };
  }
  const step = guard.end();
  return { text: text + step.text, blocked: step.blocked !== undefined };
}

describe("the output guard", () => {
  it("lets everything out that is not filtered, unchanged", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), (pieces) => {
        expect(letOut(filterOf(POEM), pieces)).toEqual({ text: pieces.join(""), blocked: false });
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("lets nothing of a filtered window out, however the answer is cut into pieces", () => {
    const answer = `Here it is:\n“${POEM}”. And so on.`;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: answer.length - 1 }), { maxLength: 40 }), (cuts) => {
        const places = [0, ...[...new Set(cuts)].sort((a, b) => a - b), answer.length];
        const pieces = places.slice(1).map((end, i) => answer.slice(places[i], end));
        expect(letOut(filterOf(POEM), pieces)).toEqual({ text: "Here it is:\n“", blocked: true });
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it("knows a passage by its middle, in other case, spacing, punctuation and width, and with invisible characters", () => {
    const filter = filterOf(POEM);
    for (const said of [
      "…fox jumps over the lazy dog while nobody in the village looks…",
      "FOX  JUMPS\nover the LAZY dog, while: nobody in the villa\u00adge LOOKS",
      "ｆｏｘ jumps over the lazy dog – while nobody in the vil\u200blage looks",
    ]) {
      expect(letOut(filter, [said]).blocked, said).toBe(true);
    }
    expect(letOut(filter, ["fox jumps over the lazy dog while nobody in the town looks"]).blocked).toBe(
      false,
    );
  });

  it("filters short passages only as a whole, and passages without spaces by character", () => {
    expect(letOut(filterOf("Ada Lovelace"), ["I met ada love", "lace today"])).toEqual({
      text: "I met ",
      blocked: true,
    });
    expect(letOut(filterOf("Ada Lovelace"), ["Ada Byron, later Lovelace"]).blocked).toBe(false);
    expect(
      letOut(filterOf("人人生而自由在尊严和权利上"), ["说：人人生而自由，在尊严和权利上一律平等"]),
    ).toEqual({
      text: "说：",
      blocked: true,
    });
  });

  it("holds back at most a window's words and one unfinished word", () => {
    const guard = new OutputGuard(new OutputIndex(filterOf(POEM)));
    const words = Array.from({ length: 200 }, (_, i) => `word${i} `);
    let out = 0;
    for (const [i, word] of words.entries()) {
      out += guard
        .push(word)
        .text.split(" ")
        .filter((w) => w !== "").length;
      expect(i + 1 - out).toBeLessThanOrEqual(12);
    }
    const endless = new OutputGuard(new OutputIndex(filterOf(POEM)));
    let letters = 0;
    for (let i = 0; i < 5000; i++) letters += endless.push("a").text.length;
    expect(5000 - letters).toBeLessThanOrEqual(13 * 64);
  });

  it("refuses a passage of one word", () => {
    expect(() => filterOf("the")).toThrow(/at least 2 words/);
  });
});
