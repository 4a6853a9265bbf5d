/** @file Small real stages for the pipeline's tests: words are collected, counted, and written up. */
import { existsSync } from "node:fs";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeFileAtomic } from "../artifacts/index.ts";
import type { Json } from "../core/index.ts";
import { defineStage, type StageNode, stageNode } from "./stage.ts";

export interface CollectConfig {
  readonly words: readonly string[];
  readonly nested?: { readonly depth: number };
}

/** Every run of a stage in this process, by name. */
export const runs: string[] = [];

export const collect = defineStage<CollectConfig, Record<never, never>>({
  name: "collect",
  version: 1,
  inputs: {},
  output: "documents",
  estimate: ({ words }) => ({ bytes: words.join(" ").length, seconds: 90, note: "reads no network" }),
  async run({ config, dir, ...work }) {
    runs.push("collect");
    work.fact("source", { words: config.words.length });
    await writeFile(join(dir, "words.txt"), config.words.join("\n"));
    return { words: config.words.length };
  },
});

/** Adds one line per round to `rounds.txt`, slowly; goes on after the last whole line it finds. */
export const count = defineStage<{ rounds: number; pause: number }, { documents: "documents" }>({
  name: "count",
  version: 1,
  inputs: { documents: "documents" },
  output: "tokens",
  resumable: true,
  estimate: ({ rounds }) => ({ tokens: rounds * 1000, flops: rounds * 1e9, seconds: 4000 }),
  async run({ config, inputs, dir, report, signal, ...work }) {
    runs.push("count");
    const words = (await readFile(join(inputs.documents.dir, "words.txt"), "utf8")).split("\n");
    const path = join(dir, "rounds.txt");
    const text = existsSync(path) ? await readFile(path, "utf8") : "";
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole !== text) await writeFileAtomic(path, whole);
    const done = whole.split("\n").length - 1;
    work.fact("begin", { words: words.length });
    for (let round = done; round < config.rounds; round++) {
      signal.throwIfAborted();
      await appendFile(path, `round ${round}: ${words[round % words.length]!}\n`);
      work.fact("round", { round });
      report.line(`round ${round}`);
      if (config.pause > 0) await sleep(config.pause);
    }
    return { rounds: config.rounds };
  },
});

export const writeUp = defineStage<{ title: string }, { tokens: "tokens" }>({
  name: "write-up",
  version: 1,
  inputs: { tokens: "tokens" },
  output: "release",
  async run({ config, inputs, dir, lineageFacts }) {
    runs.push("write-up");
    const rounds = await readFile(join(inputs.tokens.dir, "rounds.txt"), "utf8");
    const facts = lineageFacts().map(({ id, kind, stage, data }) => ({ id, kind, stage, data }));
    await writeFile(join(dir, "paper.json"), JSON.stringify({ title: config.title, rounds, facts }, null, 1));
    return { facts: facts.length };
  },
});

export interface LineConfig {
  readonly words?: readonly string[];
  readonly rounds?: number;
  readonly pause?: number;
  readonly title?: string;
}

/** The line collect → count → write-up. */
export function line(config: LineConfig = {}): Record<"collect" | "count" | "writeUp", StageNode> {
  const collectNode = stageNode("collect", collect, { words: config.words ?? ["Firn", "Schnee", "Eis"] }, {});
  const countNode = stageNode(
    "count",
    count,
    { rounds: config.rounds ?? 4, pause: config.pause ?? 0 },
    { documents: collectNode },
  );
  const writeUpNode = stageNode("paper", writeUp, { title: config.title ?? "Rounds" }, { tokens: countNode });
  return { collect: collectNode, count: countNode, writeUp: writeUpNode };
}

/** A stage that throws what it is given. */
export function failing(error: unknown): StageNode {
  const stage = defineStage<Json, Record<never, never>>({
    name: "fail",
    version: 1,
    inputs: {},
    output: "documents",
    async run({ dir, ...work }) {
      work.fact("tried", {});
      await writeFile(join(dir, "half.txt"), "half");
      throw error;
    },
  });
  return stageNode("failing box", stage, {}, {});
}
