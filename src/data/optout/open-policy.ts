/** @file From a recipe's opt-out settings to a policy: finds the files, keeps copies as evidence, opens them. */
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Json } from "../../core/index.ts";
import type { CleanConfig } from "../clean-config.ts";
import type { SourceFile } from "../resolve-source.ts";
import type { OptOutPolicy } from "./policy.ts";
import { OptOutRequests } from "./requests.ts";
import { Snapshot } from "./snapshot.ts";

/** The files that a recipe names, found and hashed. */
export interface OptOutFiles {
  readonly snapshot?: SourceFile | undefined;
  readonly requests?: SourceFile | undefined;
}

/** Paths of the copies beside the documents that were judged by them. */
export interface OptOutCopies {
  readonly snapshot?: string | undefined;
  readonly requests?: string | undefined;
}

/** Copies the files into `dir`: what decided about documents lies with them. */
export async function keepOptOutFiles(files: OptOutFiles, dir: string): Promise<OptOutCopies> {
  const copies: { snapshot?: string; requests?: string } = {};
  for (const name of ["snapshot", "requests"] as const) {
    const file = files[name];
    if (file === undefined) continue;
    const path = join(dir, "optout", `${name}.jsonl`);
    await mkdir(dirname(path), { recursive: true });
    await copyFile(file.path, path);
    copies[name] = path;
  }
  return copies;
}

/** Opens a policy. @throws FirnError `DATA_OPTOUT_SNAPSHOT`, `DATA_OPTOUT_REQUESTS` */
export async function openPolicy(config: CleanConfig["optOut"], copies: OptOutCopies): Promise<OptOutPolicy> {
  const { agents, signals } = config;
  return {
    agents,
    signals,
    snapshot: copies.snapshot === undefined ? undefined : await Snapshot.open(copies.snapshot),
    requests: copies.requests === undefined ? undefined : await OptOutRequests.read(copies.requests),
  };
}

/** The `optout` fact: what the decisions rest on. */
export function optOutFact(policy: OptOutPolicy, files: OptOutFiles): Json {
  const { snapshot, requests } = policy;
  return {
    agents: policy.agents,
    signals: policy.signals,
    snapshot:
      snapshot === undefined
        ? null
        : { sha256: files.snapshot?.sha256 ?? "", hosts: snapshot.hosts, period: snapshot.period },
    requests: requests === undefined ? null : { sha256: files.requests?.sha256 ?? "", count: requests.count },
  };
}
