/** @file From the cleaning settings of a recipe to settings and files: what is named by path is found and hashed. */
import { resolve } from "node:path";
import { FirnError, type Json } from "../core/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import type { EvaluationSetFiles } from "./decontaminate/read-sets.ts";
import type { OptOutFiles } from "./optout/open-policy.ts";
import { type SourceFile, sourceFile } from "./resolve-source.ts";

/** The files that settings name. */
export interface CleanFiles extends OptOutFiles {
  readonly fastText?: SourceFile | undefined;
  readonly evaluationSets?: EvaluationSetFiles | undefined;
}

/** Settings with the files that they name. */
export interface ResolvedClean {
  readonly config: CleanConfig;
  readonly files: CleanFiles;
  /** The settings as they decide the documents: hashes instead of paths. */
  readonly identity: Json;
}

async function find(
  path: string | undefined,
  setting: string,
  baseDir: string,
): Promise<SourceFile | undefined> {
  if (path === undefined) return undefined;
  const full = resolve(baseDir, path);
  return sourceFile(setting, full).catch((cause: unknown) => {
    throw new FirnError("DATA_FILE_MISSING", {
      expected: `the file of \`documents.${setting}\``,
      got: "no such file",
      where: full,
      next: "Make or fetch it (`firn optout fetch`, `firn optout add`), or correct the path in the recipe.",
      cause,
    });
  });
}

const hashesOf = (files: readonly SourceFile[]): string[] => files.map(({ sha256 }) => sha256);

/** The files of a setting that names one or several. */
async function findAll(
  paths: string | readonly string[],
  setting: string,
  baseDir: string,
): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for (const path of typeof paths === "string" ? [paths] : paths) {
    const file = await find(path, setting, baseDir);
    if (file !== undefined) found.push(file);
  }
  return found;
}

/**
 * Finds the files that `config` names; relative paths start at `baseDir` (the recipe's folder).
 *
 * @throws FirnError `DATA_FILE_MISSING`
 */
export async function resolveClean(config: CleanConfig, baseDir: string): Promise<ResolvedClean> {
  const { optOut, decontaminate } = config;
  const evaluationSets: SourceFile[][] = [];
  for (const [i, { path }] of (decontaminate?.sets ?? []).entries()) {
    evaluationSets.push(await findAll(path, `decontaminate.sets[${i}].path`, baseDir));
  }
  const files = {
    snapshot: await find(optOut.snapshot, "optOut.snapshot", baseDir),
    requests: await find(optOut.requests, "optOut.requests", baseDir),
    fastText: await find(config.identifier.fastText, "identifier.fastText", baseDir),
    evaluationSets,
  };
  const hashed = {
    ...optOut,
    snapshot: files.snapshot?.sha256 ?? null,
    requests: files.requests?.sha256 ?? null,
  };
  // How much memory is used decides no byte.
  const { memoryMiB: _, ...nearDuplicates } = config.nearDuplicates ?? { memoryMiB: 0 };
  const identity = {
    ...config,
    optOut: hashed,
    identifier: { ...config.identifier, fastText: files.fastText?.sha256 ?? null },
    ...(config.nearDuplicates === undefined ? {} : { nearDuplicates }),
    ...(decontaminate === undefined
      ? {}
      : {
          decontaminate: {
            ...decontaminate,
            sets: decontaminate.sets.map((set, i) => ({ ...set, path: hashesOf(evaluationSets[i]!) })),
          },
        }),
  };
  return { config, files, identity: JSON.parse(JSON.stringify(identity)) as Json };
}
