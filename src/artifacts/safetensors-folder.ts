/**
 * @file The weights of a folder as one set of tensors, whether they lie in `model.safetensors` or in shards with an
 * index. Training, scoring and every export read weights through this. Source: transformers `modeling_utils.py`
 * (which file counts), huggingface_hub `split_torch_state_dict_into_shards` (the index).
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { describeError, FirnError, systemErrorCode } from "../core/index.ts";
import { SafetensorsFile } from "./safetensors.ts";
import { type TensorInfo, WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from "./safetensors-format.ts";

/** An index of 70 billion parameters has 70 KB. */
const MAX_INDEX_BYTES = 64 << 20;

const indexSchema = z.object({
  weight_map: z.record(
    z.string(),
    z.string().regex(/^[\w.-]{1,200}\.safetensors$/, "the name of a .safetensors file in the same folder"),
  ),
});

function lies(path: string, expected: string, got: string, cause?: unknown): FirnError {
  return new FirnError("ARTIFACT_SAFETENSORS_INDEX", {
    expected,
    got,
    where: path,
    next: "The folder is incomplete or its index belongs to other files: download or export it again.",
    cause,
  });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

/** Tensor → file, from the index. */
async function readIndex(path: string): Promise<Map<string, string>> {
  const { size } = await stat(path);
  if (size > MAX_INDEX_BYTES) throw lies(path, `an index of at most ${MAX_INDEX_BYTES} bytes`, `${size}`);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw lies(path, "JSON", describeError(cause), cause);
  }
  const parsed = indexSchema.safeParse(json);
  if (parsed.success) return new Map(Object.entries(parsed.data.weight_map));
  const issue = parsed.error.issues[0];
  throw lies(path, "a weight_map of file names", `${issue?.path.join(".")}: ${issue?.message}`, parsed.error);
}

/**
 * The safetensors files that hold the weights of `dir`, by name: one, or the shards that its index names.
 *
 * @throws FirnError `ARTIFACT_SAFETENSORS_INDEX`
 */
export async function weightsFiles(dir: string): Promise<string[]> {
  const path = join(dir, WEIGHTS_INDEX_FILE);
  if ((await isFile(join(dir, WEIGHTS_FILE))) || !(await isFile(path))) return [WEIGHTS_FILE];
  return [...new Set((await readIndex(path)).values())].sort();
}

/** The tensors of a folder's weights, by name. Close it when done. */
export class TensorFolder {
  readonly dir: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #files: readonly SafetensorsFile[];
  readonly #homes: ReadonlyMap<string, SafetensorsFile>;

  private constructor(dir: string, files: readonly SafetensorsFile[]) {
    this.dir = dir;
    this.#files = files;
    this.#homes = new Map(files.flatMap((file) => [...file.tensors.keys()].map((name) => [name, file])));
    this.tensors = new Map(files.flatMap((file) => [...file.tensors]));
  }

  /**
   * Opens the weights of `dir`; every shard's header is read and must hold what the index says, no more and no less.
   *
   * @throws FirnError `ARTIFACT_SAFETENSORS_MISSING`, `ARTIFACT_SAFETENSORS_BROKEN`, `ARTIFACT_SAFETENSORS_INDEX`
   */
  static async open(dir: string): Promise<TensorFolder> {
    const names = await weightsFiles(dir);
    const files: SafetensorsFile[] = [];
    try {
      for (const name of names) files.push(await SafetensorsFile.open(join(dir, name)));
      if (names[0] !== WEIGHTS_FILE) await checkIndex(join(dir, WEIGHTS_INDEX_FILE), names, files);
      return new TensorFolder(dir, files);
    } catch (error) {
      for (const file of files) await file.close();
      throw error;
    }
  }

  #home(name: string): SafetensorsFile {
    const home = this.#homes.get(name);
    if (home !== undefined) return home;
    throw new FirnError("ARTIFACT_SAFETENSORS_TENSOR", {
      expected: `a tensor ${name}`,
      got: `${this.tensors.size} tensors of other names`,
      where: this.dir,
      next: "The weights belong to another model shape: check the config.json beside them.",
    });
  }

  /** The place of `name`. Throws `ARTIFACT_SAFETENSORS_TENSOR` when there is no such tensor. */
  info(name: string): TensorInfo {
    return this.#home(name).info(name);
  }

  /** One floating-point tensor as float32; with `shape`, refuses any other shape. */
  async floats(name: string, shape?: readonly number[]): Promise<Float32Array> {
    return this.#home(name).floats(name, shape);
  }

  /** One floating-point tensor, or the entries `start` to `end` of its first axis, as float32 in pieces of whole rows. */
  pieces(name: string, start?: number, end?: number): AsyncGenerator<Float32Array<ArrayBuffer>, void, void> {
    return this.#home(name).pieces(name, start, end);
  }

  /** The bytes of a tensor as they stand in the file, in pieces. */
  bytes(name: string): AsyncGenerator<Uint8Array, void, void> {
    return this.#home(name).bytes(name);
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }
}

async function checkIndex(
  path: string,
  names: readonly string[],
  files: readonly SafetensorsFile[],
): Promise<void> {
  const map = await readIndex(path);
  const found = new Map<string, string>();
  for (const [i, file] of files.entries()) {
    for (const name of file.tensors.keys()) {
      const twice = found.get(name);
      if (twice !== undefined)
        throw lies(path, "every tensor in one file", `${name} in ${twice} and ${names[i]}`);
      found.set(name, names[i]!);
      if (map.get(name) !== names[i])
        throw lies(path, `${name} in ${names[i]}, where it lies`, map.get(name) ?? "no mention of it");
    }
  }
  for (const [name, file] of map) {
    if (!found.has(name)) throw lies(path, `a tensor ${name} in ${file}`, "none");
  }
}
