/**
 * @file Answers about a corpus of ten million documents, from the tables and from the index: synthetic documents of
 * some 25 tokens, each seen once by training. The corpus is made once in the system's temporary folder and taken away.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { formatBytes, formatInteger, formatTable, silentReporter } from "../src/core/index.ts";
import {
  buildTraceIndex,
  indexBytes,
  openRunTrace,
  type RunTables,
  type RunTrace,
} from "../src/ledger/index.ts";

const DOCUMENTS = 10_000_000;
const REJECTS = 1_000_000;
const SHARDS = 10;
const HOSTS = 200_000;
/** Documents that one training step sees. */
const PER_STEP = 1000;
/** Tokens per byte of such English, by the Apertus tokenizer. */
const BYTES_PER_TOKEN = 4.6;

function rows(from: number, to: number): string {
  return `SELECT 'web/part-' || (i // 1000000) || '#' || i AS id,
    'Document number ' || i || ' speaks of ' || (hash(i) % 1000003) || ' things and of the ' || (hash(i * 7) % 99991)
      || ' ways in which people say them, and ends after ' || (hash(i * 3) % 1009) || ' more.' AS text,
    'web' AS source, 'https://site' || (hash(i * 11) % ${HOSTS}) || '.example.com/p/' || i AS url,
    'eng' AS language, 'CC-BY-4.0' AS licence, CAST(110 AS BIGINT) AS bytes, md5(i::VARCHAR) AS sha256
    FROM range(${from}, ${to}) t(i)`;
}

async function makeCorpus(dir: string): Promise<RunTables> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const write = (select: string, path: string): Promise<unknown> =>
    connection.run(
      `COPY (${select}) TO '${join(dir, path)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384)`,
    );
  for (const folder of ["documents", "rejects"]) await mkdir(join(dir, folder), { recursive: true });
  const each = DOCUMENTS / SHARDS;
  for (let shard = 0; shard < SHARDS; shard++)
    await write(
      rows(shard * each, (shard + 1) * each),
      `documents/train-${String(shard).padStart(5, "0")}.parquet`,
    );
  await write(
    `SELECT *, 'opt-out' AS step, 'robots' AS reason FROM (${rows(DOCUMENTS, DOCUMENTS + REJECTS)})`,
    "rejects/rejects-00000.parquet",
  );
  // Every document once, in an order that has nothing to do with its place in the corpus.
  await write(
    `SELECT CAST(1 + n // ${PER_STEP} AS INTEGER) AS step, CAST(n % 8 AS INTEGER) AS "row",
       'web/part-' || (i // 1000000) || '#' || i AS document, CAST(0 AS BIGINT) AS start, CAST(25 AS INTEGER) AS length
     FROM (SELECT n, (n * 7368787) % ${DOCUMENTS} AS i FROM range(${DOCUMENTS}) t(n)) ORDER BY n`,
    "exposure.parquet",
  );
  connection.closeSync();
  instance.closeSync();
  return {
    exposureParquet: join(dir, "exposure.parquet"),
    documentsGlob: join(dir, "documents/*.parquet"),
    rejectsGlob: join(dir, "rejects/*.parquet"),
    tokensParquet: join(dir, "none.parquet"),
    rawGlobs: [],
  };
}

type Question = readonly [string, (trace: RunTrace) => Promise<unknown>];

/** The questions, each about a place that no cache has seen. */
async function questions(trace: RunTrace): Promise<Question[]> {
  const { documents } = await trace.step(4321);
  const id = documents[17]!.document;
  const { text } = await textOf(trace, id);
  return [
    ["step → documents", (one) => one.step(7777)],
    ["document → steps", (one) => one.document(id)],
    ["dropped document → reason", (one) => one.document(`web/part-10#${DOCUMENTS + 123_456}`)],
    ["domain → totals and steps", (one) => one.domain("site4711.example.com")],
    ["domain with 200,000 hosts", (one) => one.domain("example.com")],
    ["passage of 60 bytes → documents", (one) => one.text(text.slice(0, 60))],
    [
      "passage that stands nowhere",
      (one) => one.text(`${text.slice(0, 40)} and then something else entirely`),
    ],
  ];
}

async function textOf(trace: RunTrace, id: string): Promise<{ text: string }> {
  const number = id.split("#")[1]!;
  const found = await trace.text(`Document number ${number} speaks of `, 1);
  return { text: found.documents[0]!.excerpt };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Prints the time of each question from the tables and from the index, and what the index weighs. */
export async function benchTrace(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "firn-bench-trace-"));
  try {
    const made = performance.now();
    const run = await makeCorpus(dir);
    console.log(
      `corpus of ${formatInteger(DOCUMENTS)} documents made in ${((performance.now() - made) / 1000).toFixed(0)} s`,
    );
    const scanned = await openRunTrace(run, join(dir, "index"));
    const asked = await questions(scanned);
    const plain: number[] = [];
    for (const [, ask] of asked) plain.push(await seconds(() => ask(scanned)));
    const work = { report: silentReporter, signal: new AbortController().signal };
    const started = performance.now();
    const index = await buildTraceIndex(run, join(dir, "index"), work);
    const built = (performance.now() - started) / 1000;
    const indexed = await openRunTrace(run, join(dir, "index"));
    const rowsOut: string[][] = [];
    for (const [at, [name, ask]] of asked.entries()) {
      const time = await seconds(() => ask(indexed));
      rowsOut.push([name, `${plain[at]!.toFixed(3)} s`, `${time.toFixed(3)} s`]);
    }
    const { tables, passages } = await indexBytes(join(dir, "index"));
    const tokens = index.textBytes / BYTES_PER_TOKEN;
    console.log(`\n${formatTable(["question", "from the tables", "from the index"], rowsOut)}\n`);
    console.log(
      `index of ${formatBytes(index.textBytes)} text (about ${formatInteger(tokens)} tokens) built in ${built.toFixed(0)} s: ` +
        `tables ${formatBytes(tables)} (${(tables / tokens).toFixed(2)} bytes a token), ` +
        `passages ${formatBytes(passages)} (${(passages / tokens).toFixed(2)} bytes a token)`,
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
