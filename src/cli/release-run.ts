/** @file The training run behind a release, as long as both lie in the same store. */
import { existsSync } from "node:fs";
import path from "node:path";
import { type Artifact, MANIFEST_FILE, openStore, readArtifact, type Store } from "../artifacts/index.ts";
import { FirnError } from "../core/index.ts";
import { Ledger, openRunTrace, type RunTrace, type StepTrace, traceStep } from "../ledger/index.ts";
import type { RunSample } from "../serve/index.ts";
import { inputOf } from "./find-artifact.ts";
import { openRun } from "./run-tables.ts";

/** Where the index of a run lies. */
export function traceIndexDir(store: Store, weights: Artifact): string {
  return path.join(store.dir, ".trace", weights.manifest.fingerprint.slice(0, 12));
}

/** The training runs behind a release, the last one first; the weights they began from are not one. */
export async function trainingRuns(store: Store, release: Artifact): Promise<Artifact[]> {
  const runs: Artifact[] = [];
  let weights = await inputOf(store, release, "weights");
  while (weights.manifest.inputs["weights"] !== undefined) {
    runs.push(weights);
    weights = await inputOf(store, weights, "weights");
  }
  return runs;
}

/** From a release through what it was made of to the pretrained weights. */
async function pretrainedBehind(store: Store, release: Artifact): Promise<Artifact | undefined> {
  return (await trainingRuns(store, release)).find(({ manifest }) => manifest.stage === "pretrain");
}

/** The file of conversations that the chat model learnt from, if it did. */
async function conversationsBehind(store: Store, release: Artifact): Promise<string | undefined> {
  const tuned = (await trainingRuns(store, release)).find(
    ({ manifest }) => manifest.inputs["conversations"] !== undefined,
  );
  if (tuned === undefined) return undefined;
  return path.join((await inputOf(store, tuned, "conversations")).dir, "train.jsonl");
}

/** The traces of the run behind the release in `dir`; undefined for a copy whose store is not at hand. */
export async function traceBehind(storeDir: string, dir: string): Promise<RunTrace | undefined> {
  if (!existsSync(path.join(dir, MANIFEST_FILE))) return undefined;
  const store = openStore(storeDir);
  try {
    const release = await readArtifact(dir);
    const weights = await pretrainedBehind(store, release);
    if (weights === undefined) return undefined;
    const conversations = await conversationsBehind(store, release);
    return await openRunTrace(await openRun(store, weights), traceIndexDir(store, weights), conversations);
  } catch (error) {
    if (error instanceof FirnError && error.code === "CLI_NO_ARTIFACT") return undefined;
    throw error;
  }
}

/** What the model of the training run in the weights folder `run` said to the recipe's prompts, by step. */
export async function runSamples(storeDir: string, run: string): Promise<RunSample[]> {
  const fingerprint = /-([0-9a-f]+)(\.partial)?$/.exec(run)?.[1];
  const found = new Map<number, RunSample>();
  if (fingerprint === undefined) return [];
  for await (const fact of Ledger.open(storeDir).facts()) {
    if (fact.kind !== "train-samples" || !fact.fingerprint.startsWith(fingerprint)) continue;
    // A run that went on after a kill has asked again, and got the same answers.
    const sample = fact.data as unknown as RunSample;
    found.set(sample.step, sample);
  }
  return [...found.values()].sort((a, b) => a.step - b.step);
}

/** What step `step` of the training run in the weights folder `run` learnt from. */
export async function traceRunStep(storeDir: string, run: string, step: number): Promise<StepTrace> {
  const store = openStore(storeDir);
  const weights = await readArtifact(path.join(store.dir, "weights", run));
  return traceStep({ ...(await openRun(store, weights)), step });
}
