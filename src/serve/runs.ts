/** @file Training runs for the page: which ones the store has, finished or going on, their curves, and a step's documents. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Hono } from "hono";
import { FirnError } from "../core/index.ts";
import type { StepTrace } from "../ledger/index.ts";
import { ApiError } from "./api-error.ts";
import type { ServeEnv } from "./service.ts";

/** Where runs are looked up. */
export interface Runs {
  /** The store's folder. */
  readonly storeDir: string;
  /** The documents of a step of the run in the folder `run`; undefined where they cannot be traced. */
  readonly step: ((run: string, step: number) => Promise<StepTrace>) | undefined;
  /** What the model of the run in the folder `run` said to the recipe's prompts on its way. */
  readonly samples: (run: string) => Promise<readonly RunSample[]>;
}

/** A run in a list. */
export interface RunInfo {
  /** The artifact's folder. */
  readonly id: string;
  readonly running: boolean;
  /** Of a run that goes on: speed, time left, energy. */
  readonly live: Readonly<Record<string, number | boolean | null>> | null;
}

/** Answers of the model as it was after a step; 0 is before training. */
export interface RunSample {
  readonly step: number;
  readonly samples: readonly { readonly prompt: string; readonly text: string }[];
}

/** Mean loss of one source or language over a block of steps. */
export interface GroupLoss {
  readonly loss: number;
  readonly bitsPerByte: number | null;
}

/** One step of a curve, as `metrics.jsonl` has it. */
export interface RunStep {
  readonly step: number;
  readonly tokens: number;
  readonly loss: number | null;
  readonly bitsPerByte: number | null;
  readonly gradientNorm: number | null;
  readonly learningRate: number;
  readonly skipped: string | null;
  readonly sources?: Readonly<Record<string, GroupLoss>>;
  readonly languages?: Readonly<Record<string, GroupLoss>>;
}

const FOLDER = /^[a-z0-9-]+-[0-9a-f]+(\.partial)?$/;
/** Steps that an answer holds at most; of longer runs every n-th, and every one with losses by source. */
const MOST_STEPS = 4000;

async function readJson(path: string): Promise<RunInfo["live"]> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? null : (JSON.parse(text) as RunInfo["live"]);
}

async function listRuns(storeDir: string): Promise<RunInfo[]> {
  const dir = join(storeDir, "weights");
  const names = (await readdir(dir).catch(() => [])).filter((name) => FOLDER.test(name)).sort();
  const runs = await Promise.all(
    names.map(async (id): Promise<RunInfo[]> => {
      const files: string[] = await readdir(join(dir, id)).catch(() => []);
      if (!files.includes("metrics.jsonl")) return [];
      const running = id.endsWith(".partial");
      return [{ id, running, live: running ? await readJson(join(dir, id, "live.json")) : null }];
    }),
  );
  return runs.flat();
}

/** The steps of a run; a last line that is still being written is left out. */
async function readSteps(storeDir: string, id: string): Promise<RunStep[]> {
  const text = await readFile(join(storeDir, "weights", id, "metrics.jsonl"), "utf8").catch(() => undefined);
  if (!FOLDER.test(id) || text === undefined)
    throw new ApiError(404, { message: "There is no such run.", code: "no_run" });
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  lines.pop();
  const every = Math.ceil(lines.length / MOST_STEPS);
  return lines
    .filter((line, i) => i % every === 0 || line.includes('"sources":'))
    .map((line) => JSON.parse(line) as RunStep);
}

/** Adds `/api/runs`, `/api/runs/<id>`, `/api/runs/<id>/samples` and `/api/runs/<id>/steps/<step>`. */
export function addRuns(app: Hono<ServeEnv>, { storeDir, step: traceStep, samples }: Runs): void {
  app.get("/api/runs", async (c) => c.json({ runs: await listRuns(storeDir) }));
  app.get("/api/runs/:id{[a-z0-9.-]+}", async (c) => {
    const id = c.req.param("id");
    return c.json({ id, steps: await readSteps(storeDir, id) });
  });
  app.get("/api/runs/:id{[a-z0-9.-]+}/samples", async (c) => {
    const id = c.req.param("id");
    if (!FOLDER.test(id)) throw new ApiError(404, { message: "There is no such run.", code: "no_run" });
    return c.json({ id, samples: await samples(id) });
  });
  app.get("/api/runs/:id{[a-z0-9-]+}/steps/:step{[0-9]{1,9}}", async (c) => {
    const { id, step } = c.req.param();
    if (traceStep === undefined || !FOLDER.test(id))
      throw new ApiError(404, { message: "The run's documents are not on this machine.", code: "no_corpus" });
    try {
      return c.json(await traceStep(id, Number(step)));
    } catch (error) {
      if (!(error instanceof FirnError)) throw error;
      throw new ApiError(404, { message: error.message, code: error.code.toLowerCase() });
    }
  });
}
