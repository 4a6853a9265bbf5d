/**
 * @file `npm run bench -- export`: a model of real widths written to GGUF by `firn export`, beside llama.cpp's
 * `llama_model_quantize` on the same weights with one thread. Processor time and the largest memory of a process of its own
 * for every run; two runs each, taking turns, the better one counts. FIRN_BENCH_LAYERS sets the number of layers (2).
 */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeJsonAtomic, writeSafetensorsFolder } from "../src/artifacts/index.ts";
import { formatBytes, randomStream } from "../src/core/index.ts";
import { APERTUS_8B, parameterCount, parameterSpecs, toHfConfig } from "../src/model/index.ts";
import { tinyTokenizer } from "../test/release/tiny-model.ts";

const RUNS = 2;
const PIECE = 1 << 20;
/** As in Apertus-8B, with fewer layers and words. */
const CONFIG = { ...APERTUS_8B, vocabSize: 16_384, layers: Number(process.env["FIRN_BENCH_LAYERS"] ?? 2) };

/** A million normal numbers, over and over: what they are does not matter, but they are not all alike. */
async function writeModel(dir: string): Promise<void> {
  const random = randomStream(1, "bench export");
  const noise = Float32Array.from({ length: PIECE }, () => random.normal() * 0.02);
  const tensors = parameterSpecs(CONFIG).map(({ name, shape }) => ({
    name,
    shape,
    dtype: "BF16" as const,
    async *data() {
      for (let left = shape.reduce((a, b) => a * b, 1); left > 0; left -= PIECE)
        yield noise.subarray(0, Math.min(left, PIECE));
    },
  }));
  await mkdir(dir, { recursive: true });
  await writeJsonAtomic(join(dir, "config.json"), toHfConfig(CONFIG, "bfloat16"));
  await writeFile(join(dir, "tokenizer.json"), JSON.stringify(tinyTokenizer()));
  const parameters = parameterCount(CONFIG);
  await writeSafetensorsFolder(dir, tensors, { shardBytes: 5e8, parameters });
}

interface Cost {
  readonly seconds: number;
  readonly kilobytes: number;
}

/** Processor time and largest resident memory of a child that runs `bench/export-case.ts`. */
function measure(...words: string[]): Cost {
  const out = execFileSync(process.execPath, ["--import", "tsx", "bench/export-case.ts", ...words], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(out.toString().trim().split("\n").at(-1)!) as Cost;
}

export async function benchExport(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "firn-bench-export-"));
  try {
    const model = join(dir, "model");
    await writeModel(model);
    const parameters = parameterCount(CONFIG);
    const full = join(dir, "full.gguf");
    measure("firn", model, "BF16", full);
    console.log(
      `${(parameters / 1e6).toFixed(0)} million parameters; ${formatBytes((await stat(full)).size)} as bf16\n`,
    );
    console.log("| format | Firn, CPU s | M numbers/s | memory | llama.cpp, CPU s | M numbers/s | memory |");
    console.log("|---|--:|--:|--:|--:|--:|--:|");
    for (const type of ["BF16", "Q8_0", "Q4_0", "Q4_K"]) {
      const ours: Cost[] = [];
      const theirs: Cost[] = [];
      for (let run = 0; run < RUNS; run++) {
        ours.push(measure("firn", model, type, join(dir, "ours.gguf")));
        if (type !== "BF16") theirs.push(measure("llama", full, type, join(dir, "theirs.gguf")));
      }
      const cell = (costs: readonly Cost[]): string => {
        if (costs.length === 0) return "| | |";
        const best = Math.min(...costs.map(({ seconds }) => seconds));
        const memory = Math.max(...costs.map(({ kilobytes }) => kilobytes));
        return `| ${best.toFixed(1)} | ${(parameters / 1e6 / best).toFixed(0)} | ${formatBytes(memory * 1024)} `;
      };
      console.log(`| ${type.toLowerCase()} ${cell(ours)}${cell(theirs)}|`);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
}
