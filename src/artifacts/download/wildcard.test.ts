import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { folderParts, shellParts, wildcardMatcher } from "./wildcard.ts";

/** The same as a regular expression, which tries in turn what the matcher follows at once. */
function expressionOf(pattern: string, crosses: boolean): RegExp {
  const source = pattern
    .split(crosses ? /(\*|\?)/ : /(\*\*\/?|\*|\?)/)
    .map((part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "**") return ".*";
      if (part === "*") return crosses ? ".*" : "[^/]*";
      if (part === "?") return crosses ? "." : "[^/]";
      return part;
    })
    .join("");
  return new RegExp(`^${source}$`, "su");
}

describe("names against patterns", () => {
  it("agree with a regular expression", () => {
    const text = (alphabet: string, maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...alphabet.split("")), maxLength });
    fc.assert(
      fc.property(text("ab*?/", 9), text("ab/", 9), fc.boolean(), (pattern, name, crosses) => {
        const parts = crosses ? shellParts(pattern) : folderParts(pattern);
        expect(wildcardMatcher(parts)(name)).toBe(expressionOf(pattern, crosses).test(name));
      }),
      { seed: 1, numRuns: 3000 },
    );
  });

  it("take linear time, however many stars there are", () => {
    const matches = wildcardMatcher(folderParts("**/*a*a*a*a*a*a*a*b"));
    expect(matches(`x/${"a".repeat(20_000)}`)).toBe(false);
    expect(matches(`x/${"a".repeat(20_000)}b`)).toBe(true);
  });
});
