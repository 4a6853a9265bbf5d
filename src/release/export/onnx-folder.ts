/**
 * @file A model as ONNX files for ONNX Runtime, in a browser or elsewhere: `onnx/model.onnx` speaks with a cache,
 * `onnx/scoring.onnx` gives the log-probability of every token; both use the numbers in `onnx/model.onnx_data`. Beside
 * them lie config.json and the tokenizer, as transformers.js expects a model.
 */
import { join } from "node:path";
import { AtomicFile, writeFileAtomic, writeJsonAtomic } from "../../artifacts/index.ts";
import { FirnError } from "../../core/index.ts";
import {
  type CachedGraph,
  encodeOnnx,
  type ExternalData,
  type ModelConfig,
  parameterSpecs,
  ROTARY_TABLES,
  rotaryTables,
  scoringGraph,
  speakingGraph,
  toHfConfig,
  toHfGenerationConfig,
} from "../../model/index.ts";
import { copyTokenizer } from "./copy-tokenizer.ts";
import type { WeightsFolder } from "./weights-folder.ts";

const DATA_FILE = "model.onnx_data";
/** Tensors begin at pages, so that the file can be mapped into memory (onnx `ExternalData.md`). */
const PAGE = 4096;

interface Tensor {
  readonly name: string;
  readonly numbers: number;
  data(): Iterable<Float32Array> | AsyncIterable<Float32Array>;
}

function tensorsOf({ config, tensors }: WeightsFolder): Tensor[] {
  const { cos, sin } = rotaryTables(config, config.contextLength);
  const tables = [cos, sin].map((table, i) => ({
    name: ROTARY_TABLES[i]!,
    numbers: table.length,
    data: () => [table],
  }));
  const parameters = parameterSpecs(config).map(({ name, shape }) => ({
    name,
    numbers: shape.reduce((product, size) => product * size, 1),
    data: () => tensors.pieces(name),
  }));
  return [...parameters, ...tables];
}

/** Writes the numbers of all tensors as float32, one after the other; returns where each lies. */
async function writeData(
  path: string,
  tensors: readonly Tensor[],
  onWritten: (numbers: number) => void,
): Promise<Map<string, ExternalData>> {
  const file = await AtomicFile.create(path);
  const places = new Map<string, ExternalData>();
  let numbers = 0;
  try {
    for (const tensor of tensors) {
      await file.write(new Uint8Array((PAGE - (file.bytes % PAGE)) % PAGE));
      places.set(tensor.name, { location: DATA_FILE, offset: file.bytes, length: 4 * tensor.numbers });
      for await (const { buffer, byteOffset, byteLength } of tensor.data())
        await file.write(new Uint8Array(buffer, byteOffset, byteLength));
      numbers += tensor.numbers;
      onWritten(numbers);
    }
    await file.commit();
    return places;
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/** ONNX Runtime's attention rotates heads in groups of 16 numbers. */
function requireHeads({ headDim }: ModelConfig): void {
  if (headDim % 16 === 0) return;
  throw new FirnError("RELEASE_ONNX_SHAPE", {
    expected: "heads of a multiple of 16 numbers, which ONNX Runtime's attention needs",
    got: `heads of ${headDim}`,
    next: "Export to hf or gguf, or train a model with such heads (hiddenSize / heads).",
  });
}

/** config.json, with the word that tells transformers.js of the file of numbers. */
function browserConfig(config: ModelConfig): Record<string, unknown> {
  return { ...toHfConfig(config, "float32"), "transformers.js_config": { use_external_data_format: true } };
}

/**
 * Writes the model into `dir`. The numbers are float32; a few MiB of a tensor are in memory at a time.
 * `onTensor` is told how many parameters are written.
 *
 * @throws FirnError `RELEASE_ONNX_SHAPE`, `RELEASE_TOKENIZER`, `ARTIFACT_SAFETENSORS_…`, `DISK_…`
 */
export async function writeOnnxFolder(options: {
  readonly weights: WeightsFolder;
  readonly tokenizerDir: string | undefined;
  readonly dir: string;
  readonly onTensor?: (parameters: number) => void;
}): Promise<void> {
  const { weights, tokenizerDir, dir } = options;
  const { config } = weights;
  requireHeads(config);
  await writeJsonAtomic(join(dir, "config.json"), browserConfig(config));
  await writeJsonAtomic(join(dir, "generation_config.json"), toHfGenerationConfig(config));
  const places = await writeData(join(dir, "onnx", DATA_FILE), tensorsOf(weights), (numbers) =>
    options.onTensor?.(numbers),
  );
  const write = ({ graph }: CachedGraph, name: string): Promise<void> =>
    writeFileAtomic(join(dir, "onnx", `${name}.onnx`), encodeOnnx(graph, name, places));
  await write(speakingGraph(config), "model");
  await write(scoringGraph(config), "scoring");
  if (tokenizerDir !== undefined) await copyTokenizer(tokenizerDir, dir);
}
