import { describe, expect, it } from "vitest";
import { parseJson } from "./parse-json.ts";

describe("JSON from outside", () => {
  it("is refused when it nests too deeply, and otherwise what JSON.parse says", () => {
    const nested = (depth: number): string => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
    expect(parseJson(nested(200))).toEqual(JSON.parse(nested(200)));
    expect(() => parseJson(nested(201))).toThrow(SyntaxError);
    expect(() => parseJson("[".repeat(1_000_000))).toThrow(/more than 200 deep/);
    const flat = JSON.stringify([`\\"${"[{".repeat(500)}`, ...Array.from({ length: 500 }, () => [{}])]);
    expect(parseJson(flat)).toEqual(JSON.parse(flat));
    expect(() => parseJson("[1,]")).toThrow(SyntaxError);
  });
});
