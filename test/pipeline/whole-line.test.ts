/** @file The whole line on a tiny recipe: from sources to a release, twice the same bytes, through kills and edits. */
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MemorisationRecord, openStore, readEvaluations } from "../../src/artifacts/index.ts";
import { Ledger, verifyLedger } from "../../src/ledger/index.ts";
import { type Child, firn, startFirn, storeHashes, writeTinyRecipe as writeRecipe } from "./tiny.ts";

let dir: string;
let recipe: string;
let reference: Record<string, string>;
/** Two made texts, one of which is read again and again. */
const PROBES =
  "{ kinds: [words], characters: [32], repetitions: [0, 120], prefixes: [same], each: 1, references: 15 }";
const writeTinyRecipe = (to: string, change: (text: string) => string = (text) => text): Promise<string> =>
  writeRecipe(to, (text) =>
    change(text.replace("{ seed: 1 }", `{ seed: 1, probes: { canaries: ${PROBES} } }`)),
  );
const at = (store: string): string => path.join(dir, store);

/** Builds in this process and expects success. */
async function build(store: string, ...argv: string[]): Promise<string> {
  const { code, out, err } = await firn("build", recipe, "--store", at(store), ...argv);
  expect(code, err).toBe(0);
  return out;
}

async function ask(store: string, ...argv: string[]): Promise<unknown> {
  const { code, out, err } = await firn(...argv, "--store", at(store), "--json");
  expect(code, err + out).toBe(0);
  return JSON.parse(out);
}

/** Waits until an unfinished training stage has written a checkpoint. */
async function checkpointOf(stage: string, store: string): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    const files = await readdir(path.join(store, "weights"), { recursive: true }).catch(() => []);
    if (files.some((file) => file.startsWith(`${stage}-`) && file.endsWith("checkpoint.json"))) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${stage} wrote no checkpoint within a minute`);
}

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "firn-line-"));
  recipe = await writeTinyRecipe(dir);
  await build("one", "--workers", "1", "--threads", "1");
  reference = await storeHashes(at("one"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("a build", () => {
  it("gives one artifact per box, a ledger whose chain holds, and nothing half-finished", async () => {
    const kinds = new Set(Object.keys(reference).map((file) => file.split("/")[0]));
    const all = [
      "conversations",
      "documents",
      "evaluations",
      "release",
      "source",
      "tokenizer",
      "tokens",
      "weights",
    ];
    expect(kinds).toEqual(new Set(all));
    expect(Object.keys(reference).filter((file) => /\.partial|\.lock|firn-tmp/.test(file))).toEqual([]);
    expect((await verifyLedger(at("one"))).facts).toBeGreaterThan(30);
    const release = Object.keys(reference).filter((file) => file.startsWith("release/"));
    for (const file of [
      "config.json",
      "model.safetensors",
      "tokenizer.json",
      "tiny-f32.gguf",
      "README.md",
      "SHA256SUMS",
    ]) {
      expect(
        release.some((name) => name.endsWith(`/${file}`)),
        file,
      ).toBe(true);
    }
  });

  it("asks the model before, while and after it is pretrained, and keeps the answers in the ledger", async () => {
    const asked: { step: number; samples: { prompt: string; text: string }[] }[] = [];
    for await (const { kind, data } of Ledger.open(at("one")).facts())
      if (kind === "train-samples") asked.push(data as unknown as (typeof asked)[number]);
    expect(asked.map(({ step }) => step)).toEqual([0, 20, 40]);
    expect(asked.at(-1)!.samples[0]!.text).not.toBe(asked[0]!.samples[0]!.text);
  });

  it("measures what the model has kept of probes that it read often, beside those that nobody read", async () => {
    const [{ dir: folder }] = (await ask("one", "show", "evaluate")) as [{ dir: string }];
    const records = (await readEvaluations(folder)).filter(({ task }) => task === "memorisation");
    expect(records).toMatchObject([
      { repetitions: 0, timesRead: 0, goldfish: 50, references: 15 },
      { repetitions: 120, goldfish: 50, references: 15, rank: 1 },
    ]);
    const [unread, read] = records as MemorisationRecord[];
    // Forty steps are a fifth of a pass.
    expect(read!.timesRead).toBeGreaterThan(15);
    expect(read!.timesRead).toBeLessThan(40);
    expect(read!.bitsPerByte).toBeLessThan(unread!.bitsPerByte - 0.3);
    const { out } = await firn("show", "evaluate", "--store", at("one"));
    expect(out).toMatch(/canaries, same words before +half +120 +\d+\.\d +1 /);
  });

  it("drops a copy of a text with its reason, and scrubs the address in the one it keeps", async () => {
    expect(await ask("one", "trace", "document", "texts/letter.txt#1")).toMatchObject({
      document: null,
      reject: { step: "deduplicate", reason: "exact-duplicate" },
      exposures: [],
    });
    expect(await ask("one", "trace", "text", "someone@example.org")).toMatchObject({ kept: 0 });
    expect(await ask("one", "trace", "text", "<email-pii>")).toMatchObject({
      kept: 1,
      documents: [{ id: "texts/copy.txt#1" }],
    });
  });

  it("can be followed from a training step to its documents, and from a document back to the step", async () => {
    const traced = (await ask("one", "trace", "step", "3")) as {
      documents: { document: string; length: number }[];
    };
    expect(traced.documents.reduce((sum, { length }) => sum + length, 0)).toBe(4 * 65);
    const { document } = traced.documents[0]!;
    const back = (await ask("one", "trace", "document", document)) as { exposures: { step: number }[] };
    expect(back.exposures.map(({ step }) => step)).toContain(3);
  });

  it("run again finds everything there and changes no byte", async () => {
    expect(await build("one", "--workers", "1", "--threads", "1")).toContain("everything was there already");
    expect(await storeHashes(at("one"))).toEqual(reference);
  });
});

describe("a build that is killed", () => {
  it("in several stages goes on, with two workers and threads, to the bytes of one that was not", async () => {
    // A little later than the line, so that the kill falls into the middle of the next stage.
    const after = (line: RegExp) => async (child: Child) => {
      await child.said(line);
      await new Promise((resolve) => setTimeout(resolve, 150));
    };
    const moments = [() => checkpointOf("pretrain", at("killed")), after(/conversations: done/)];
    const outputs: string[] = [];
    for (const moment of moments) {
      const child = startFirn(
        dir,
        "build",
        recipe,
        "--store",
        at("killed"),
        "--workers",
        "2",
        "--threads",
        "2",
      );
      await moment(child);
      child.kill("SIGKILL");
      expect(await child.ended).toBe("SIGKILL");
      outputs.push(child.output());
    }
    expect(outputs[1]).toMatch(/pretrain .* goes on/);
    expect(outputs[1]).toContain("Goes on after step");
    await build("killed", "--workers", "2", "--threads", "2");
    expect(await storeHashes(at("killed"))).toEqual(reference);
    await verifyLedger(at("killed"));
  }, 120_000);

  it("by Ctrl-C says that it can go on, and exits with 130", async () => {
    const child = startFirn(dir, "build", recipe, "--store", at("stopped"));
    await child.said(/source udhr: done/);
    child.kill("SIGINT");
    expect(await child.ended, child.output()).toBe(130);
    expect(child.output()).toContain("Run the same command again");
  });
});

describe("a change of the recipe", () => {
  it("in the fine-tuning rebuilds it and what depends on it, nothing else", async () => {
    await writeTinyRecipe(dir, (text) => text.replace("  steps: 6\n", "  steps: 5\n"));
    const { ran } = JSON.parse(await build("killed", "--json")) as { ran: string[] };
    expect(new Set(ran)).toEqual(new Set(["evaluate", "finetune", "release"]));
    await writeTinyRecipe(dir);
  });
});

describe("an artifact edited by hand", () => {
  it("is noticed, named, and not built upon", async () => {
    const tokenizer = (await openStore(at("one")).list()).find(({ kind }) => kind === "tokenizer")!;
    await appendFile(path.join(tokenizer.dir, "tokenizer.json"), " ");
    const { code, err } = await firn("build", recipe, "--store", at("one"));
    expect(code).toBe(1);
    expect(err).toContain("ARTIFACT_EDITED");
    expect(err).toContain("tokenizer.json");
  });
});

describe("bad input", () => {
  it("in a recipe, a missing folder and an unknown name each give one clear error", async () => {
    await writeTinyRecipe(dir, (text) => text.replace("peak: 0.005", "paek: 0.005"));
    expect((await firn("build", recipe, "--store", at("bad"))).err).toContain("Did you mean `peak`?");
    await writeTinyRecipe(dir, (text) => text.replace("./texts", "./nowhere"));
    expect((await firn("build", recipe, "--store", at("bad"))).err).toContain("DATA_SOURCE_MISSING");
    expect((await firn("build", "nanoo", "--store", at("bad"))).err).toContain("Did you mean `nano`?");
    await writeTinyRecipe(dir);
  });
});
