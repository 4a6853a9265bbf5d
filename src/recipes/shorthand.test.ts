/** @file The one-line form of a source. */
import { describe, expect, it } from "vitest";
import { expandShorthands } from "./shorthand.ts";

describe("a source in one line", () => {
  it("becomes a full declaration with an id from its path", () => {
    expect(expandShorthands({ sources: [{ folder: "./My Texts/", licence: "CC-BY-4.0" }] })).toEqual({
      sources: [
        {
          id: "my-texts",
          category: "other",
          licence: "CC-BY-4.0",
          reader: { type: "folder", path: "./My Texts/" },
        },
      ],
    });
    expect(
      expandShorthands({ sources: [{ jsonl: "web/crawl.jsonl.zst", id: "crawl-a", category: "crawled" }] }),
    ).toEqual({
      sources: [
        { id: "crawl-a", category: "crawled", reader: { type: "jsonl", path: "web/crawl.jsonl.zst" } },
      ],
    });
  });

  it("with a name of other letters than Latin ones still gets an id", () => {
    expect(expandShorthands({ sources: [{ folder: "文書" }] })).toMatchObject({
      sources: [{ id: "my-texts" }],
    });
  });

  it("is left alone when it already has a reader, or is something else", () => {
    const full = { sources: [{ id: "x", reader: { type: "udhr" }, folder: "left" }, 3, null] };
    expect(expandShorthands(full)).toEqual(full);
    expect(expandShorthands("text")).toBe("text");
  });
});
