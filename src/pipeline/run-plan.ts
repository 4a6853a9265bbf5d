/** @file Runs what a plan lacks, stage after stage, and writes down in the ledger what happened. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type Artifact,
  type Draft,
  diskError,
  MANIFEST_FILE,
  referenceTo,
  type Store,
} from "../artifacts/index.ts";
import {
  assert,
  BugError,
  describeError,
  FirnError,
  formatDuration,
  type Json,
  type Reporter,
  sha256,
  type Work,
} from "../core/index.ts";
import { type Fact, factId, type Ledger } from "../ledger/index.ts";
import type { Plan, PlanEntry } from "./plan.ts";
import type { LineageFact, StageContext } from "./stage.ts";

export interface RunOptions {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly report: Reporter;
  /** Aborted on Ctrl-C: the running stage stops at its next safe point and `signal.reason` is thrown. */
  readonly signal: AbortSignal;
  /** How much of the machine stages may use; never changes a byte of what they make. */
  readonly runtime: Pick<Work, "workers" | "threads" | "communicator">;
}

export interface RunResult {
  /** By label; everything of the plan that is there now. */
  readonly artifacts: ReadonlyMap<string, Artifact>;
  /** Labels of what ran, in order, and of what was there already. */
  readonly ran: readonly string[];
  readonly cached: readonly string[];
}

/** What the ledger knows of one fingerprint. */
interface History {
  readonly attempt: number;
  /** The hash of the manifest with which the last completed attempt ended. */
  readonly manifest: string | undefined;
  /** The last attempt has ended with `stage.done`. */
  readonly done: boolean;
}

/** Kind of the facts that say what a stage took on this machine: no artifact may depend on them. */
const MEASURED = "measured";

const NO_HISTORY: History = { attempt: 0, manifest: undefined, done: false };

function manifestHashIn(fact: Fact): string | undefined {
  const { data } = fact;
  if (typeof data !== "object" || data === null || !("manifest" in data)) return undefined;
  return typeof data.manifest === "string" ? data.manifest : undefined;
}

async function readHistories(ledger: Ledger, wanted: ReadonlySet<string>): Promise<Map<string, History>> {
  const histories = new Map<string, History>();
  for await (const fact of ledger.facts()) {
    if (!wanted.has(fact.fingerprint)) continue;
    const before = histories.get(fact.fingerprint) ?? NO_HISTORY;
    const done = fact.kind === "stage.done";
    histories.set(fact.fingerprint, {
      attempt: Math.max(before.attempt, fact.attempt),
      manifest: done ? manifestHashIn(fact) : before.manifest,
      done: done && fact.attempt >= before.attempt,
    });
  }
  return histories;
}

/** All entries that `entry` is made of, in the plan's order, without itself. */
function closureOf(entry: PlanEntry, plan: Plan): PlanEntry[] {
  const reached = new Set<string>();
  const reach = ({ inputs }: PlanEntry): void => {
    for (const input of Object.values(inputs)) {
      if (reached.has(input.fingerprint)) continue;
      reached.add(input.fingerprint);
      reach(input);
    }
  };
  reach(entry);
  return plan.entries.filter(({ fingerprint }) => reached.has(fingerprint));
}

class PlanRun {
  readonly #plan: Plan;
  readonly #options: RunOptions;
  readonly #histories: Map<string, History>;
  readonly #artifacts = new Map<string, Artifact>();

  private constructor(plan: Plan, options: RunOptions, histories: Map<string, History>) {
    this.#plan = plan;
    this.#options = options;
    this.#histories = histories;
  }

  static async prepare(plan: Plan, options: RunOptions): Promise<PlanRun> {
    const wanted = new Set(plan.entries.map(({ fingerprint }) => fingerprint));
    return new PlanRun(plan, options, await readHistories(options.ledger, wanted));
  }

  async run(): Promise<RunResult> {
    const { report, signal } = this.#options;
    const ran: string[] = [];
    const cached: string[] = [];
    const byLabel = new Map<string, Artifact>();
    // Everything that is there is checked before anything is spent.
    for (const entry of this.#plan.entries) {
      if (entry.artifact === undefined) continue;
      signal.throwIfAborted();
      await this.#checkCached(entry, entry.artifact);
      this.#artifacts.set(entry.fingerprint, entry.artifact);
      cached.push(...entry.labels);
    }
    for (const entry of this.#plan.entries) {
      if (entry.state === "missing" || entry.state === "partial") {
        signal.throwIfAborted();
        const start = performance.now();
        this.#artifacts.set(entry.fingerprint, await this.#make(entry));
        ran.push(...entry.labels);
        report.line(`${entry.labels[0]}: done in ${formatDuration((performance.now() - start) / 1000)}`);
      }
      const artifact = this.#artifacts.get(entry.fingerprint);
      if (artifact !== undefined) for (const label of entry.labels) byLabel.set(label, artifact);
    }
    return { artifacts: byLabel, ran, cached };
  }

  /** Finds hand edits, and writes down the end of an attempt that was killed right after its artifact was sealed. */
  async #checkCached(entry: PlanEntry, artifact: Artifact): Promise<void> {
    await this.#options.store.verify(artifact);
    const history = this.#histories.get(entry.fingerprint) ?? NO_HISTORY;
    if (history.attempt === 0) return;
    if (!history.done) {
      await this.#recordDone(entry, artifact, history.attempt);
      return;
    }
    const manifest = sha256(await readFile(join(artifact.dir, MANIFEST_FILE)));
    if (history.manifest !== undefined && history.manifest !== manifest) {
      throw new FirnError("ARTIFACT_EDITED", {
        expected: "the manifest that the ledger recorded",
        got: `a ${MANIFEST_FILE} that was changed`,
        where: artifact.dir,
        next: `Put the original back, or rebuild it: rm -r '${artifact.dir}' and run the same command again.`,
      });
    }
  }

  async #recordDone(entry: PlanEntry, artifact: Artifact, attempt: number): Promise<void> {
    const { files, summary } = artifact.manifest;
    const manifest = sha256(await readFile(join(artifact.dir, MANIFEST_FILE)));
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    this.#append(entry, attempt, "stage.done", { manifest, files: files.length, bytes, summary });
    this.#histories.set(entry.fingerprint, { attempt, manifest, done: true });
  }

  #append({ stage, fingerprint }: PlanEntry, attempt: number, kind: string, data: Json): void {
    this.#options.ledger.append({ kind, stage, fingerprint, attempt, data });
  }

  async #make(entry: PlanEntry): Promise<Artifact> {
    const { store } = this.#options;
    const { kind, stage, fingerprint, node } = entry;
    const draft = await store.begin({ kind, stage, fingerprint }, { keep: node.stage.resumable === true });
    try {
      const finished = await store.find(kind, stage, fingerprint);
      if (finished !== undefined) {
        // Another process made it while this one was at work on something else.
        await rm(draft.dir, { recursive: true, force: true });
        await store.verify(finished);
        return finished;
      }
      return await this.#runStage(entry, draft);
    } catch (error) {
      throw this.#explain(error, entry, draft);
    } finally {
      draft.release();
    }
  }

  async #runStage(entry: PlanEntry, draft: Draft): Promise<Artifact> {
    const { store, ledger, report, signal, runtime } = this.#options;
    const { fingerprint, node } = entry;
    const { stage, config } = node;
    const history = this.#histories.get(fingerprint) ?? NO_HISTORY;
    const goesOn = draft.resumed && history.attempt > 0 && !history.done;
    const attempt = history.attempt + (goesOn ? 0 : 1);
    const inputs: Record<string, Artifact> = {};
    for (const [name, input] of Object.entries(entry.inputs)) {
      const artifact = this.#artifacts.get(input.fingerprint);
      assert(artifact !== undefined, `input ${name} of ${entry.labels[0]} is there before it is needed`);
      inputs[name] = artifact;
    }
    const references = Object.fromEntries(
      Object.entries(inputs).map(([name, artifact]) => [name, referenceTo(artifact)]),
    );
    const prints = Object.fromEntries(
      Object.entries(references).map(([name, reference]) => [name, reference.fingerprint]),
    );
    const lineage = await this.#lineageOf(entry, ledger);
    this.#append(entry, attempt, "stage.start", { version: stage.version, config, inputs: prints });
    this.#histories.set(fingerprint, { ...history, attempt, done: false });
    const context: StageContext<never, Record<string, never>> = {
      config: config as never,
      fingerprint,
      inputs,
      dir: draft.dir,
      report,
      signal,
      ...runtime,
      fact: (kind, data) => {
        assert(
          !kind.startsWith("stage.") && kind !== MEASURED,
          `fact kind ${kind} is not one of the pipeline's own`,
        );
        this.#append(entry, attempt, kind, data);
      },
      measured: (data) => this.#append(entry, attempt, MEASURED, data),
      lineageFacts: lineage,
    };
    const summary = await stage.run(context);
    signal.throwIfAborted();
    const parts = { version: stage.version, config, inputs: references, summary };
    const artifact = await store.commit(draft, parts);
    await this.#recordDone(entry, artifact, attempt);
    return artifact;
  }

  /** Collects the facts now, while waiting is possible; says what is missing only to a stage that asks. */
  async #lineageOf(entry: PlanEntry, ledger: Ledger): Promise<() => readonly LineageFact[]> {
    const closure = closureOf(entry, this.#plan);
    const facts = await ledger.factsOf(closure.map(({ fingerprint }) => fingerprint));
    const lineage = closure.flatMap((ancestor) =>
      facts.filter((fact) => fact.fingerprint === ancestor.fingerprint && fact.kind !== MEASURED),
    );
    const unknown = closure.find(
      (ancestor) => !facts.some((fact) => fact.fingerprint === ancestor.fingerprint),
    );
    return () => {
      if (unknown !== undefined) {
        throw new FirnError("LEDGER_INCOMPLETE", {
          expected: `facts about how "${unknown.labels[0]}" (${unknown.kind} ${unknown.fingerprint.slice(0, 12)}) was made`,
          got: "none in this store's ledger",
          where: ledger.path,
          next: "If the artifact was copied here, copy its ledger folder too; else remove the artifact and build it again.",
        });
      }
      return lineage.map((fact) => {
        const { kind, stage, fingerprint, data } = fact;
        return { id: factId(fact), kind, stage, fingerprint, data };
      });
    };
  }

  /** The error of a stage with what to do about the unfinished work; its code stays. */
  #explain(thrown: unknown, { labels, node }: PlanEntry, draft: Draft): unknown {
    const { report, signal } = this.#options;
    const goOn =
      node.stage.resumable === true
        ? "Run the same command again: finished stages are kept, and this one goes on from its last checkpoint."
        : "Run the same command again: finished stages are kept, and only this one starts anew.";
    if (signal.aborted && (thrown === signal.reason || (thrown as Error | null)?.name === "AbortError")) {
      report.line(`${labels[0]}: stopped. ${goOn}`);
      return signal.reason;
    }
    const error = diskError(thrown, draft.dir, 0);
    report.line(`${labels[0]}: failed. What it wrote so far is in ${draft.dir}.`);
    if (error instanceof BugError) return error;
    if (error instanceof FirnError) {
      const said = error.parts.next.includes("run the same command again");
      const next = said ? error.parts.next : `${error.parts.next} ${goOn}`;
      return new FirnError(error.code, { ...error.parts, next, cause: error });
    }
    return new FirnError("STAGE_FAILED", {
      expected: `stage "${labels[0]}" to finish`,
      got: describeError(error),
      where: draft.dir,
      next: goOn,
      cause: error,
    });
  }
}

/**
 * Makes everything the plan lacks. What is there is checked for hand edits first. Each stage writes into its
 * `.partial` folder, which becomes the artifact when the stage has ended; a kill at any moment leaves a state from
 * which the same call goes on.
 *
 * @throws FirnError `ARTIFACT_EDITED`; `STORE_LOCKED`; `LEDGER_BROKEN`; whatever a stage threw, with its code and what
 *   to do next; `STAGE_FAILED` for any other error of a stage. On abort: `signal.reason`.
 */
export async function runPlan(plan: Plan, options: RunOptions): Promise<RunResult> {
  return (await PlanRun.prepare(plan, options)).run();
}
