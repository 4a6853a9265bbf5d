/** @file The parsers of `data` but those of opt-outs: what a crawl or a data set may hold. */
import { readFile } from "node:fs/promises";
import { gzipSync, brotliCompressSync } from "node:zlib";
import { assert } from "../../src/core/index.ts";
import { linksOf } from "../../src/data/crawl/crawl-site.ts";
import { packRecord } from "../../src/data/crawl/warc-writer.ts";
import { contentTokens } from "../../src/data/decontaminate/content-tokens.ts";
import { readEvaluationSets } from "../../src/data/decontaminate/read-sets.ts";
import { FastText } from "../../src/data/language/fasttext.ts";
import { readFastText } from "../../src/data/language/fasttext-file.ts";
import { parseLanguageCode } from "../../src/data/language/language-code.ts";
import { allowsLicence, normaliseLicence } from "../../src/data/licence.ts";
import { decodeHtml } from "../../src/data/readers/decode-html.ts";
import { decodeText } from "../../src/data/readers/decode-text.ts";
import { folderReader } from "../../src/data/readers/folder.ts";
import { gutenbergParagraphs } from "../../src/data/readers/gutenberg.ts";
import { contentType, parseHttpResponse } from "../../src/data/readers/http-message.ts";
import { jsonlReader } from "../../src/data/readers/jsonl.ts";
import { extractMainText } from "../../src/data/readers/main-text.ts";
import { manualLanguage, readManual } from "../../src/data/readers/manual.ts";
import type { FileReader } from "../../src/data/readers/reader.ts";
import { roffText } from "../../src/data/readers/roff-text.ts";
import { parseDeclaration } from "../../src/data/readers/udhr.ts";
import { readWarc } from "../../src/data/readers/warc.ts";
import { filePattern } from "../../src/data/remote/file-pattern.ts";
import { webFileName } from "../../src/data/remote/resolve-remote.ts";
import { normaliseText } from "../../src/data/steps/normalise.ts";
import { findPii } from "../../src/data/steps/scrub-pii.ts";
import { type HostileParser, put } from "../hostile/parser.ts";

const SHA = "ab".repeat(32);
const json = (value: unknown): string => JSON.stringify(value);

/** Reads a file and holds every piece against what a reader promises. */
async function readPieces(read: FileReader, path: string, bytes: Buffer): Promise<void> {
  for await (const pieces of read({ name: "x", path, bytes: bytes.length, sha256: SHA })) {
    for (const piece of pieces) {
      assert(typeof piece.text === "string" && piece.place !== "", "a place and a text");
      if ("reason" in piece) assert(piece.detail !== undefined, "a reason with its detail");
    }
  }
}

const HTML = `<!doctype html><html lang="de"><head><meta charset="utf-8"><meta name="robots" content="noai, noindex">
<title>Firn &amp; Eis</title><script>if (a<b) x();</script></head><body><nav><a href="/a">Start</a></nav>
<main><h1>Der Firn</h1><p>Der Firn liegt das ganze Jahr im Schatten der Gipfel &ndash; und im Herbst f&auml;llt neuer Schnee darauf.</p>
<ul><li>eins<li>zwei</ul><pre>a
  b</pre><table><tr><td>1</td></tr></table></main><footer>©</footer></body></html>`;
const HTTP = `HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX-Robots-Tag: GPTBot: noai\r\n\r\n${HTML}`;
const record = (block: Buffer): Buffer =>
  packRecord({
    type: "response",
    id: "urn:uuid:00000000-0000-4000-8000-000000000001",
    date: "2026-01-31T10:00:00Z",
    contentType: "application/http; msgtype=response",
    uri: "https://example.org/firn",
    block,
  } as Parameters<typeof packRecord>[0]);
const MAN = `.\\" a comment
.TH LS 1 "2026-01-31" "coreutils"
.SH NAME
ls \\- list \\fIdirectory\\fR contents
.SH SYNOPSIS
.B ls
[\\fI\\,OPTION\\/\\fR]... \\(aqx\\(aq \\[u00E9] \\h'1n'
.TP
\\fB\\-a\\fR, \\fB\\-\\-all\\fR
do not ignore entries "starting with .
.nf
  example \\*(lq
.fi
.de xx
..
.TS
a b
.TE
`;
const BOOK = `[Emma by Jane Austen 1816]\r\n\r\n*** START OF THE PROJECT GUTENBERG EBOOK EMMA ***\r\n\r\nVOLUME I\r\n\r\nEmma _Woodhouse_,\r\nhandsome and rich.\r\n\r\n1:1 In the beginning. 1:2 And\r\n\r\n*** END OF THE PROJECT GUTENBERG EBOOK EMMA ***\r\n`;
const fastText = (name: string): Promise<Buffer> =>
  readFile(new URL(`../../src/data/language/fasttext-data/${name}`, import.meta.url));
const models = await Promise.all(
  ["softmax.bin", "hierarchical.bin", "quantized.ftz", "quantized-output.ftz"].map(fastText),
);

const FIELDS = { text: "text", id: "id", url: "url", language: "lang", licence: "licence" };
const ROWS = `${json({ text: "Schnee", id: 1, url: "https://e.org", lang: "de", licence: "MIT" })}\n${json({ text: "b" })}\n`;
export const dataParsers: readonly HostileParser[] = [
  {
    name: "web archives",
    file: "src/data/readers/warc-records.ts",
    samples: [
      record(Buffer.from(HTTP)),
      Buffer.concat([record(Buffer.from(HTTP)), record(Buffer.from(HTTP))]),
    ],
    read: async (bytes, dir) => readPieces(readWarc, await put(dir, "x.warc.gz", bytes), bytes),
  },
  {
    name: "web archives, not packed",
    file: "src/data/readers/warc.ts",
    samples: [
      `WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/\r\nWARC-Date: 2026-01-31T10:00:00Z\r\nContent-Type: application/http\r\nContent-Length: ${Buffer.byteLength(HTTP)}\r\n\r\n${HTTP}\r\n\r\n`,
    ],
    around: [
      ["WARC/1.0\r\n", "\r\n\r\n"],
      [`WARC/1.0\r\nContent-Length: 9`, `\r\n\r\nabc\r\n\r\n`],
    ],
    read: async (bytes, dir) => readPieces(readWarc, await put(dir, "x.warc", bytes), bytes),
  },
  {
    name: "HTTP messages",
    file: "src/data/readers/http-message.ts",
    samples: [
      HTTP,
      'HTTP/1.0 200 OK\nTransfer-Encoding: chunked\nContent-Type: text/plain;charset="latin1"\n\n4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n',
      Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"), gzipSync(HTML)]),
      Buffer.concat([
        Buffer.from("HTTP/1.1 200 OK\r\nContent-Encoding: br, deflate\r\n\r\n"),
        brotliCompressSync(HTML),
      ]),
    ],
    around: [
      ["HTTP/1.1 200 OK\r\nContent-Type: ", "\r\n\r\n"],
      ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""],
    ],
    pieces: ["charset", "charset= ", "1\r\na\r\n", "\r\n"],
    read: (bytes) => {
      const response = parseHttpResponse(bytes);
      if (typeof response !== "string") contentType(response);
    },
  },
  {
    name: "web pages",
    file: "src/data/readers/main-text.ts",
    samples: [HTML, Buffer.from(HTML.replace("utf-8", "iso-8859-1").replace("&ndash;", "ü"), "latin1")],
    around: [
      ["", ""],
      ["<p>a", "b</p>"],
      ["<pre>a", "b</pre>"],
      ['<div class="', '">'],
      ["<!doctype html><meta ", ">"],
      ["<title>", ""],
    ],
    pieces: [
      "<br>",
      "<br>\n",
      "<p",
      "</p>",
      "<a href='",
      "<!--",
      "&",
      "<table><tr>",
      "<li>x",
      "charset=",
      "<?xml ",
      "<svg>",
      "<title>",
      "<script>",
    ],
    read: (bytes) => {
      const text = decodeHtml(bytes, undefined)?.text;
      if (text === undefined) return;
      const page = extractMainText(text);
      assert(page.signals.length <= 50, "a bounded number of signals");
      linksOf(text.slice(0, 1 << 20), "https://example.org/");
    },
  },
  {
    name: "the charset of a page",
    file: "src/data/readers/decode-html.ts",
    samples: ['<meta charset="shift_jis">', '<?xml version="1.0" encoding="utf-16"?>', "\ufeff<p>é"],
    around: [
      ["<meta ", ""],
      ["<?xml ", ""],
    ],
    read: (bytes) => {
      for (const charset of [undefined, "utf-16be", "gb18030", bytes.toString("latin1", 0, 40)])
        decodeHtml(bytes, charset);
    },
  },
  {
    name: "texts of any encoding",
    file: "src/data/readers/decode-text.ts",
    samples: ["Zürich \u2028", Buffer.from("\ufeffZürich", "utf16le"), Buffer.from("Zürich", "latin1")],
    read: (bytes) => void decodeText(bytes),
  },
  {
    name: "manual pages",
    file: "src/data/readers/roff-text.ts",
    samples: [MAN],
    around: [
      [".TH A 1\n", "\nx"],
      [".TH A 1\n.B a", "b"],
      [".TH A 1\n.nf\na", "b"],
      [".TH A 1\n.", "\u2028"],
      [".TH A 1\nb\\", ""],
    ],
    pieces: [
      "\\f[",
      "\\h'",
      "\\h'a",
      "\\*[",
      "\\[",
      '\\"',
      "\\(",
      "\\fB",
      ".B ",
      '""',
      '"a',
      "\\",
      "\n.nf\n",
      "'",
      ".de x\n",
    ],
    read: (bytes) => {
      const text = roffText(decodeText(bytes)?.text ?? "");
      assert(!text.includes("[native code]"), "no names of this program in a text");
    },
  },
  {
    name: "manual pages, packed",
    file: "src/data/readers/manual.ts",
    samples: [gzipSync(MAN)],
    read: async (bytes, dir) => {
      manualLanguage(bytes.toString("latin1"));
      await readPieces(readManual, await put(dir, "ls.1.gz", bytes), bytes);
    },
  },
  {
    name: "books",
    file: "src/data/readers/gutenberg.ts",
    samples: [BOOK],
    around: [
      ["A\n\n", "\n\nB"],
      ["", ""],
      ["a", "b"],
    ],
    pieces: ["\n ", "_a", " _a_", "\n    a", "1:1 A", "[illustration", "*** ", "[a]\n"],
    read: (bytes) => void gutenbergParagraphs(decodeText(bytes)?.text ?? ""),
  },
  {
    name: "declarations",
    file: "src/data/readers/udhr.ts",
    samples: [
      '<html><body><h1>T</h1><article data-number="1"><h2>A</h2><ol><li><p>x &#x26;</p></li></ol></article></body></html>',
    ],
    around: [
      ["<body>", ""],
      ['<article data-number="', ""],
    ],
    pieces: ["<p", "&#x26;", "&#", "<ol>", "<article>", "<li>"],
    read: (bytes) => void parseDeclaration(bytes.toString()),
  },
  {
    name: "folders of texts",
    file: "src/data/readers/folder.ts",
    samples: [`# Title\n\n${"A sentence here. ".repeat(30)}\n\n- item\n`],
    around: [
      ["", ""],
      ["a. ", ""],
    ],
    pieces: ["a. ", '."', "\n\n", "。"],
    read: async (bytes, dir) => readPieces(folderReader(200), await put(dir, "x.md", bytes), bytes),
  },
  {
    name: "rows of a table",
    file: "src/data/readers/jsonl.ts",
    samples: [ROWS],
    read: async (bytes, dir) => readPieces(jsonlReader(FIELDS), await put(dir, "x.jsonl", bytes), bytes),
  },
  {
    name: "fastText models",
    file: "src/data/language/fasttext-file.ts",
    share: 0.5,
    samples: models,
    read: async (bytes, dir) => {
      const model = new FastText(await readFastText(await put(dir, "model.ftz", bytes)));
      for (const text of ["Der Firn liegt im Schatten.", "雪", ""])
        for (const { probability } of model.predict(text, 2) as { probability: number }[])
          assert(probability === undefined || typeof probability === "number", "a probability");
    },
  },
  {
    name: "licences",
    file: "src/data/licence.ts",
    samples: [
      "MIT OR (Apache-2.0 AND CC-BY-4.0)",
      "GPL-2.0+ WITH Classpath-exception-2.0",
      "https://creativecommons.org/licenses/by-sa/4.0/",
      "cc by-sa 4.0 / mit",
    ],
    around: [
      ["", ""],
      ["(", "MIT"],
      ["https://", ""],
    ],
    pieces: ["MIT OR ", "(MIT OR ", "creative ", "no deriv", " and ", "non commercial"],
    read: (bytes) => {
      const licence = normaliseLicence(bytes.toString());
      assert(normaliseLicence(licence) === licence, "a normal form");
      allowsLicence(new Set(["MIT"]), bytes.toString());
    },
  },
  {
    name: "language codes",
    file: "src/data/language/language-code.ts",
    samples: ["de", "zh-Hant-TW", "srp_Cyrl"],
    around: [
      ["", ""],
      ["de-", ""],
    ],
    read: (bytes) => {
      const code = parseLanguageCode(bytes.toString());
      assert(code === undefined || /^[a-z]{3}$/.test(code.language), "three letters");
    },
  },
  {
    name: "names of files beside a pattern",
    file: "src/data/remote/file-pattern.ts",
    samples: ["data/**/train-*.parquet", "a/b?.jsonl"],
    around: [
      ["", ""],
      ["data/", ".parquet"],
    ],
    read: (bytes) => {
      const name = bytes.toString();
      for (const pattern of ["**/*a*-*.parquet", "*-*-*-*.jsonl", name.slice(0, 60)])
        filePattern(pattern, () => true)(name);
    },
  },
  {
    name: "web addresses of sources",
    file: "src/data/remote/resolve-remote.ts",
    samples: ["https://example.org/a/b.jsonl.gz?token=1#x", "https://example.org/%2e%2e/c"],
    around: [["https://a/", ""]],
    read: (bytes) => void webFileName(bytes.toString()),
  },
  {
    name: "evaluation sets",
    file: "src/data/decontaminate/read-sets.ts",
    samples: [
      `${json({ question: "What is the name of the old snow that stays for the whole of a long year?" })}\n`,
    ],
    read: async (bytes, dir) => {
      const path = await put(dir, "set.jsonl", bytes);
      const config = {
        ngram: 8,
        minBlock: 5,
        minShare: 0.5,
        sets: [{ name: "s", fields: ["question"], path: "x" }],
      };
      await readEvaluationSets(
        config,
        [[{ name: "set.jsonl", path, bytes: bytes.length, sha256: SHA }]],
        new AbortController().signal,
      );
    },
  },
  {
    name: "the text of documents: normal form, identifiers",
    file: "src/data/steps/scrub-pii.ts",
    samples: [
      "Write to a.b@example.org or 192.0.2.1, IBAN CH93 0076 2011 6238 5295 7, tel. +41 44 632 11 11, v1.2.3.4 2001:db8::1",
    ],
    around: [
      ["", ""],
      ["a", "b"],
      ["a@", ".org"],
      ["1.2.3.4 ", ""],
      ["tel. ", "x"],
    ],
    pieces: [
      "a@a.",
      "1.2.3.4 ",
      "1.2.3.",
      "v1.",
      "::1:",
      "fe80:",
      "CH93 ",
      "+41 ",
      "(1)",
      "\n\n",
      " \n",
      "@a-",
      "4111 ",
    ],
    read: (bytes) => {
      const text = normaliseText(bytes.toString());
      assert(normaliseText(text) === text, "a normal form");
      let end = 0;
      for (const match of findPii(text, ["email", "ip", "iban", "phone", "card"])) {
        assert(match.start >= end && match.end > match.start, "finds in order, one after the other");
        end = match.end;
      }
      contentTokens(text);
    },
  },
];
