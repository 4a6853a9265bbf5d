/**
 * @file A release: one folder that transformers, vLLM and llama.cpp load, with the papers printed from the ledger,
 * the facts they cite, and checksums over all of it.
 */
import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic, writeJsonAtomic } from "../artifacts/index.ts";
import { canonicalJson, FirnError, formatBytes, startSha256, type Work } from "../core/index.ts";
import { parameterCount, type WeightsDtype } from "../model/index.ts";
import { readFacts, type ReleaseFact } from "./facts.ts";
import type { GgufTensorType } from "./gguf.ts";
import { writeApertusGguf } from "./gguf-model.ts";
import { writeHfFolder } from "./hf-folder.ts";
import { modelCard, trainedLanguages } from "./model-card.ts";
import { openQuestions } from "./paper.ts";
import type { ProviderProfile } from "./provider.ts";
import { publicSummary, publicSummaryJson, renderPublicSummary } from "./public-summary.ts";
import type { ReleaseIdentity } from "./summary-general.ts";
import { openWeightsFolder } from "./weights-folder.ts";

export interface ReleaseOptions extends ReleaseIdentity {
  readonly weightsDir: string;
  readonly tokenizerDir: string;
  /** An evaluations artifact whose records and summary go along. */
  readonly evaluationsDir?: string;
  /** The line's facts, oldest first. */
  readonly facts: readonly ReleaseFact[];
  readonly provider: ProviderProfile;
  /** SPDX expression for the weights. */
  readonly licence: string;
  /** Number format of `model.safetensors`. Default: float32. */
  readonly dtype?: WeightsDtype;
  /** GGUF files to write. Default: F32. */
  readonly ggufTypes?: readonly GgufTensorType[];
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

async function writePapers(options: ReleaseOptions, ggufFiles: string[], work: Work): Promise<number> {
  const { dir, facts, provider, licence } = options;
  const release = { name: options.name, version: options.version, date: options.date };
  const record = readFacts(facts);
  const sections = publicSummary(record, provider, release);
  const summary = "legal/Public_Summary_of_Training_Content";
  await writeFileAtomic(join(dir, `${summary}.md`), renderPublicSummary(sections));
  await writeJsonAtomic(join(dir, `${summary}.json`), publicSummaryJson(sections, release));
  const lines = facts.map(({ id, kind, stage, fingerprint, data }) =>
    canonicalJson({ id, kind, stage, fingerprint, data }),
  );
  await writeFileAtomic(join(dir, "legal/facts.jsonl"), lines.map((line) => `${line}\n`).join(""));
  const weights = await openWeightsFolder(options.weightsDir);
  await weights.tensors.close();
  const card = modelCard({ record, provider, release, config: weights.config, licence, ggufFiles });
  await writeFileAtomic(join(dir, "README.md"), card);
  const open = openQuestions(sections).length;
  if (open > 0) work.report.line(`${open} questions of the public summary are open: see ${summary}.md`);
  return open;
}

/** SHA-256 and size of a file. */
async function digest(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = startSha256();
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest("hex"), bytes };
}

/** Writes `SHA256SUMS` over every other file, in the format of `sha256sum -c`. */
async function writeChecksums(dir: string): Promise<{ files: number; bytes: number; checksums: string }> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(dir.length + 1)
        .replaceAll("\\", "/"),
    )
    .filter((path) => path !== "SHA256SUMS")
    .sort();
  let total = 0;
  let text = "";
  for (const path of paths) {
    const { sha256, bytes } = await digest(join(dir, path));
    total += bytes;
    text += `${sha256}  ${path}\n`;
  }
  await writeFileAtomic(join(dir, "SHA256SUMS"), text);
  const { sha256 } = await digest(join(dir, "SHA256SUMS"));
  return { files: paths.length + 1, bytes: total + Buffer.byteLength(text), checksums: sha256 };
}

/**
 * Writes a release into `options.dir` and records the fact `release`. The bytes depend on the options alone.
 * Throws `RELEASE_NAME`, `MODEL_CONFIG_UNREADABLE`, `RELEASE_TOKENIZER`, `MODEL_HF_CONFIG`, `ARTIFACT_SAFETENSORS_…`,
 * `DISK_…`.
 */
export async function writeRelease(options: ReleaseOptions, work: Work): Promise<ReleaseSummary> {
  const { name, version, dir, tokenizerDir, weightsDir, facts } = options;
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
    languages: trainedLanguages(readFacts(facts)),
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
  task.update(types.length + 1, "papers");
  const open = await writePapers(options, ggufFiles, work);
  if (options.evaluationsDir !== undefined) {
    for (const file of EVALUATION_FILES) {
      const content = await readFile(join(options.evaluationsDir, file));
      await writeFileAtomic(join(dir, "evaluations", file), content);
    }
  }
  task.update(types.length + 2, "checksums");
  const sums = await writeChecksums(dir);
  task.finish(`release ${name} ${version}: ${sums.files} files, ${formatBytes(sums.bytes)}`);
  const summary: ReleaseSummary = { name, version, parameters, ggufFiles, ...sums, openQuestions: open };
  work.fact("release", summary);
  return summary;
}
