/** @file llama.cpp's own quantiser, called in the library that node-llama-cpp installs: the judge of ours, and its peer. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import koffi from "koffi";

/** The libraries of llama.cpp v0.5.0, which node-llama-cpp 3.22.1 brings; undefined on other machines than Linux on x64. */
export function llamaLibraries(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const entry = createRequire(import.meta.url).resolve("@node-llama-cpp/linux-x64");
  const dir = join(dirname(entry), "..", "bins", "linux-x64");
  return existsSync(join(dir, "libllama.v0.5.0.so")) ? dir : undefined;
}

/** `struct llama_model_quantize_params` of llama.cpp v0.5.0 (`include/llama.h`); it changes between versions. */
export function llamaQuantiser(dir: string) {
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
