/**
 * @file A release: one folder that transformers, vLLM and llama.cpp load, with the papers printed from the ledger,
 * the facts they cite, and checksums over all of it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ManifestFile, writeFileAtomic } from "../artifacts/index.ts";
import { FirnError, formatBytes, type Json, type Work } from "../core/index.ts";
import { parameterCount, type WeightsDtype } from "../model/index.ts";
import { hashRelease, type ReleaseFile, writeChecksums } from "./checksums.ts";
import { type GgufFileType, writeApertusGguf } from "./export/gguf-model.ts";
import { writeHfFolder } from "./export/hf-folder.ts";
import { readFacts, type ReleaseFact } from "./papers/facts.ts";
import { trainedLanguages } from "./papers/model-card.ts";
import type { ReleaseIdentity } from "./papers/paper.ts";
import { SUMMARY_FILE } from "./papers/public-summary.ts";
import { type Addresses, LEGAL, writePapers } from "./papers/write-papers.ts";
import { openWeightsFolder } from "./export/weights-folder.ts";

export interface ReleaseOptions extends ReleaseIdentity {
  readonly weightsDir: string;
  readonly tokenizerDir: string;
  /** An evaluations artifact whose records and summary go along. */
  readonly evaluationsDir?: string;
  /** The line's facts, oldest first, with those that the release stage records itself (`provider`, `compute`, …). */
  readonly facts: readonly ReleaseFact[];
  /** Records one more fact of the release, under the name that papers cite it by. */
  readonly record: (kind: string, data: Json) => ReleaseFact;
  /** Files of the documents artifact, for the description of the corpus. */
  readonly corpusFiles?: readonly ManifestFile[];
  /** What the web addresses of documents tell, where they have any. */
  readonly addresses?: Addresses;
  /** SPDX expression for the weights. */
  readonly licence: string;
  /** Number format of `model.safetensors`. Default: float32. */
  readonly dtype?: WeightsDtype;
  /** GGUF files to write. Default: F32. */
  readonly ggufTypes?: readonly GgufFileType[];
  /** Folder to write into; it exists and is empty. */
  readonly dir: string;
}

/** What a release consists of; a `type`, so that it is JSON. */
export type ReleaseSummary = {
  readonly name: string;
  readonly version: string;
  readonly parameters: number;
  readonly ggufFiles: string[];
  readonly files: number;
  readonly bytes: number;
  /** Questions of the public summary that nobody has answered. */
  readonly openQuestions: number;
  /** SHA-256 of `SHA256SUMS`: stands for every byte of the release. */
  readonly checksums: string;
};

const EVALUATION_FILES = ["summary.json", "records.jsonl"] as const;

/** A name that is safe as a file name on every system. */
function checkName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/.test(name)) return;
  throw new FirnError("RELEASE_NAME", {
    expected: "a release name of letters, digits, dots, hyphens and underscores",
    got: JSON.stringify(name),
    where: "release.name",
    next: "Choose such a name; it becomes the name of files.",
  });
}

/**
 * Writes a release into `options.dir` and records the facts `model` and `release`. The bytes depend on the options alone.
 * Throws `RELEASE_NAME`, `MODEL_CONFIG_UNREADABLE`, `RELEASE_TOKENIZER`, `MODEL_HF_CONFIG`, `ARTIFACT_SAFETENSORS_…`,
 * `DISK_…`.
 */
export async function writeRelease(options: ReleaseOptions, work: Work): Promise<ReleaseSummary> {
  const { name, version, dir, tokenizerDir, weightsDir } = options;
  checkName(name);
  const types = options.ggufTypes ?? ["F32"];
  const task = work.report.task("release", types.length + 3, "parts");
  const weights = await openWeightsFolder(weightsDir);
  const parameters = parameterCount(weights.config);
  try {
    task.update(0, "Hugging Face folder");
    await writeHfFolder({ weights, tokenizerDir, dir, dtype: options.dtype ?? "float32" });
  } finally {
    await weights.tensors.close();
  }
  const about = {
    name,
    version,
    description: `${name} ${version}, trained with Firn`,
    licence: options.licence,
    languages: trainedLanguages(readFacts(options.facts)),
  };
  const ggufFiles: string[] = [];
  for (const type of types) {
    work.signal.throwIfAborted();
    const file = `${name}-${type.toLowerCase()}.gguf`;
    task.update(1 + ggufFiles.length, file);
    await writeApertusGguf({ weightsDir, tokenizerDir, path: join(dir, file), type, about });
    ggufFiles.push(file);
  }
  work.signal.throwIfAborted();
  if (options.evaluationsDir !== undefined) {
    for (const file of EVALUATION_FILES) {
      const content = await readFile(join(options.evaluationsDir, file));
      await writeFileAtomic(join(dir, "evaluations", file), content);
    }
  }
  task.update(types.length + 1, "papers");
  const made = new Map((await hashRelease(dir)).map((file) => [file.path, file]));
  const weightFiles = [...made.values()].filter(({ path }) => /\.(safetensors|gguf)$/.test(path));
  const { config } = weights;
  const model = options.record("model", {
    name,
    version,
    date: options.date,
    licence: options.licence,
    parameters,
    shape: JSON.parse(JSON.stringify(config)) as Json,
    files: weightFiles.map((file) => ({ ...file })),
  });
  const facts = [...options.facts, model];
  const { openQuestions } = await writePapers(
    {
      record: readFacts(facts),
      release: { name, version, date: options.date },
      config,
      parameters,
      licence: options.licence,
      ggufFiles,
      weightFiles,
      corpusFiles: options.corpusFiles ?? [],
    },
    facts,
    options.addresses,
    dir,
  );
  if (openQuestions > 0) {
    work.report.line(
      `${openQuestions} questions of the public summary are open: see ${LEGAL}/${SUMMARY_FILE}.md`,
    );
  }
  task.update(types.length + 2, "checksums");
  const files: ReleaseFile[] = await hashRelease(dir, made);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const checksums = await writeChecksums(dir, files);
  task.finish(`release ${name} ${version}: ${files.length + 1} files, ${formatBytes(bytes)}`);
  const summary: ReleaseSummary = {
    name,
    version,
    parameters,
    ggufFiles,
    files: files.length + 1,
    bytes,
    checksums,
    openQuestions,
  };
  work.fact("release", summary);
  return summary;
}
