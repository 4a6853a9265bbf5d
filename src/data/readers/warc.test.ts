import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createReadStream } from "node:fs";
import { brotliCompressSync, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WARCParser, WARCRecord, WARCSerializer } from "warcio";
import { packRecord, responseBlock } from "../crawl/warc-writer.ts";
import { decodeHtml } from "./decode-html.ts";
import { parseHttpResponse } from "./http-message.ts";
import { extractMainText } from "./main-text.ts";
import { type FilePlace, fileStart, type FoundPiece } from "./reader.ts";
import { readWarc } from "./warc.ts";
import { MAX_RECORD_BYTES, readWarcRecords, type WarcItem } from "./warc-records.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-warc-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const DATE = "2026-01-15T12:00:00Z";
const SENTENCE =
  "The glacier above the village has lost a third of its length since the first map of it was drawn, and every summer the stream below it carries more stones. ";
const page = (title: string, body: string): string =>
  `<!doctype html><html><head><title>${title}</title><meta charset=utf-8></head><body><nav><a href=/>Home</a></nav><main><h1>${title}</h1>${body}</main><footer>Imprint</footer></body></html>`;

const response = (
  n: number,
  body: string | Buffer = page(`Page ${n}`, `<p>${SENTENCE.repeat(3)}</p>`),
  headers: Record<string, string> = {},
  status = 200,
): Buffer =>
  packRecord({
    type: "response",
    url: `https://example.org/${n}`,
    date: DATE,
    contentType: "application/http; msgtype=response",
    block: responseBlock(
      status,
      Object.entries({ "Content-Type": "text/html; charset=utf-8", ...headers }),
      Buffer.from(body),
    ),
  });

async function read(bytes: Uint8Array, name = "a.warc.gz"): Promise<FoundPiece[]> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  const pieces: FoundPiece[] = [];
  for await (const batch of readWarc({ name, path, bytes: bytes.length, sha256: "" })) pieces.push(...batch);
  return pieces;
}
const outline = (pieces: readonly FoundPiece[]): string[] =>
  pieces.map((piece) => ("reason" in piece ? piece.reason : (piece.url ?? piece.place)));

describe("web archives", () => {
  it("give the main text of pages with address, date and signals", async () => {
    const [piece] = await read(response(1, undefined, { "X-Robots-Tag": "noai" }));
    expect(piece).toEqual({
      place: "1",
      url: "https://example.org/1",
      date: DATE,
      text: `Page 1\n\n${SENTENCE.repeat(3).trim()}`,
      signals: "x-robots-tag: noai",
    });
  });

  it("that another program wrote are read, and the other program reads ours", async () => {
    const records = [1, 2, 3].map((n) =>
      WARCRecord.create(
        {
          url: `https://example.org/${n}`,
          date: DATE,
          type: "response",
          warcVersion: "WARC/1.1",
          httpHeaders: { "Content-Type": "text/html" },
        },
        (async function* () {
          yield new TextEncoder().encode(page(`Page ${n}`, `<p>${SENTENCE.repeat(2)}</p>`));
        })(),
      ),
    );
    for (const gzip of [true, false]) {
      const parts: Uint8Array[] = [];
      for (const record of records.slice(gzip ? 0 : 1, gzip ? 1 : 3))
        parts.push(await WARCSerializer.serialize(record, { gzip }));
      const pieces = await read(Buffer.concat(parts), gzip ? "other.warc.gz" : "other.warc");
      expect(outline(pieces)).toEqual(
        gzip ? ["https://example.org/1"] : ["https://example.org/2", "https://example.org/3"],
      );
    }
    const path = join(dir, "ours.warc.gz");
    await writeFile(path, Buffer.concat([response(1), response(2)]));
    const seen: (string | null)[] = [];
    for await (const record of new WARCParser(createReadStream(path))) {
      seen.push(record.warcTargetURI ?? null);
      expect((await record.contentText()).includes("<h1>Page")).toBe(true);
    }
    expect(seen).toEqual(["https://example.org/1", "https://example.org/2"]);
  });

  it("of extracted text (WET) are read as text", async () => {
    const wet = packRecord({
      type: "metadata",
      date: DATE,
      contentType: "text/plain",
      block: Buffer.from("x"),
    });
    const text = `WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://example.com/a\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nGrüsse ihr\n\r\n\r\n`;
    expect(await read(Buffer.concat([wet, gzipSync(text)]), "a.wet.gz")).toMatchObject([
      { place: "2", text: "Grüsse ihr\n", url: "http://example.com/a" },
    ]);
  });

  it("name what is not a page, and keep its address", async () => {
    const pieces = await read(
      Buffer.concat([
        response(1, "", {}, 404),
        response(2, "%PDF", { "Content-Type": "application/pdf" }),
        response(3, page("", "<nav>Menu</nav>")),
        response(4, Buffer.from([0, 1, 2, 3, 0, 0, 0, 0])),
        packRecord({
          type: "response",
          url: "https://example.org/5",
          date: DATE,
          contentType: "application/http",
          block: Buffer.from("no http"),
        }),
      ]),
    );
    expect(outline(pieces)).toEqual(["http-status", "media-type", "no-text", "no-text", "http-broken"]);
    expect(pieces.map(({ url }) => url)).toEqual([1, 2, 3, 4, 5].map((n) => `https://example.org/${n}`));
  });

  it("lose the damaged record and no neighbour", async () => {
    const members = [1, 2, 3, 4].map((n) => response(n));
    const damaged = Buffer.from(members[1]!);
    damaged.fill(0x55, 60, 120);
    const expected = [
      "https://example.org/1",
      "record-broken",
      "https://example.org/3",
      "https://example.org/4",
    ];
    expect(outline(await read(Buffer.concat([members[0]!, damaged, members[2]!, members[3]!])))).toEqual(
      expected,
    );
    const cut = members[1]!.subarray(0, 100);
    expect(outline(await read(Buffer.concat([members[0]!, cut, members[2]!, members[3]!])))).toEqual(
      expected,
    );
    const garbage = Buffer.alloc(1000, 0x1f);
    expect(outline(await read(Buffer.concat([members[0]!, garbage, members[2]!, members[3]!])))).toEqual(
      expected,
    );
    expect(outline(await read(Buffer.concat(members).subarray(0, -30))).at(-1)).toBe("record-broken");
  });

  it("whose lengths lie lose that record alone, packed or not", async () => {
    const plain = (n: number, length: number | undefined): string => {
      const block = responseBlock(
        200,
        [["Content-Type", "text/html"]],
        Buffer.from(page(`Page ${n}`, `<p>${SENTENCE.repeat(3)}</p>`)),
      );
      return `WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/${n}\r\nContent-Type: application/http\r\nContent-Length: ${length ?? block.length}\r\n\r\n${block.toString()}\r\n\r\n`;
    };
    const expected = ["https://example.org/1", "record-broken", "https://example.org/3"];
    for (const lie of [5, 1200, 10_000_000, 99_999_999_999]) {
      const texts = [plain(1, undefined), plain(2, lie), plain(3, undefined)];
      const packed = await read(Buffer.concat(texts.map((text) => gzipSync(text))));
      expect(outline(packed)).toEqual(expected);
      const whole = outline(await read(Buffer.from(texts.join("")), "plain.warc"));
      expect(whole.slice(0, 1)).toEqual(expected.slice(0, 1));
      // A length beyond the bound is believed, because to disbelieve it would mean to hold that much.
      if (lie <= MAX_RECORD_BYTES) expect(whole).toEqual(expected);
      else expect(whole[1]).toBe("record-too-large");
    }
    const together = await read(
      gzipSync(plain(1, undefined) + plain(2, undefined) + plain(3, undefined)),
      "once.warc.gz",
    );
    expect(outline(together)).toHaveLength(3);
  });

  it("with a bomb in them stay within bounds", async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from("WARC/1.0\r\n"), Buffer.alloc(MAX_RECORD_BYTES * 3)]), {
      level: 9,
    });
    const pieces = await read(Buffer.concat([response(1), bomb, response(2)]));
    expect(outline(pieces)).toEqual(["https://example.org/1", "record-too-large", "https://example.org/2"]);
    const inner = response(3, gzipSync(Buffer.alloc(200_000_000)), { "Content-Encoding": "gzip" });
    const raw = packRecord({
      type: "response",
      url: "https://example.org/3",
      date: DATE,
      contentType: "application/http",
      block: Buffer.concat([
        Buffer.from("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"),
        gzipSync(Buffer.alloc(200_000_000)),
      ]),
    });
    expect(outline(await read(Buffer.concat([raw, inner, response(4)]))).at(0)).toBe("http-broken");
  });

  it("with any bytes changed are read to the end", async () => {
    const whole = Buffer.concat([response(1), response(2), response(3)]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 }),
        async (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          const pieces = await read(bytes);
          expect(pieces.length).toBeLessThan(10);
        },
      ),
      { numRuns: 60 },
    );
    const path = join(dir, "random.warc.gz");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        await writeFile(path, bytes);
        for await (const item of readWarcRecords(path)) void item;
      }),
      { numRuns: 60 },
    );
  });

  it("are gone on with after any record as if read from the beginning, however damaged", async () => {
    const pages = [1, 2, 3, 4].map((n) => response(n, page(`Page ${n}`, SENTENCE.repeat(n))));
    const forms: [name: string, bytes: Buffer][] = [
      ["members.warc.gz", Buffer.concat(pages)],
      [
        "two.warc.gz",
        Buffer.concat([pages[0]!, gzipSync(Buffer.concat(pages.map((one) => gunzipSync(one))))]),
      ],
      ["whole.warc.gz", gzipSync(Buffer.concat(pages.map((one) => gunzipSync(one))))],
      ["plain.warc", Buffer.concat(pages.map((one) => gunzipSync(one)))],
    ];
    const changes = fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255)), {
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...forms), changes, async ([name, whole], changed) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changed) bytes[Math.floor(at * bytes.length)] = value;
        const path = join(dir, name);
        await writeFile(path, bytes);
        const items: WarcItem[] = [];
        const places: FilePlace[] = [];
        const moving = fileStart();
        for await (const item of readWarcRecords(path, moving)) {
          items.push(item);
          places.push({ ...moving });
        }
        for (const [i, place] of places.entries()) {
          expect(place.items + place.within).toBe(i + 1);
          const rest: WarcItem[] = [];
          for await (const item of readWarcRecords(path, { ...place })) rest.push(item);
          expect(rest).toEqual(items.slice(i + 1));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("HTTP messages", () => {
  it("lose their codings, also where the archive has taken them off already", () => {
    const body = "Grüsse";
    const make = (headers: string, bytes: Buffer): string => {
      const parsed = parseHttpResponse(
        Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n`), bytes]),
      );
      return typeof parsed === "string" ? parsed : parsed.body.toString();
    };
    const chunked = Buffer.from(`3\r\nGr\u00c3\r\n`, "latin1");
    expect(make("Content-Encoding: gzip", gzipSync(body))).toBe(body);
    expect(make("Content-Encoding: gzip", Buffer.from(body))).toBe(body);
    expect(make("Content-Encoding: br", brotliCompressSync(body))).toBe(body);
    expect(make("Transfer-Encoding: chunked", Buffer.from("4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n"))).toBe(
      "Wikipedia",
    );
    expect(make("Transfer-Encoding: chunked", Buffer.from("no chunks"))).toBe("no chunks");
    expect(make("Transfer-Encoding: chunked", chunked)).toContain("Gr");
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseHttpResponse(Buffer.from(bytes))));
  });
});

describe("the characters of a page", () => {
  it.each([
    ["what the server says", Buffer.from("<p>na\xefve", "latin1"), "iso-8859-1", "<p>naïve"],
    [
      "what the page says",
      Buffer.from('<meta charset="windows-1251"><p>\xcf\xf0\xe8\xe2\xe5\xf2', "latin1"),
      undefined,
      '<meta charset="windows-1251"><p>Привет',
    ],
    ["what the bytes are, against a wrong declaration", Buffer.from("<p>Zürich"), "iso-8859-1", "<p>Zürich"],
    [
      "a guess, when UTF-8 is declared and is not there",
      Buffer.from("<p>Z\xfcrich", "latin1"),
      "utf-8",
      "<p>Zürich",
    ],
    ["an unknown name is passed over", Buffer.from("<p>Zürich"), "x-nonsense", "<p>Zürich"],
    ["a mark above all", Buffer.from("\ufeff<p>ü", "utf16le"), "iso-8859-1", "<p>ü"],
    ["East Asian codes", Buffer.from([0x93, 0xfa, 0x96, 0x7b]), "shift_jis", "日本"],
  ])("follow %s", (_name, bytes, charset, text) => {
    expect(decodeHtml(bytes, charset)?.text).toBe(text);
  });
});

describe("the main text", () => {
  it("is what is left when furniture is gone", () => {
    const html = page(
      "Ice",
      `<p>${SENTENCE}</p><ul><li>first point of the list which is long enough to be read</li><li>second point</li></ul>
       <div class="share-buttons">Share this on every network there is, please, it helps us a lot, thank you very much indeed</div>
       <div style="display:none">Hidden text that nobody sees, although it is as long as any other paragraph of the page is</div>
       <script>var text = "<p>no text</p>";</script><p>Caf&eacute; &amp; <b>bar</b>${"<br>"}line ${SENTENCE}</p>`,
    );
    const { text, title } = extractMainText(html);
    expect(title).toBe("Ice");
    expect(text).toBe(
      `Ice\n\n${SENTENCE.trim()}\n\nfirst point of the list which is long enough to be read\nsecond point\n\nCafé & bar\nline ${SENTENCE.trim()}`,
    );
  });

  it("leaves out blocks of links and keeps text of scripts without spaces", () => {
    const links = Array.from(
      { length: 30 },
      (_, i) => `<p><a href=/${i}>Another story from the archive number ${i}</a></p>`,
    ).join("");
    expect(extractMainText(`<body><p>${SENTENCE}</p>${links}</body>`).text).toBe(SENTENCE.trim());
    const chinese = "人人有权享有生命、自由和人身安全,并且在法律面前一律平等,不受任何歧视。".repeat(3);
    expect(extractMainText(`<body><p>${chinese}</p></body>`).text).toBe(chinese);
  });

  it("keeps preformatted lines", () => {
    expect(
      extractMainText(
        `<main><p>${SENTENCE}</p><pre>a = 1\n  b = 2 and then some more words to read\n</pre></main>`,
      ).text,
    ).toBe(`${SENTENCE.trim()}\n\na = 1\n  b = 2 and then some more words to read`);
  });

  it("comes out of any page however it nests", () => {
    const tags = fc.constantFrom(
      "<p>",
      "</p>",
      "<div>",
      "<a href=x>",
      "</a>",
      "<script>",
      "</script>",
      "<!--",
      "-->",
      "<![CDATA[",
      "&amp;",
      "&#0;",
      "text ",
      "<",
    );
    fc.assert(
      fc.property(fc.array(tags, { maxLength: 60 }), (parts) => void extractMainText(parts.join(""))),
    );
    for (const piece of ["<div>", "<p", "<a href='", "</p>", "<!--", "&", "<b><i>", "<table><tr><td>"]) {
      extractMainText(piece.repeat(200_000));
    }
    for (const piece of [" ", "\n", "<br>"]) extractMainText(`<pre>a${piece.repeat(200_000)}b</pre>`);
  });
});
