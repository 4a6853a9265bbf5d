/**
 * @file Our quantised GGUFs against llama.cpp's own quantiser, `llama_model_quantize`, called in the library that
 * node-llama-cpp installs: the same tensors in the same formats with the same bytes.
 */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gguf } from "@huggingface/gguf";
import koffi from "koffi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GgufFileType, writeApertusGguf } from "../../src/release/index.ts";
import { TINY, writeTinyModel } from "./tiny-model.ts";

/** Rows of a multiple of 256, and enough layers that the mixture of formats shows. */
const WIDE = { ...TINY, hiddenSize: 256, ffnSize: 256, heads: 4, headDim: 64, layers: 9 };
const ABOUT = { name: "wide", languages: ["de"] };

/** The libraries of llama.cpp v0.5.0, which node-llama-cpp 3.22.1 brings; undefined on other machines than Linux on x64. */
function libraries(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const entry = createRequire(import.meta.url).resolve("@node-llama-cpp/linux-x64");
  const dir = join(dirname(entry), "..", "bins", "linux-x64");
  return existsSync(join(dir, "libllama.v0.5.0.so")) ? dir : undefined;
}

/** `struct llama_model_quantize_params` of llama.cpp v0.5.0 (`include/llama.h`); it changes between versions. */
function quantiser(dir: string) {
  for (const file of ["libggml-base.so", "libggml.v0.5.0.so"])
    koffi.load(join(dir, file), { global: true, lazy: true });
  const ggml = koffi.load(join(dir, "libggml.v0.5.0.so"));
  ggml.func("void ggml_backend_load_all_from_path(str)")(dir);
  const llama = koffi.load(join(dir, "libllama.v0.5.0.so"));
  const silence = koffi.register(
    () => undefined,
    koffi.pointer(koffi.proto("void Log(int, void *, void *)")),
  );
  llama.func("void llama_log_set(Log *, void *)")(silence, null);
  const Parameters = koffi.struct({
    nthread: "int32_t",
    ftype: "int",
    output_tensor_type: "int",
    token_embedding_type: "int",
    allow_requantize: "bool",
    quantize_output_tensor: "bool",
    only_copy: "bool",
    pure: "bool",
    keep_split: "bool",
    dry_run: "bool",
    imatrix: "void *",
    kv_overrides: "void *",
    tt_overrides: "void *",
    prune_layers: "void *",
    max_buf_size: "size_t",
  });
  const defaults = llama.func("llama_model_quantize_default_params", Parameters, []);
  const quantize = llama.func("llama_model_quantize", "uint32_t", ["str", "str", koffi.pointer(Parameters)]);
  return (from: string, to: string, choice: object): number =>
    quantize(from, to, { ...defaults(), nthread: 1, ...choice }) as number;
}

const dirOfLibraries = libraries();
let dir: string;
let folders: Awaited<ReturnType<typeof writeTinyModel>>;
let quantize: ReturnType<typeof quantiser>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-quantise-"));
  if (dirOfLibraries === undefined) return;
  folders = await writeTinyModel(join(dir, "model"), WIDE, 5);
  quantize = quantiser(dirOfLibraries);
});
afterAll(() => rm(dir, { recursive: true }));

/** Tensor name → number format and bytes. */
async function tensorsOf(path: string): Promise<Map<string, string>> {
  const { tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
  const bytes = await readFile(path);
  const starts = [
    ...tensorInfos.map(({ offset }) => Number(offset)),
    bytes.length - Number(tensorDataOffset),
  ];
  starts.sort((a, b) => a - b);
  return new Map(
    tensorInfos.map(({ name, dtype, offset }) => {
      const start = Number(tensorDataOffset) + Number(offset);
      const end = Number(tensorDataOffset) + starts[starts.indexOf(Number(offset)) + 1]!;
      return [name, `${dtype} ${bytes.subarray(start, end).toString("base64")}`];
    }),
  );
}

describe.runIf(dirOfLibraries !== undefined)("a quantised GGUF", () => {
  it.each([
    ["Q8_0", 7, {}],
    ["Q4_0", 2, { output_tensor_type: 8 }],
    ["Q4_K", 15, {}],
  ] as const)("in %s has the bytes that llama.cpp's quantiser writes", async (type, ftype, choice) => {
    const write = async (wanted: GgufFileType): Promise<string> => {
      const path = join(dir, `${wanted}.gguf`);
      await writeApertusGguf({ ...folders, path, type: wanted, about: ABOUT });
      return path;
    };
    const full = await write("F32");
    const theirs = join(dir, "theirs.gguf");
    expect(quantize(full, theirs, { ftype, ...choice })).toBe(0);
    const expected = await tensorsOf(theirs);
    const ours = await tensorsOf(await write(type));
    expect([...ours.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, bytes] of ours) expect(bytes === expected.get(name), name).toBe(true);
    const formats = new Set([...ours.values()].map((bytes) => bytes.split(" ")[0]));
    expect(formats.size).toBe(type === "Q8_0" ? 2 : 3);
  });
});
