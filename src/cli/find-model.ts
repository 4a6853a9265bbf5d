/** @file Which model `serve` and `chat` open: the one named, or the newest release of the store. */
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { MANIFEST_FILE, openStore } from "../artifacts/index.ts";
import { FirnError, systemErrorCode } from "../core/index.ts";
import { type LlamaModel, openLlamaModel } from "../generate/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { pulledFolder } from "./pulled-folder.ts";

/** A folder with a GGUF file and the tokenizer's files. */
export interface ModelFolder {
  readonly dir: string;
  /** The GGUF file that is opened. */
  readonly gguf: string;
  /** The file's name without number format and ending: what clients call the model. */
  readonly name: string;
  /** When it was made. */
  readonly time: Date;
}

export interface OpenedModel extends ModelFolder {
  readonly model: LlamaModel;
  readonly tokenizer: Tokenizer;
}

/** The GGUF of `dir`: full precision first, else the first by name. */
async function ggufOf(dir: string): Promise<string | undefined> {
  const files = await readdir(dir).catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return [];
    throw error;
  });
  const ggufs = files.filter((file) => file.endsWith(".gguf")).sort();
  return ggufs.find((file) => /-(f32|bf16|f16)\.gguf$/.test(file)) ?? ggufs[0];
}

async function folder(dir: string, gguf: string): Promise<ModelFolder> {
  const { mtime } = await stat(path.join(dir, gguf));
  return {
    dir,
    gguf: path.join(dir, gguf),
    name: gguf.replace(/(-(f32|f16|bf16|q8_0|q4_0|q4_k))?\.gguf$/, ""),
    time: mtime,
  };
}

async function namedModel(name: string): Promise<ModelFolder> {
  const where = (await pulledFolder(name)) ?? path.resolve(name);
  if (name.endsWith(".gguf")) return folder(path.dirname(where), path.basename(where));
  const gguf = await ggufOf(where);
  if (gguf !== undefined) return folder(where, gguf);
  if (existsSync(path.join(where, "config.json"))) {
    throw new FirnError("CLI_NO_MODEL", {
      expected: "a GGUF file, which llama.cpp runs",
      got: "a folder of weights without one",
      where,
      next: `Make one first: npx firn export ${name} --to gguf --type q8_0 (half the size: --type q4_k)`,
    });
  }
  throw new FirnError("CLI_NO_MODEL", {
    expected: "a release: a folder with a GGUF file and tokenizer.json",
    got: "no such folder, or no GGUF file in it",
    where,
    next: "Give the folder of a release, e.g. store/release/release-…, or nothing for the newest one.",
  });
}

async function newestRelease(storeDir: string): Promise<ModelFolder> {
  const store = openStore(storeDir);
  const found: ModelFolder[] = [];
  for (const { kind, dir } of await store.list({ onBroken: () => undefined })) {
    const gguf = kind === "release" ? await ggufOf(dir) : undefined;
    if (gguf === undefined) continue;
    const { mtime } = await stat(path.join(dir, MANIFEST_FILE));
    found.push({ ...(await folder(dir, gguf)), time: mtime });
  }
  const newest = found.sort((a, b) => b.time.getTime() - a.time.getTime())[0];
  if (newest !== undefined) return newest;
  throw new FirnError("CLI_NO_MODEL", {
    expected: "a release in the store",
    got: "none",
    where: store.dir,
    next: "Build one with `npx firn build nano`, or name the folder of a release.",
  });
}

/** Opens the model in llama.cpp, with its tokenizer. */
export async function openModel(
  name: string | undefined,
  options: { readonly store: string; readonly threads: number; readonly sequences: number },
): Promise<OpenedModel> {
  const found = name === undefined ? await newestRelease(options.store) : await namedModel(name);
  const { tokenizer } = await loadTokenizer(found.dir);
  const { threads, sequences } = options;
  const model = await openLlamaModel(found.gguf, { name: found.name, threads, sequences });
  return { ...found, model, tokenizer };
}
