import { parseDocument } from "htmlparser2";
import { describe, expect, it } from "vitest";
import { changesFeed } from "./feed.ts";

describe("the feed of changes", () => {
  it("is well-formed, newest first, and carries no markup of names", () => {
    const publication = (version: string, time: string) => ({
      name: "tiny <b>&",
      version,
      time,
      checksums: version.padEnd(64, "0"),
    });
    const text = changesFeed(
      [publication("1", "2026-01-01T00:00:00.000Z"), publication("2", "2026-03-01T00:00:00.000Z")],
      "A & B",
      "https://example.org/?a=1&b=2",
    );
    expect(text.indexOf("tiny &lt;b&gt;&amp; 2:")).toBeLessThan(text.indexOf("tiny &lt;b&gt;&amp; 1:"));
    expect(text).toContain("<updated>2026-03-01T00:00:00.000Z</updated>");
    expect(text).not.toMatch(/<b>|&(?!amp;|lt;|gt;|quot;)/);
    const root = parseDocument(text, { xmlMode: true }).children.find(
      (node) => "name" in node && node.name === "feed",
    );
    expect(root).toBeDefined();
  });
});
