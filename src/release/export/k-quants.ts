/**
 * @file llama.cpp's K formats (super-blocks of 256 numbers with quantised scales), written by llama.cpp's own quantiser. They
 * search for the scales that fit best, and only that code gives the bytes that everybody else's files have. The one
 * function called, `ggml_quantize_chunk`, takes plain buffers: no structure whose layout changes between versions.
 * Source: ggml `ggml.h`, `ggml_quantize_chunk`; llama.cpp `llama-quant.cpp` for which tensor gets which format.
 */
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import koffi from "koffi";
import { assert, FirnError } from "../../core/index.ts";

/** Numbers per super-block. */
export const K_BLOCK = 256;
/** `ggml_type` and bytes of a super-block. */
export const K_FORMATS = { Q4_K: { code: 12, bytes: 144 }, Q6_K: { code: 14, bytes: 210 } } as const;
export type KFormat = keyof typeof K_FORMATS;

const LIBRARY = { linux: "libggml-base.so", darwin: "libggml-base.dylib", win32: "ggml-base.dll" } as const;

/** The folders where node-llama-cpp's packages for this machine keep llama.cpp's libraries. */
function libraryFolders(): string[] {
  const require = createRequire(import.meta.url);
  const folders: string[] = [];
  for (const variant of ["", "-metal"]) {
    const system = process.platform === "darwin" ? "mac" : process.platform === "win32" ? "win" : "linux";
    try {
      const entry = require.resolve(`@node-llama-cpp/${system}-${process.arch}${variant}`);
      const bins = path.join(path.dirname(entry), "..", "bins");
      if (existsSync(bins)) folders.push(...readdirSync(bins).map((name) => path.join(bins, name)));
    } catch {
      // Not the package of this machine, or left out when installing.
    }
  }
  return folders;
}

type QuantizeChunk = (...call: (number | ArrayBufferView | null)[]) => number | bigint;
let loaded: QuantizeChunk | undefined;

/** Where llama.cpp's library lies; `undefined` when it is not installed. */
export function quantiserFile(): string | undefined {
  const name = LIBRARY[process.platform as keyof typeof LIBRARY] as string | undefined;
  return libraryFolders()
    .map((folder) => path.join(folder, name ?? ""))
    .find((candidate) => name !== undefined && existsSync(candidate));
}

/** @throws FirnError `RELEASE_QUANTISER` when the library is not installed */
function quantizeChunk(): QuantizeChunk {
  if (loaded !== undefined) return loaded;
  const file = quantiserFile();
  if (file === undefined) {
    throw new FirnError("RELEASE_QUANTISER", {
      expected: "llama.cpp's library, which npm installs with node-llama-cpp",
      got: `none for ${process.platform}-${process.arch}`,
      next: "Export to q8_0 or q4_0, which need no library, or run `npm ci` again without --omit=optional.",
    });
  }
  loaded = koffi
    .load(file)
    .func("size_t ggml_quantize_chunk(int, void *, void *, int64_t, int64_t, int64_t, void *)");
  return loaded;
}

/**
 * `values`, rows of `width` numbers, in a K format. Values must be finite and `width` a multiple of 256.
 *
 * @throws FirnError `RELEASE_QUANTISER`
 */
export function quantizeK(format: KFormat, values: Float32Array, width: number): Uint8Array {
  assert(width % K_BLOCK === 0 && values.length % width === 0, `${format} needs rows of a multiple of 256`);
  const { code, bytes } = K_FORMATS[format];
  const out = new Uint8Array((values.length / K_BLOCK) * bytes);
  const written = Number(quantizeChunk()(code, values, out, 0, values.length / width, width, null));
  assert(written === out.length, `llama.cpp wrote ${written} bytes of ${format} instead of ${out.length}`);
  return out;
}

/** Every third layer and those near the ends get more bits (llama.cpp's `use_more_bits`). */
function deservesMore(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** The format of a matrix in llama.cpp's mixture `Q4_K_M`, by its name in a GGUF. */
export function mediumFormat(name: string, layers: number): KFormat {
  if (name === "output.weight") return "Q6_K";
  const match = /^blk\.(\d+)\.(attn_v|ffn_down)\.weight$/.exec(name);
  return match !== null && deservesMore(Number(match[1]), layers) ? "Q6_K" : "Q4_K";
}
