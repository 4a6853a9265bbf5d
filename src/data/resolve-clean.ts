/** @file From the cleaning settings of a recipe to settings and files: what is named by path is found and hashed. */
import { resolve } from "node:path";
import { FirnError, type Json } from "../core/index.ts";
import type { TrainingConfig } from "./classifier/config.ts";
import type { CleanConfig } from "./clean-config.ts";
import type { EvaluationSetFiles } from "./decontaminate/read-sets.ts";
import type { OptOutFiles } from "./optout/open-policy.ts";
import { type SourceFile, sourceFile } from "./resolve-source.ts";

/** The files that settings name. */
export interface CleanFiles extends OptOutFiles {
  readonly fastText?: SourceFile | undefined;
  readonly evaluationSets?: EvaluationSetFiles | undefined;
  readonly qualityValues?: SourceFile | undefined;
  readonly qualityClassifier?: TrainingFiles | undefined;
  readonly toxicity?: TrainingFiles | undefined;
}

/** The files that the training of a classifier reads. */
export interface TrainingFiles {
  readonly model?: SourceFile | undefined;
  readonly embedding?: SourceFile | undefined;
  /** Those of an embedding by vectors. */
  readonly vectors?: readonly SourceFile[];
  /** One for each table of examples. */
  readonly examples: readonly SourceFile[];
}

/** Settings with the files that they name. */
export interface ResolvedClean {
  readonly config: CleanConfig;
  readonly files: CleanFiles;
  /** The settings as they decide the documents: hashes instead of paths. */
  readonly identity: Json;
}

/** Finds files once and remembers their hashes. */
class Finder {
  readonly #baseDir: string;
  readonly #hashes = new Map<string, string>();

  constructor(baseDir: string) {
    this.#baseDir = baseDir;
  }

  async one(path: string, setting: string): Promise<SourceFile> {
    const full = resolve(this.#baseDir, path);
    const file = await sourceFile(setting, full).catch((cause: unknown) => {
      throw new FirnError("DATA_FILE_MISSING", {
        expected: `the file of \`documents.${setting}\``,
        got: "no such file",
        where: full,
        next: "Make or fetch it (`firn optout fetch`, `firn optout add`), or correct the path in the recipe.",
        cause,
      });
    });
    this.#hashes.set(path, file.sha256);
    return file;
  }

  async maybe(path: string | undefined, setting: string): Promise<SourceFile | undefined> {
    return path === undefined ? undefined : this.one(path, setting);
  }

  async all(paths: string | readonly string[], setting: string): Promise<SourceFile[]> {
    const found: SourceFile[] = [];
    for (const path of typeof paths === "string" ? [paths] : paths) found.push(await this.one(path, setting));
    return found;
  }

  async training(config: TrainingConfig | undefined, setting: string): Promise<TrainingFiles | undefined> {
    if (config === undefined) return undefined;
    const { model, embedding, examples } = config;
    return {
      model: await this.maybe(model, `${setting}.model`),
      embedding:
        embedding.type === "fasttext"
          ? await this.one(embedding.path, `${setting}.embedding.path`)
          : undefined,
      ...(embedding.type === "vectors"
        ? { vectors: await this.all(embedding.path, `${setting}.embedding.path`) }
        : {}),
      examples: await this.all(
        examples.map(({ path }) => path),
        `${setting}.examples[].path`,
      ),
    };
  }

  /** `value` with hashes where found files are named. */
  identity(value: Json): Json {
    if (Array.isArray(value)) return value.map((item: Json) => this.identity(item));
    if (typeof value !== "object" || value === null) return value;
    const hash = (item: Json): Json => (typeof item === "string" ? (this.#hashes.get(item) ?? item) : item);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        if (!FILE_KEYS.has(key)) return [key, this.identity(item)];
        return [key, Array.isArray(item) ? item.map(hash) : hash(item)];
      }),
    );
  }
}

/** Settings that name files. */
const FILE_KEYS = new Set(["snapshot", "requests", "fastText", "values", "model", "path"]);

/**
 * Finds the files that `config` names; relative paths start at `baseDir` (the recipe's folder).
 *
 * @throws FirnError `DATA_FILE_MISSING`
 */
export async function resolveClean(config: CleanConfig, baseDir: string): Promise<ResolvedClean> {
  const { optOut, identifier, quality, toxicity, decontaminate } = config;
  const finder = new Finder(baseDir);
  const evaluationSets: SourceFile[][] = [];
  for (const [i, { path }] of (decontaminate?.sets ?? []).entries()) {
    evaluationSets.push(await finder.all(path, `decontaminate.sets[${i}].path`));
  }
  const files: CleanFiles = {
    snapshot: await finder.maybe(optOut.snapshot, "optOut.snapshot"),
    requests: await finder.maybe(optOut.requests, "optOut.requests"),
    fastText: await finder.maybe(identifier.fastText, "identifier.fastText"),
    evaluationSets,
    qualityValues: await finder.maybe(quality.rules?.values, "quality.rules.values"),
    qualityClassifier: await finder.training(quality.classifier, "quality.classifier"),
    toxicity: await finder.training(toxicity, "toxicity"),
  };
  // How much memory is used decides no byte.
  const { memoryMiB: _, ...nearDuplicates } = config.nearDuplicates ?? { memoryMiB: 0 };
  const settings = { ...config, ...(config.nearDuplicates === undefined ? {} : { nearDuplicates }) };
  return { config, files, identity: finder.identity(JSON.parse(JSON.stringify(settings)) as Json) };
}
