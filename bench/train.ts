/**
 * @file `npm run bench -- train`: the training step beside PyTorch's on the same shapes: tokens/s, FLOP/s by the technical report's
 * formula, the share of what ONNX Runtime reaches here on one large matrix product, and memory. PyTorch is looked for in the
 * Python named by FIRN_BENCH_PYTHON (default python3), and llm.c's sources in the folder FIRN_BENCH_LLMC (`git clone
 * https://github.com/karpathy/llm.c`; built here with cc or FIRN_BENCH_CC, and OpenMP). Without them the table has our rows only.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { formatBytes, formatCount, formatInteger, formatPercent, formatTable } from "../src/core/index.ts";
import { measureMatmulRate } from "../src/engine/index.ts";
import { parameterCount } from "../src/model/index.ts";
import { trainingFlopsPerToken } from "../src/planning/index.ts";
import { type Case, trainCases } from "./train-cases.ts";

interface Figures {
  readonly tokensPerSecond: number;
  readonly best: number;
  readonly steps: number;
  readonly peakBytes: number;
  /** Ours only. */
  readonly buildSeconds?: number;
}

const PYTHON = process.env["FIRN_BENCH_PYTHON"] ?? "python3";
const LLM_C = process.env["FIRN_BENCH_LLMC"];
const PEERS = ["eager-fp32", "compile-fp32", "eager-bf16", "compile-bf16"] as const;

function lastLine(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const output = execFileSync(program, args, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, ...env },
  }).toString();
  return output.trim().split("\n").at(-1)!;
}

function ours({ name }: Case, threads: number, seconds: number): Figures {
  const script = path.join(import.meta.dirname, "train-case.ts");
  const args = ["--import", "tsx", script, name, String(threads), String(seconds)];
  return JSON.parse(lastLine(process.execPath, args)) as Figures;
}

function torchVersion(): string | undefined {
  try {
    return lastLine(PYTHON, ["-c", "import torch; print(torch.__version__)"]);
  } catch {
    return undefined;
  }
}

function torch({ model, shape }: Case, mode: string, threads: number, seconds: number): Figures {
  const script = path.join(import.meta.dirname, "peers", "train_torch.py");
  const settings = { ...model, ...shape, torchMicroBatch: shape.batch, threads };
  return JSON.parse(lastLine(PYTHON, [script, JSON.stringify(settings), mode, String(seconds)])) as Figures;
}

/** GPT-2 of the sizes of `item` in llm.c, which has as many key and value heads as query heads and four times the width inside. */
function llmC({ model, shape }: Case, folder: string, threads: number, seconds: number): Figures | undefined {
  if (model.kvHeads !== model.heads || model.ffnSize !== 4 * model.hiddenSize) return undefined;
  const built = mkdtempSync(path.join(tmpdir(), "firn-llmc-"));
  try {
    const program = path.join(built, "train_llmc");
    const source = path.join(import.meta.dirname, "peers", "train_llmc.c");
    const flags = ["-Ofast", "-march=native", "-fopenmp", "-DOMP", "-w", `-I${folder}`];
    execFileSync(process.env["FIRN_BENCH_CC"] ?? "cc", [...flags, source, "-lm", "-o", program]);
    const { batch, length } = shape;
    const sizes = [batch, length, model.vocabSize, model.layers, model.heads, model.hiddenSize, seconds];
    return JSON.parse(lastLine(program, sizes.map(String), { OMP_NUM_THREADS: String(threads) })) as Figures;
  } finally {
    rmSync(built, { recursive: true });
  }
}

/** One trainer on one model, and ours on the same one. */
interface Row {
  readonly item: Case;
  readonly trainer: string;
  readonly figures: Figures;
  readonly firn: Figures;
}

/** Prints one table; `seconds` is spent on each model and trainer. */
export async function benchTrain(threads: number, seconds: number): Promise<void> {
  const version = torchVersion();
  console.log(`PyTorch: ${version ?? `not found in ${PYTHON}; name another with FIRN_BENCH_PYTHON`}.\n`);
  const rows: Row[] = [];
  let matmul = await measureMatmulRate(threads);
  for (const item of await trainCases()) {
    const firn = ours(item, threads, seconds);
    const add = (trainer: string, figures: Figures): number => rows.push({ item, trainer, figures, firn });
    add("Firn fp32", firn);
    console.log(`${item.name}: programs built in ${firn.buildSeconds!.toFixed(2)} s.`);
    const peer = LLM_C === undefined ? undefined : llmC(item, LLM_C, threads, seconds);
    if (peer !== undefined) add("llm.c fp32 (GPT-2)", peer);
    if (version !== undefined)
      for (const mode of PEERS) add(`PyTorch ${mode}`, torch(item, mode, threads, seconds));
    // The best of several times counts: at some of them other programs may have run.
    matmul = Math.max(matmul, await measureMatmulRate(threads));
  }
  console.log(`Large fp32 matrix product: ${formatCount(matmul)}FLOP/s with ${threads} threads.\n`);
  const heads = [
    "tokens/s",
    "best",
    "GFLOP/s",
    "best of matmul",
    "peak memory",
    "Firn is × as fast",
    "at best",
  ];
  const cells = rows.map(({ item: { name, model, shape }, trainer, figures, firn }) => {
    const perToken = trainingFlopsPerToken(model, shape.length);
    return [
      name,
      formatCount(parameterCount(model)),
      `${shape.batch}×${shape.length}`,
      trainer,
      formatInteger(figures.tokensPerSecond),
      formatInteger(figures.best),
      ((figures.tokensPerSecond * perToken) / 1e9).toFixed(1),
      formatPercent((figures.best * perToken) / matmul),
      formatBytes(figures.peakBytes),
      (firn.tokensPerSecond / figures.tokensPerSecond).toFixed(2),
      (firn.best / figures.best).toFixed(2),
    ];
  });
  console.log(formatTable(["model", "parameters", "step", "trainer", ...heads], cells));
}
