import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern } from "./piece-automaton.ts";
import { PreTokenizer } from "./pretokenize.ts";

/** The pieces that this engine's own regular expressions give: matches, and what lies between them. */
function piecesByRegExp(pattern: string, text: string): string[] {
  const pieces: string[] = [];
  let position = 0;
  for (const match of text.matchAll(new RegExp(pattern, "gu"))) {
    if (match[0] === "") continue;
    if (match.index > position) pieces.push(text.slice(position, match.index));
    pieces.push(match[0]);
    position = match.index + match[0].length;
  }
  if (position < text.length) pieces.push(text.slice(position));
  return pieces;
}

function pieces(patterns: readonly string[], text: string): string[] {
  const found: string[] = [];
  new PreTokenizer(patterns).forEachBatch(text, ({ units, start, ends, count }) => {
    let from = start;
    for (const end of ends.subarray(0, count)) {
      found.push(Array.from(units.subarray(from, end), (unit) => String.fromCharCode(unit)).join(""));
      from = end;
    }
  });
  return found;
}

/** False for a random pattern that is refused because its automaton would be too large; any other refusal is a failure. */
function fitsBounds(pattern: string): boolean {
  try {
    new PreTokenizer([pattern]);
    return true;
  } catch (error) {
    expect(String(error)).toContain("too many states");
    return false;
  }
}

const anyCharacter = fc.constantFrom(
  "a",
  "b",
  "c",
  "[ab]",
  "[^a]",
  "[b-c]",
  "\\p{Lo}",
  "\\P{L}",
  "\u{1f3d4}",
);
const anyPattern = fc.letrec<{ node: string; item: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    tie("item"),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => `(?:${a}|${b})`),
    fc.tuple(tie("node"), fc.constantFrom("?=", "?!"), anyCharacter).map(([a, b, c]) => `${a}(${b}${c})`),
  ),
  item: fc.oneof(
    fc
      .tuple(anyCharacter, fc.constantFrom("", "", "?", "*", "+", "{2}", "{1,2}", "{2,}"))
      .map((parts) => parts.join("")),
    fc.tuple(tie("node"), fc.constantFrom("?", "+", "{1,2}")).map(([a, b]) => `(?:b${a})${b}`),
  ),
})).node;
const someText = fc
  .array(fc.constantFrom("a", "b", "c", "日", "\u{1f3d4}"), { maxLength: 14 })
  .map((characters) => characters.join(""));

describe("the automaton of a rule", () => {
  it("cuts where a backtracking matcher cuts", () => {
    fc.assert(
      fc.property(anyPattern, fc.array(someText, { minLength: 1, maxLength: 8 }), (pattern, texts) => {
        fc.pre(fitsBounds(pattern));
        for (const text of texts) expect(pieces([pattern], text)).toEqual(piecesByRegExp(pattern, text));
      }),
      { numRuns: 500 },
    );
  });

  it("applies rules one after the other, each inside the pieces of the one before", () => {
    expect(pieces(["a+", "[ab]{2}"], "baaabbb")).toEqual(["b", "aa", "a", "bb", "b"]);
    expect(pieces([], "any text at all")).toEqual(["any text at all"]);
  });

  it("sees a piece that is longer than its buffer as one", () => {
    const text = `${"x".repeat(100_000)} y`;
    expect(pieces(["x+", "[xy]"], text).length).toBe(100_002);
    expect(pieces(["x+"], text)).toEqual(["x".repeat(100_000), " y"]);
  });
});

describe("compilePattern", () => {
  it.each([
    "(",
    ")",
    "a)",
    "[",
    "[]",
    "[a",
    "a**",
    "a*?",
    "(?>a)",
    "[a&&b]",
    "[[:alpha:]]",
    "\\w",
    "\\b",
    "^a",
    "a$",
    ".",
    "(?i:é)",
    "\\p{Nonsense}",
    "",
    "(".repeat(99),
    "(?<=a)b",
    "(?!ab)c",
    "(?:a*)*",
    "(?:(?:a{999}){999}){999}",
    "(?:[ab]*a[ab]{12})",
    "\\p{Script=Latin}",
  ])("refuses %j", (pattern) => {
    expect(() => compilePattern(pattern)).toThrowError(
      expect.objectContaining({ code: "TOKENIZER_PATTERN" }),
    );
  });

  it("survives any text", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-c()[\]\\{}|*+?^$.,\d:!=<>p&-]{0,12}$/), (pattern) => {
        try {
          expect(compilePattern(pattern).table.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: "TOKENIZER_PATTERN" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
