import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { contentTokens } from "./content-tokens.ts";
import { findContamination, indexItems } from "./evaluation-index.ts";
import { indexSequence, matchedTokens } from "./matching-blocks.ts";

const RULE = { ngram: 8, minBlock: 5, minShare: 0.5 };

function index(texts: readonly string[], rule = RULE) {
  const items = texts.map((text, i) => ({ tokens: contentTokens(text).slice(), row: i + 1 }));
  return indexItems(items, [{ name: "test", end: items.length }], rule);
}
const find = (document: string, items: ReturnType<typeof index>) =>
  findContamination(contentTokens(document), items);

const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
  .map((units) => String.fromCharCode(...units));

describe("matching blocks", () => {
  it("are those of Python's difflib", () => {
    const file = new URL("./difflib-data/matched.json", import.meta.url);
    const cases = z
      .array(
        z.object({
          a: z.array(z.int()),
          b: z.array(z.int()),
          minBlock: z.int(),
          matched: z.int(),
          longest: z.int(),
        }),
      )
      .parse(JSON.parse(readFileSync(file, "utf8")));
    expect(cases).toHaveLength(120);
    for (const { a, b, minBlock, ...expected } of cases) {
      const sequence = indexSequence(Int32Array.from(b));
      expect(matchedTokens(Int32Array.from(a), sequence, minBlock)).toEqual(expected);
    }
  });
});

describe("content tokens", () => {
  it("are words whatever their case, and each digit, sign and ideograph by itself", () => {
    expect(contentTokens("Der HUND, 42 €")).toEqual(contentTokens("der hund , 4 2€"));
    expect(contentTokens("der Hund")).toHaveLength(2);
    expect(contentTokens("x^{2}+10")).toHaveLength(8);
    expect(contentTokens("人人有权")).toHaveLength(4);
    expect(contentTokens(" \n\u0000")).toHaveLength(0);
  });

  it("come out of any text", () => {
    fc.assert(fc.property(anyText, (text) => void contentTokens(text)));
  });
});

const PROBLEM =
  "Let $a$ and $b$ be real numbers such that $a^2 + b^2 = 25$ and $\\frac{1}{a} + \\frac{1}{b} = \\frac{7}{12}$. Find $a^3 + b^3$.";
const TRANSLATED =
  "Seien $a$ und $b$ reelle Zahlen, für die $a^2 + b^2 = 25$ und $\\frac{1}{a} + \\frac{1}{b} = \\frac{7}{12}$ gilt. Bestimme $a^3 + b^3$.";
const STORY =
  "Once upon a time there was a bear who wrote letters to a friend in the far north of the country. ";

describe("contamination", () => {
  const items = index([
    "Which gas do plants take from the air when they make sugar with the light of the sun?",
    PROBLEM,
  ]);

  it("is found where an item stands in other text, changed a little or not", () => {
    const copy = `${STORY}${PROBLEM.replace("real numbers", "numbers")} ${STORY}`;
    expect(find(copy, items)).toMatchObject({ set: "test", row: 2 });
    expect(find(STORY.repeat(20), items)).toBeUndefined();
  });

  it("is found in a translated mathematical problem, by its formulas", () => {
    const found = find(`${STORY} ${TRANSLATED}`, items)!;
    expect(found.row).toBe(2);
    expect(found.matched / found.tokens).toBeGreaterThan(0.5);
    expect(found.matched).toBeLessThan(found.tokens);
  });

  it("needs a shared run of eight tokens and half of the item", () => {
    const words = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `w${String.fromCharCode(97 + from + i)}`).join(" ");
    const twenty = index([words(0, 20)]);
    expect(find(words(0, 10), twenty)).toMatchObject({ matched: 10, tokens: 20 });
    expect(find(words(0, 9), twenty)).toBeUndefined();
    // Three runs of seven: most of the item, and no run of eight.
    expect(find(`${words(0, 7)} x ${words(7, 14)} y ${words(14, 20)}`, twenty)).toBeUndefined();
    // A run of eight and one of four: the short one does not count.
    expect(find(`${words(0, 8)} x ${words(8, 12)} y`, twenty)).toBeUndefined();
    expect(find(`${words(0, 8)} x ${words(8, 13)} y`, twenty)).toMatchObject({ matched: 13 });
    // The last run of a text counts, too.
    expect(find(`x y z ${words(10, 20)}`, twenty)).toMatchObject({ matched: 10 });
  });

  it("does not add up what lies far apart", () => {
    const words = Array.from({ length: 24 }, (_, i) => `v${String.fromCharCode(97 + i)}`);
    const item = index([words.join(" ")], { ...RULE, minShare: 0.75 });
    const halves = (gap: string) => `${words.slice(0, 10).join(" ")} ${gap} ${words.slice(10, 20).join(" ")}`;
    expect(find(halves("and"), item)).toBeDefined();
    expect(find(halves(STORY.repeat(30)), item)).toBeUndefined();
  });

  it("takes linear time on hostile text", () => {
    const same = index([`${"a ".repeat(300)}b`]);
    const started = performance.now();
    find("a ".repeat(20_000), same);
    find(`${"a ".repeat(7)}c `.repeat(20_000), same);
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
