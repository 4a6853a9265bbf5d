/** @file Requests in a store: their effect on every training run, their cost, and the list the next build reads. */
import path from "node:path";
import { z } from "zod";
import { type Artifact, openStore, type Store, writeFileAtomic } from "../artifacts/index.ts";
import { canonicalJson } from "../core/index.ts";
import {
  collectRequests,
  type Fact,
  type Ledger,
  type OpenRequest,
  type RequestEffect,
  requestRules,
  type RequestSubject,
  traceRequest,
} from "../ledger/index.ts";
import { openRun } from "./run-tables.ts";

/** Requests as the data pipeline reads them; a recipe names the file under `documents.optOut.requests`. */
export function requestListPath(storeDir: string): string {
  return path.join(storeDir, "requests", "requests.jsonl");
}

/** Writes the list anew from the ledger. Returns how many lines it has. */
export async function writeRequestList(storeDir: string, ledger: Ledger): Promise<number> {
  const rules = requestRules(await collectRequests(ledger.facts()));
  await writeFileAtomic(requestListPath(storeDir), rules.map((rule) => `${canonicalJson(rule)}\n`).join(""));
  return rules.length;
}

/** Whether a request names `domain`, something below it or something above it. */
export function touchesDomain({ kind, subject }: OpenRequest, domain: string): boolean {
  if (kind !== "domain" && kind !== "url") return false;
  const name = domain.toLowerCase();
  const host = kind === "domain" ? subject : new URL(subject).hostname;
  return host === name || host.endsWith(`.${name}`) || name.endsWith(`.${host}`);
}

const runSummary = z.object({ flopsPerToken: z.number(), steps: z.number(), tokens: z.number() });
const runConfig = z.object({ checkpointEvery: z.number() });
const releaseSummary = z.object({ name: z.string(), version: z.string() });

/** Every artifact of the store that was made from `from`, directly or through others. */
function madeFrom(all: readonly Artifact[], from: Artifact): Artifact[] {
  const reached = new Set([from.manifest.fingerprint]);
  for (let before = 0; before < reached.size; ) {
    before = reached.size;
    for (const { manifest } of all) {
      if (Object.values(manifest.inputs).some(({ fingerprint }) => reached.has(fingerprint)))
        reached.add(manifest.fingerprint);
    }
  }
  return all.filter(({ manifest }) => reached.has(manifest.fingerprint));
}

/** Seconds between the start and the end of a stage's last run that was not interrupted; null where there is none. */
export async function secondsOf(ledger: Ledger, fingerprint: string): Promise<number | null> {
  let start: Fact | undefined;
  let starts = 0;
  let seconds: number | null = null;
  for await (const fact of ledger.facts()) {
    if (fact.fingerprint !== fingerprint) continue;
    if (fact.kind === "stage.start") {
      starts = start !== undefined && start.attempt === fact.attempt ? starts + 1 : 1;
      start = fact;
    } else if (fact.kind === "stage.done" && start !== undefined && starts === 1) {
      const taken = (Date.parse(fact.time) - Date.parse(start.time)) / 1000;
      seconds = taken > 0 ? taken : null;
    }
  }
  return seconds;
}

/** Training again from the last checkpoint that had seen none of the documents. */
async function retraining(
  ledger: Ledger,
  weights: Artifact,
  firstStep: number | null,
): Promise<RequestEffect["retrain"]> {
  const run = runSummary.safeParse(weights.manifest.summary).data;
  const config = runConfig.safeParse(weights.manifest.config).data;
  if (firstStep === null || run === undefined || config === undefined) return null;
  const fromStep = Math.floor((firstStep - 1) / config.checkpointEvery) * config.checkpointEvery;
  const steps = run.steps - fromStep;
  const seconds = await secondsOf(ledger, weights.manifest.fingerprint);
  return {
    fromStep,
    steps,
    flop: run.flopsPerToken * (run.tokens / run.steps) * steps,
    seconds: seconds === null ? null : (seconds * steps) / run.steps,
  };
}

/** What `subject` concerns in every pretraining run of the store, and the hashes of the documents. */
export async function effectsOf(
  storeDir: string,
  ledger: Ledger,
  subject: RequestSubject,
): Promise<{ readonly effects: RequestEffect[]; readonly documents: string[] }> {
  const store: Store = openStore(storeDir);
  const all = await store.list({ onBroken: () => undefined });
  const effects: RequestEffect[] = [];
  const documents = new Set<string>();
  for (const weights of all.filter(({ manifest }) => manifest.stage === "pretrain")) {
    const { hashes, ...traced } = await traceRequest(subject, await openRun(store, weights));
    for (const hash of hashes) documents.add(hash);
    const learnt = traced.firstStep !== null;
    const releases = (learnt ? madeFrom(all, weights) : [])
      .filter(({ kind }) => kind === "release")
      .flatMap(({ manifest }) => {
        const said = releaseSummary.safeParse(manifest.summary).data;
        return said === undefined
          ? []
          : [{ name: `${said.name} ${said.version}`, fingerprint: manifest.fingerprint }];
      });
    effects.push({
      run: weights.manifest.fingerprint,
      ...traced,
      releases,
      retrain: await retraining(ledger, weights, traced.firstStep),
    });
  }
  return { effects, documents: [...documents].sort() };
}
