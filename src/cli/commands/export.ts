/** @file `firn export`: weights of Apertus shape in another program's format. */
import { existsSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { writeFolderAtomic } from "../../artifacts/index.ts";
import { FirnError, formatBytes, type Json } from "../../core/index.ts";
import { parameterCount, type WeightsDtype } from "../../model/index.ts";
import {
  type GgufFileType,
  openWeightsFolder,
  type WeightsFolder,
  writeApertusGguf,
  writeHfFolder,
  writeMegatronFolder,
  writeOnnxFolder,
} from "../../release/index.ts";
import type { CommandCall } from "../command.ts";
import { EXPORT_FORMATS, GGUF_FORMATS, HF_DTYPES } from "../export-formats.ts";
import { type FoundWeights, findWeights } from "../find-weights.ts";
import { parseOptions, sizeOption, storeOption } from "../options.ts";
import { shownPath } from "../shown-path.ts";

const schema = z.object({
  store: storeOption,
  to: z.enum(EXPORT_FORMATS),
  type: z.enum(GGUF_FORMATS).default("q8_0"),
  dtype: z.enum(HF_DTYPES).optional(),
  shardSize: sizeOption(1, 1e13).default(5e9),
  tokenizer: z.string().min(1).optional(),
  out: z.string().min(1).optional(),
});
type Options = z.infer<typeof schema>;

interface Export {
  readonly call: CommandCall;
  readonly options: Options;
  readonly found: FoundWeights;
  /** File or folder that is written. */
  readonly out: string;
}

const DTYPE_OF: Readonly<Record<string, WeightsDtype>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** The number format that most of the weights have. */
function storedDtype({ tensors }: WeightsFolder): WeightsDtype {
  return DTYPE_OF[tensors.info("model.embed_tokens.weight").dtype] ?? "float32";
}

function needTokenizer({ found }: Export): string {
  if (found.tokenizerDir !== undefined) return found.tokenizerDir;
  throw new FirnError("CLI_NO_TOKENIZER", {
    expected: "tokenizer.json beside the weights, or --tokenizer",
    got: "neither",
    where: found.dir,
    next: "Give the folder of the tokenizer that the model was trained with: --tokenizer <dir>.",
  });
}

/** Passes progress on and stops at Ctrl-C. */
function reporting({ call, out }: Export, total: number, unit: string) {
  const task = call.report.task(`write ${path.basename(out)}`, total, unit);
  return {
    update: (done: number): void => {
      call.signal.throwIfAborted();
      task.update(done);
    },
    finish: (): void => task.finish(out),
  };
}

async function toGguf(job: Export): Promise<void> {
  const { found, options, out } = job;
  let progress: ReturnType<typeof reporting> | undefined;
  await writeApertusGguf({
    weightsDir: found.dir,
    tokenizerDir: needTokenizer(job),
    path: out,
    type: options.type.toUpperCase() as GgufFileType,
    about: found,
    onBytes: (done, total) => {
      progress ??= reporting(job, total, "bytes");
      progress.update(done);
    },
  });
  progress?.finish();
}

/** Opens the weights, lets `write` fill a new folder, and closes them. */
async function toFolder(
  job: Export,
  write: (weights: WeightsFolder, dir: string, progress: ReturnType<typeof reporting>) => Promise<void>,
): Promise<void> {
  const weights = await openWeightsFolder(job.found.dir);
  try {
    const progress = reporting(job, parameterCount(weights.config), "parameters");
    await writeFolderAtomic(job.out, (dir) => write(weights, dir, progress));
    progress.finish();
  } finally {
    await weights.tensors.close();
  }
}

function toHf(job: Export): Promise<void> {
  const { options, found } = job;
  return toFolder(job, (weights, dir, progress) =>
    writeHfFolder({
      weights,
      tokenizerDir: found.tokenizerDir,
      dir,
      dtype: options.dtype ?? storedDtype(weights),
      shardBytes: options.shardSize,
      onTensor: progress.update,
    }),
  );
}

function toOnnx(job: Export): Promise<void> {
  const { tokenizerDir } = job.found;
  return toFolder(job, (weights, dir, progress) =>
    writeOnnxFolder({ weights, tokenizerDir, dir, onTensor: progress.update }),
  );
}

function toMegatron(job: Export): Promise<void> {
  const { options, found } = job;
  return toFolder(job, (weights, dir, progress) =>
    writeMegatronFolder({
      weights,
      tokenizerDir: found.tokenizerDir,
      dir,
      dtype: options.dtype ?? storedDtype(weights),
      onTensor: progress.update,
    }),
  );
}

/** A GGUF goes beside the weights, where `serve` and `chat` find it; into a sealed folder goes nothing. */
function defaultOut({ to, type }: Options, { dir, name, sealed }: FoundWeights): string {
  return to === "gguf" ? path.join(sealed ? "." : dir, `${name}-${type}.gguf`) : `${name}-${to}`;
}

async function sizeOf(out: string): Promise<number | undefined> {
  const stats = await stat(out);
  return stats.isFile() ? stats.size : undefined;
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const weights = await findWeights(call.arguments[0], options.store);
  const found =
    options.tokenizer === undefined ? weights : { ...weights, tokenizerDir: path.resolve(options.tokenizer) };
  const out = path.resolve(options.out ?? defaultOut(options, found));
  await mkdir(path.dirname(out), { recursive: true });
  const job: Export = { call, options, found, out };
  const write = { gguf: toGguf, hf: toHf, onnx: toOnnx, megatron: toMegatron }[options.to];
  await write(job);
  const bytes = await sizeOf(out);
  const result: Json = {
    out,
    format: options.to,
    from: found.dir,
    ...(bytes === undefined ? {} : { bytes }),
  };
  if (call.json) call.printJson(result);
  else {
    call.terminal.print(`${out}${bytes === undefined ? "" : ` (${formatBytes(bytes)})`}`);
    const hasTokenizer = existsSync(path.join(path.dirname(out), "tokenizer.json"));
    if (options.to === "gguf" && hasTokenizer)
      call.terminal.print(`Talk to it: npx firn chat ${shownPath(out)}`);
  }
}
