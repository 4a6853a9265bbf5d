import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ParquetRowsWriter } from "../../artifacts/index.ts";
import type { SourceFile } from "../resolve-source.ts";
import { decodeText } from "./decode-text.ts";
import { pieceFromRow } from "./fields.ts";
import { folderReader } from "./folder.ts";
import { gutenbergParagraphs, stripGutenbergTrade, unwrapParagraph } from "./gutenberg.ts";
import { jsonlReader } from "./jsonl.ts";
import { parquetReader } from "./parquet.ts";
import { splitPassages } from "./passages.ts";
import type { FileReader, FoundPiece } from "./reader.ts";
import { parseDeclaration } from "./udhr.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-readers-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function fileWith(name: string, bytes: Uint8Array | string): Promise<SourceFile> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  return { name, path, bytes: bytes.length, sha256: "" };
}

async function read(reader: FileReader, file: SourceFile): Promise<FoundPiece[]> {
  const pieces: FoundPiece[] = [];
  for await (const batch of reader(file)) pieces.push(...batch);
  return pieces;
}

describe("decoding text files", () => {
  it("reads UTF-8, UTF-16 with its mark, and Western single-byte text", () => {
    expect(decodeText(Buffer.from("Café ☕"))).toEqual({ text: "Café ☕", encoding: "utf-8" });
    expect(decodeText(Buffer.from("\ufeffCafé", "utf16le"))).toEqual({ text: "Café", encoding: "utf-16le" });
    const single = Buffer.from("caf\xe9, C\xe6sar \x93quoted\x94", "latin1");
    expect(decodeText(single)).toEqual({ text: "café, Cæsar “quoted”", encoding: "windows-1252" });
  });

  it("does not give up UTF-8 for one broken byte", () => {
    const bytes = Buffer.concat([
      Buffer.from("Grüße aus Zürich, schön war’s "),
      Buffer.from([0xff]),
      Buffer.from("!"),
    ]);
    expect(decodeText(bytes)).toEqual({ text: "Grüße aus Zürich, schön war’s \ufffd!", encoding: "utf-8" });
  });

  it("takes binary data for what it is, and never fails", () => {
    expect(decodeText(Uint8Array.from({ length: 300 }, (_, i) => (i * 7) & 15))).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeText(bytes)));
  });
});

describe("passages", () => {
  it("end at paragraph borders, begin at headings, and lose nothing", () => {
    const heading = (paragraph: string): boolean => paragraph.startsWith("CHAPTER");
    const paragraphs = ["CHAPTER 1", "a".repeat(150), "b".repeat(150), "CHAPTER 2", "c".repeat(120), "d"];
    const passages = splitPassages(paragraphs, { characters: 400, startsPassage: heading });
    expect(passages).toEqual([paragraphs.slice(0, 3).join("\n\n"), paragraphs.slice(3).join("\n\n")]);
  });

  it("keep within twice their length and every visible character, whatever the text", () => {
    const paragraph = fc.string({ unit: "grapheme", minLength: 1, maxLength: 900 });
    fc.assert(
      fc.property(fc.array(paragraph, { maxLength: 12 }), (paragraphs) => {
        const passages = splitPassages(paragraphs, { characters: 200 });
        for (const passage of passages) {
          expect(passage.length).toBeLessThanOrEqual(410);
          expect(/\p{Surrogate}/u.test(passage)).toBe(false);
        }
        const visible = (text: string): string => text.replace(/\s/g, "");
        expect(visible(passages.join(""))).toBe(visible(paragraphs.join("")));
      }),
    );
  });

  it("cut a long paragraph after a sentence", () => {
    const sentences = Array.from({ length: 40 }, (_, i) => `This is sentence ${i}.`).join(" ");
    for (const passage of splitPassages([sentences], { characters: 300 })) expect(passage).toMatch(/\.$/);
  });
});

describe("Gutenberg books", () => {
  it("lose title line, licence, credits and illustrations", () => {
    const file = `[Emma by Jane Austen 1816]\r\n\r\nVOLUME I\r\n\r\nEmma Woodhouse.\r\n\r\n[Illustration: a tree]\r\n\r\nFINIS\u001a\r\n\r\nEnd of Project Gutenberg's Emma\r\n\r\n*** END OF THE PROJECT GUTENBERG EBOOK ***\r\nhart@pobox.com`;
    expect(gutenbergParagraphs(file)).toEqual(["VOLUME I", "Emma Woodhouse."]);
    expect(
      stripGutenbergTrade("*** START OF THIS PROJECT GUTENBERG EBOOK X ***\nText\n\nMore text and more"),
    ).toContain("\nText");
  });

  it("get their paragraphs back, and keep verse", () => {
    expect(
      unwrapParagraph("She was the youngest of the two daughters of a most\naffectionate, indulgent father."),
    ).toBe("She was the youngest of the two daughters of a most affectionate, indulgent father.");
    const verse =
      "Of Man's first disobedience, and the fruit\nOf that forbidden tree whose mortal taste\nBrought death";
    expect(unwrapParagraph(verse)).toBe(verse);
    expect(
      unwrapParagraph("And menacing voice, What singest\n    thou? it said,\nKnow'st thou not"),
    ).toContain("singest thou?");
    expect(gutenbergParagraphs("1:1 In the beginning.\n1:2 And the earth: 1:3 And God")).toHaveLength(3);
    expect(gutenbergParagraphs("it was a _very_ fine day_dream")).toEqual(["it was a very fine day_dream"]);
  });

  it("never make the reader fail or hang", () => {
    const unit = fc.constantFrom(..."\n\n\n  [](_)*aA1:.".split(""));
    fc.assert(fc.property(fc.string({ unit, maxLength: 400 }), (text) => void gutenbergParagraphs(text)));
    const started = performance.now();
    for (const piece of ["\n", " ", "[", "_a", "\n ", "*"]) gutenbergParagraphs(piece.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("declarations", () => {
  it("become preamble and articles with numbered lists", () => {
    const html = `<html><head><title>X</title></head><body><h1>Title</h1><header><h2>Preamble</h2><p>Whereas &#x26; so,</p></header>
      <article data-number="2"><h2>Article 2</h2><ol><li><p>First.</p></li><li><p>Second.</p></li></ol></article>
      <article data-number="1"><h2>Article 1</h2><p>All  human
      beings.</p><p>&#x26;1</p></article></body></html>`;
    expect(parseDeclaration(html)).toEqual([
      { article: 0, paragraphs: ["Title", "Preamble", "Whereas & so,"] },
      { article: 1, paragraphs: ["Article 1", "All human beings."] },
      { article: 2, paragraphs: ["Article 2", "1. First.", "2. Second."] },
    ]);
  });

  it("never fail to be read, and never let a tag through", () => {
    const part = fc.constantFrom(
      "<p>",
      "</p>",
      "<ol>",
      "<li>",
      "</li>",
      '<article data-number="3">',
      "<",
      ">",
      "&#x26;",
      "&#0;",
      "text",
      "<p",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        for (const { paragraphs } of parseDeclaration(parts.join(""))) {
          for (const paragraph of paragraphs) expect(paragraph).not.toMatch(/<(p|ol|li|article)\b[^<]*>/);
        }
      }),
    );
  });
});

describe("tables", () => {
  const fields = { text: "body", id: "key", url: "link", language: "lang" };

  it("give documents by the names of their fields", () => {
    expect(pieceFromRow({ body: "x", key: "a 1", link: "http://e.x/", lang: "de" }, fields, "7")).toEqual({
      place: "a_1",
      text: "x",
      url: "http://e.x/",
      declaredLanguage: "de",
    });
    expect(pieceFromRow({ body: "x", key: 12 }, fields, "7")).toEqual({ place: "12", text: "x" });
    expect(pieceFromRow({ body: 5n, key: 1n }, fields, "7")).toMatchObject({
      reason: "text-missing",
      place: "7",
    });
    for (const odd of [null, 1, [], "text", undefined]) {
      expect(pieceFromRow(odd, fields, "1")).toMatchObject({ reason: "text-missing" });
    }
  });

  it("from JSON Lines keep the neighbours of broken lines", async () => {
    const file = await fileWith("a.jsonl", '{"text":"one"}\n{"text":\n{"other":1}\n{"text":"two"}\n');
    const pieces = await read(jsonlReader({ text: "text" }), file);
    expect(pieces.map((piece) => ("reason" in piece ? piece.reason : piece.text))).toEqual([
      "one",
      "json-invalid",
      "text-missing",
      "two",
    ]);
  });

  it("from Parquet keep the row groups around a broken one", async () => {
    const path = join(dir, "a.parquet");
    const writer = await ParquetRowsWriter.create(path, {
      columns: [{ name: "text", type: "STRING" }],
      rowGroupRows: 10,
      codec: "snappy",
    });
    await writer.write(Array.from({ length: 30 }, (_, i) => ({ text: `row ${i} ${"abcdefgh".repeat(i)}` })));
    await writer.close();
    const { readFile } = await import("node:fs/promises");
    const bytes = await readFile(path);
    bytes.fill(0xff, Math.floor(bytes.length * 0.3), Math.floor(bytes.length * 0.35));
    const pieces = await read(parquetReader({ text: "text" }), await fileWith("broken.parquet", bytes));
    const broken = pieces.filter((piece) => "reason" in piece);
    expect(broken.map((piece) => piece.reason)).toEqual(["row-group-broken"]);
    expect(pieces).toHaveLength(21);
    expect(pieces.at(-1)).toMatchObject({ place: "30" });
  });

  it("that are no Parquet file at all are one broken piece", async () => {
    const pieces = await read(
      parquetReader({ text: "text" }),
      await fileWith("no.parquet", "not a parquet file"),
    );
    expect(pieces).toMatchObject([{ reason: "file-broken" }]);
    const empty = await read(parquetReader({ text: "text" }), await fileWith("empty.parquet", ""));
    expect(empty).toMatchObject([{ reason: "file-broken" }]);
  });
});

describe("folders", () => {
  it("give a document per file or per passage, and name what holds no text", async () => {
    const whole = await read(folderReader(undefined), await fileWith("a.md", "# Title\r\n\r\nText"));
    expect(whole).toEqual([{ place: "1", text: "# Title\n\nText" }]);
    const long = `# One\n\n${"word ".repeat(80)}\n\n# Two\n\n${"more ".repeat(80)}`;
    const passages = await read(folderReader(500), await fileWith("b.md", long));
    expect(passages.map((piece) => piece.text.slice(0, 5))).toEqual(["# One", "# Two"]);
    for (const bytes of ["", " \n", Uint8Array.from({ length: 99 }, () => 1)]) {
      expect(await read(folderReader(undefined), await fileWith("c.txt", bytes))).toMatchObject([
        { reason: "no-text" },
      ]);
    }
    const huge = { name: "huge.txt", path: "/nowhere", bytes: 1e12, sha256: "" };
    expect(await read(folderReader(undefined), huge)).toMatchObject([{ reason: "file-too-large" }]);
  });
});
