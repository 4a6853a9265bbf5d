import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../artifacts/index.ts";
import { BugError, FirnError, type Reporter, silentReporter } from "../core/index.ts";
import { type Fact, Ledger, verifyLedger } from "../ledger/index.ts";
import { describeChanges } from "./explain-rebuild.ts";
import { collect, failing, type LineConfig, line, runs, writeUp } from "./pipeline.test-stages.ts";
import { plan } from "./plan.ts";
import { renderPlan, totalEstimate } from "./render-plan.ts";
import { type RunResult, runPlan } from "./run-plan.ts";
import { type StageNode, stageNode } from "./stage.ts";

let dir = "";
const said: string[] = [];
let onLine: (text: string) => unknown = () => undefined;
const report: Reporter = {
  ...silentReporter,
  line: (text) => {
    said.push(text);
    onLine(text);
  },
};
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-pipeline-"));
  runs.length = 0;
  said.length = 0;
  onLine = () => undefined;
});
afterEach(() => rm(dir, { recursive: true }));

async function build(
  nodes: readonly StageNode[],
  { signal = new AbortController().signal, at = dir, workers = 1 } = {},
): Promise<RunResult> {
  const store = openStore(at);
  const runtime = { workers, threads: 1 };
  return runPlan(await plan(nodes, store), { store, ledger: Ledger.open(at), report, signal, runtime });
}

const buildLine = (config: LineConfig = {}, at = dir): Promise<RunResult> =>
  build([line(config).writeUp], { at });

async function states(config: LineConfig = {}): Promise<string[]> {
  const { entries } = await plan([line(config).writeUp], openStore(dir));
  return entries.map(({ labels, state }) => `${labels.join("+")} ${state}`);
}

async function factsIn(at = dir): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const fact of Ledger.open(at).facts()) facts.push(fact);
  return facts;
}

/** Every file of every artifact, with its bytes. */
async function bytesOf(at: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { kind, dir: folder } of await openStore(at).list()) {
    for (const name of await readdir(folder)) {
      files[`${kind}/${name}`] = await readFile(join(folder, name), "utf8");
    }
  }
  return files;
}

describe("a plan", () => {
  test("puts inputs first and merges boxes that are the same work", async () => {
    const { collect: first, count, writeUp: last } = line();
    const twin = stageNode("collect again", collect, { words: ["Firn", "Schnee", "Eis"] }, {});
    const { entries } = await plan([last, twin, count, first], openStore(dir));
    expect(entries.map(({ labels }) => labels)).toEqual([["collect", "collect again"], ["count"], ["paper"]]);
    expect(existsSync(join(dir, "documents"))).toBe(false);
  });

  test("tells what is there, what has to run and what is not needed", async () => {
    expect(await states()).toEqual(["collect missing", "count missing", "paper missing"]);
    await build([line().count]);
    expect(await states()).toEqual(["collect cached", "count cached", "paper missing"]);
    await buildLine();
    const { artifacts } = await buildLine();
    await rm(artifacts.get("collect")!.dir, { recursive: true });
    expect(await states()).toEqual(["collect unneeded", "count cached", "paper cached"]);
    expect((await buildLine()).ran).toEqual([]);
    expect(await states({ rounds: 9 })).toEqual(["collect missing", "count missing", "paper missing"]);
  });

  test("refuses boxes wired to the wrong kind as a fault of the recipe's code", async () => {
    const wrong = stageNode("paper", writeUp, { title: "x" }, { tokens: line().collect });
    await expect(plan([wrong], openStore(dir))).rejects.toThrow(BugError);
  });

  test("is printed with states, costs and a total", async () => {
    await build([line().collect]);
    const made = await plan([line().writeUp], openStore(dir));
    expect(
      renderPlan(made)
        .split("\n")
        .map((text) => text.replace(/ {2,}/g, " | ").trim()),
    ).toEqual([
      "label | stage | state | tokens | bytes | FLOPs | time",
      expect.stringMatching(/^─/),
      "collect | collect → documents | cached | – | – | – | –",
      "count | count → tokens | to run | 4.00 k | – | 4.00 G | 1 h 06 min",
      "paper | write-up → release | to run | – | – | – | –",
      "total | 2 of 3 to run | 4.00 k | – | 4.00 G | 1 h 06 min",
    ]);
    expect(totalEstimate(made)).toEqual({ tokens: 4000, flops: 4e9, seconds: 4000 });
  });

  test("says which fields make a stage run again", async () => {
    await buildLine();
    const { entries } = await plan([line({ rounds: 5, title: "Other" }).writeUp], openStore(dir));
    expect(entries.map(({ rebuild }) => rebuild && describeChanges(rebuild.changes))).toEqual([
      undefined,
      "config.rounds 4 → 5",
      'config.title "Rounds" → "Other"; input tokens changed',
    ]);
    expect(renderPlan({ entries })).toContain("count runs again: config.rounds 4 → 5");
    const nested = stageNode("c", collect, { words: ["Firn", "Schnee", "Eis"], nested: { depth: 2 } }, {});
    const [entry] = (await plan([nested], openStore(dir))).entries;
    expect(entry!.rebuild!.changes).toEqual([
      { path: "config.nested", before: undefined, after: { depth: 2 } },
    ]);
    const raised = stageNode("c", { ...collect, version: 2 }, { words: ["Firn", "Schnee", "Eis"] }, {});
    const [again] = (await plan([raised], openStore(dir))).entries;
    expect(describeChanges(again!.rebuild!.changes)).toBe("version 1 → 2");
  });
});

describe("a run", () => {
  test("makes what is missing, in order, and the second time nothing", async () => {
    const first = await buildLine();
    expect(first.ran).toEqual(["collect", "count", "paper"]);
    expect(runs).toEqual(["collect", "count", "write-up"]);
    const second = await buildLine();
    expect(second).toMatchObject({ ran: [], cached: ["collect", "count", "paper"] });
    expect(runs).toHaveLength(3);
    expect([...second.artifacts]).toEqual([...first.artifacts]);
    expect((await factsIn()).filter(({ kind }) => kind === "stage.done")).toHaveLength(3);
  });

  test("with another config of one stage makes that stage and what depends on it, nothing else", async () => {
    await buildLine();
    expect((await buildLine({ rounds: 6 })).ran).toEqual(["count", "paper"]);
    expect((await buildLine({ title: "Other" })).ran).toEqual(["paper"]);
    expect((await buildLine({ words: ["one"] })).ran).toEqual(["collect", "count", "paper"]);
    expect((await buildLine()).ran).toEqual([]);
  });

  test("gives a stage the facts of everything it was made of, inputs first, the same in every store", async () => {
    const { artifacts } = await buildLine({ rounds: 2 });
    const text = await readFile(join(artifacts.get("paper")!.dir, "paper.json"), "utf8");
    const { facts } = JSON.parse(text) as { facts: { id: string; stage: string; kind: string }[] };
    expect(facts.map(({ stage, kind }) => `${stage} ${kind}`)).toEqual([
      "collect stage.start",
      "collect source",
      "collect stage.done",
      "count stage.start",
      "count begin",
      "count round",
      "count round",
      "count stage.done",
    ]);
    const other = await mkdtemp(join(tmpdir(), "firn-pipeline-"));
    try {
      await build([line({ rounds: 2 }).collect], { at: other, workers: 4 });
      await buildLine({ rounds: 2 }, other);
      expect(await bytesOf(other)).toEqual(await bytesOf(dir));
    } finally {
      await rm(other, { recursive: true });
    }
  });

  test("whose ledger was lost says so to the stage that asks for facts, and only to it", async () => {
    await build([line().count]);
    await rm(join(dir, "ledger"), { recursive: true });
    expect((await build([line().count])).ran).toEqual([]);
    await expect(buildLine()).rejects.toMatchObject({ code: "LEDGER_INCOMPLETE" });
  });

  test("writes down the end of a stage that was killed between its last two steps", async () => {
    await build([line().collect]);
    const path = join(dir, "ledger", "facts.jsonl");
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.at(-1)).toContain("stage.done");
    await writeFile(path, `${lines.slice(0, -1).join("\n")}\n`);
    expect((await build([line().collect])).ran).toEqual([]);
    const { time: _, hash: __, ...before } = JSON.parse(lines.at(-1)!) as Fact;
    expect((await factsIn()).at(-1)).toMatchObject(before);
  });
});

describe("a hand-edited artifact", () => {
  test("stops the run before anything is spent and names the file", async () => {
    const { artifacts } = await buildLine();
    await writeFile(join(artifacts.get("collect")!.dir, "words.txt"), "tampered");
    runs.length = 0;
    await expect(buildLine({ rounds: 6 })).rejects.toThrow(/ARTIFACT_EDITED: .*words\.txt .*rm -r/);
    expect(runs).toEqual([]);
    await rm(artifacts.get("collect")!.dir, { recursive: true });
    expect((await buildLine({ rounds: 6 })).ran).toEqual(["collect", "count", "paper"]);
  });

  test("is found even if only the summary in its manifest was changed", async () => {
    const { artifacts } = await buildLine();
    const path = join(artifacts.get("collect")!.dir, "manifest.json");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"words": 3\n', '"words": 4\n'));
    await expect(buildLine()).rejects.toThrow(/ARTIFACT_EDITED: .*manifest that the ledger recorded/);
  });
});

describe("a stage that fails", () => {
  test("keeps its code, its draft and says how to go on", async () => {
    const error = new FirnError("TEST_WORLD", {
      expected: "a",
      got: "b",
      next: "Fix the input.",
    });
    await expect(build([failing(error)])).rejects.toThrow(
      /^TEST_WORLD: expected a, got b\. Fix the input\. Run the same command again: .*only this one starts anew\.$/,
    );
    const [draft] = await readdir(join(dir, "documents"));
    expect(draft).toMatch(/^fail-[0-9a-f]{12}\.partial$/);
    expect(await readdir(join(dir, "documents", draft!))).toEqual(["half.txt"]);
    expect(said.at(-1)).toMatch(/^failing box: failed\. What it wrote so far is in .*\.partial\.$/);
    await expect(build([failing(error)])).rejects.toMatchObject({ code: "TEST_WORLD" });
    expect((await factsIn()).map(({ kind, attempt }) => [kind, attempt])).toEqual([
      ["stage.start", 1],
      ["tried", 1],
      ["stage.start", 2],
      ["tried", 2],
    ]);
  });

  test("for a reason nobody foresaw is told apart from a bug of ours and from a full disk", async () => {
    await expect(build([failing(new TypeError("odd"))])).rejects.toMatchObject({ code: "STAGE_FAILED" });
    await expect(build([failing(new BugError("broken"))])).rejects.toBeInstanceOf(BugError);
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const failure = build([failing(full)]);
    await expect(failure).rejects.toMatchObject({ code: "DISK_FULL" });
    await expect(failure).rejects.toThrow(/run the same command again: it goes on from here\.$/);
  });
});

describe("an interrupted run", () => {
  test("stopped by its signal throws the signal's reason and goes on later with the same bytes", async () => {
    const stop = new AbortController();
    const reason = new Error("Ctrl-C");
    onLine = (text) => text === "round 3" && stop.abort(reason);
    const nodes = line({ rounds: 30, pause: 1 });
    await expect(build([nodes.writeUp], { signal: stop.signal })).rejects.toBe(reason);
    expect(said.at(-1)).toMatch(
      /^count: stopped\. Run the same command again: .*goes on from its last checkpoint/,
    );
    expect(await states({ rounds: 30, pause: 1 })).toEqual([
      "collect cached",
      "count partial",
      "paper missing",
    ]);
    expect((await build([nodes.writeUp])).ran).toEqual(["count", "paper"]);
    expect(runs).toEqual(["collect", "count", "count", "write-up"]);
    expect(
      (await factsIn()).filter(({ stage }) => stage === "count").every(({ attempt }) => attempt === 1),
    ).toBe(true);
  });

  test("does not start when it was stopped before", async () => {
    await expect(build([line().writeUp], { signal: AbortSignal.abort(new Error("early")) })).rejects.toThrow(
      "early",
    );
    expect(runs).toEqual([]);
  });

  test("killed with kill -9 in the middle goes on, and the bytes are those of a run that was not killed", async () => {
    const args = [
      "--import",
      "tsx",
      fileURLToPath(new URL("./pipeline.test-child.ts", import.meta.url)),
      dir,
    ];
    const child = spawn(process.execPath, [...args, "40", "15"], {
      cwd: dirname(fileURLToPath(import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("round 7\n")) child.kill("SIGKILL");
    });
    await once(child, "close");
    expect(output).not.toContain("finished");
    const config = { rounds: 40, pause: 15 };
    expect(await states(config)).toEqual(["collect cached", "count partial", "paper missing"]);
    const { artifacts } = await buildLine(config);
    expect(said.filter((text) => text.startsWith("round")).length).toBeLessThan(34);
    await verifyLedger(dir);
    await openStore(dir).verify(artifacts.get("count")!, { deep: true });

    const whole = await mkdtemp(join(tmpdir(), "firn-pipeline-"));
    try {
      await buildLine(config, whole);
      expect(await bytesOf(dir)).toEqual(await bytesOf(whole));
    } finally {
      await rm(whole, { recursive: true });
    }
  });

  test("does not run beside another process that makes the same artifact", async () => {
    const nodes = line({ rounds: 10_000, pause: 5 });
    const stop = new AbortController();
    const atWork = new Promise<void>((resolve) => {
      onLine = (text) => text === "round 0" && resolve();
    });
    const first = build([nodes.count], { signal: stop.signal });
    await atWork;
    await expect(build([nodes.count])).rejects.toMatchObject({ code: "STORE_LOCKED" });
    stop.abort(new Error("enough"));
    await expect(first).rejects.toThrow("enough");
  });
});
