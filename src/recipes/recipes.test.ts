/** @file The shipped recipes: they parse, they assemble, and the big ones say what the technical report says. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../artifacts/index.ts";
import { FirnError, silentReporter } from "../core/index.ts";
import { Ledger } from "../ledger/index.ts";
import { APERTUS_70B, APERTUS_8B, initialWeights, parameterCount } from "../model/index.ts";
import { plan, runPlan } from "../pipeline/index.ts";
import { APERTUS_70B_SETUP, APERTUS_8B_SETUP } from "../planning/index.ts";
import {
  APERTUS_PATTERN,
  PreTokenizer,
  PieceCounter,
  saveTokenizer,
  tokenizerFromMerges,
  trainMerges,
} from "../tokenizer/index.ts";
import { readWeights, timetable, writeWeights } from "../train/index.ts";
import {
  assemble,
  readRecipe,
  recipeModel,
  recipeReference,
  shippedRecipes,
  trainingSetup,
} from "./index.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "firn-recipes-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function complaint(work: Promise<unknown>): Promise<FirnError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FirnError) return error;
    throw error;
  }
  throw new Error("no complaint");
}

describe("shipped recipes", () => {
  it("all parse, and are named like their file", async () => {
    const names = await shippedRecipes();
    expect(names).toEqual(["apertus-70b", "apertus-8b", "memorisation", "nano", "web"]);
    for (const name of names) expect((await readRecipe(name)).recipe.name).toBe(name);
  });

  it("for Apertus give the released models' shapes and the report's steps", async () => {
    const small = (await readRecipe("apertus-8b")).recipe;
    const large = (await readRecipe("apertus-70b")).recipe;
    expect(recipeModel(small)).toEqual(APERTUS_8B);
    expect(recipeModel(large)).toEqual(APERTUS_70B);
    expect(small.train.steps).toBe(2_627_139);
    expect(large.train.steps).toBe(1_155_828);
    for (const { train } of [small, large]) {
      const { sequences, growsAt } = timetable(train);
      expect((sequences * train.length) / 15e12).toBeCloseTo(1, 4);
      expect(growsAt).toHaveLength(1);
      expect(train.dataStages).toHaveLength(train === small.train ? 4 : 5);
    }
    expect(small.train.optimizer).toMatchObject({
      beta3: 0.9999,
      alpha: 8,
      warmupSteps: 100_000,
      clipNorm: 0.1,
    });
    expect(small.train.goldfish).toEqual({ k: 50, window: 50, hash: "product" });
  });

  it("for Apertus plan the runs that the report describes", async () => {
    const setups = { "apertus-8b": APERTUS_8B_SETUP, "apertus-70b": APERTUS_70B_SETUP };
    for (const [name, setup] of Object.entries(setups)) {
      expect(trainingSetup((await readRecipe(name)).recipe, {})).toEqual(setup);
    }
  });

  it("for Apertus can be planned for other machines, at the same share of their peak", async () => {
    const { recipe } = await readRecipe("apertus-70b");
    const { speed, devices, device, calendarDays } = trainingSetup(recipe, { device: "a100", devices: 64 });
    expect(device.name).toContain("A100");
    expect({ devices, calendarDays }).toEqual({ devices: 64, calendarDays: undefined });
    expect("utilisation" in speed ? speed.utilisation : 0).toBeCloseTo(0.329, 3);
  });

  it("for Apertus refuse to be built and point to planning", async () => {
    const error = await complaint(assemble(await readRecipe("apertus-8b")));
    expect(error.code).toBe("RECIPE_NO_SOURCES");
    expect(error.parts.next).toContain("firn plan apertus-8b");
  });

  it("nano assembles from installed packages into a line that ends with an evaluation", async () => {
    const from = await readRecipe("nano");
    const nodes = await assemble(from);
    expect(nodes.sources).toHaveLength(2);
    expect(Object.keys(nodes.evaluations.inputs).sort()).toEqual(
      ["chat", "conversations", "documents", "tokenizer", "tokens", "weights"].sort(),
    );
    expect(parameterCount(recipeModel(from.recipe))).toBeLessThan(5e6);
  });
});

describe("the page about recipes", () => {
  it("is the one the schema gives", async () => {
    const page = path.join(import.meta.dirname, "../../docs/reference/recipe.md");
    expect(await readFile(page, "utf8"), "run `npm run docs`").toBe(recipeReference());
  });
});

describe("a user's recipe", () => {
  it("with a folder of their own in one line assembles", async () => {
    const nano = await readRecipe("nano");
    await writeFile(
      path.join(dir, "hello.txt"),
      "Ein kurzer Text, der hier nur liegt, damit etwas da ist.\n",
    );
    await writeFile(
      path.join(dir, "mine.yaml"),
      [
        "name: mine",
        "description: my own texts",
        "provider: { name: me, contact: me@example.org }",
        "sources:",
        "  - { folder: ., licence: CC-BY-4.0 }",
        "tokenizer: { vocabSize: 512, specialBlock: 80 }",
        "model: { layers: 1, hiddenSize: 32, heads: 2, kvHeads: 1, ffnSize: 64, contextLength: 64 }",
        "train: { steps: 2, batch: 1, length: 32, optimizer: {}, learningRate: { peak: 0.001, final: 0, warmupSteps: 1 } }",
      ].join("\n"),
    );
    const { recipe, baseDir } = await readRecipe(path.join(dir, "mine.yaml"));
    expect(baseDir).toBe(dir);
    expect(recipe.documents).toEqual(
      nano.recipe.documents.seed === 28 ? { ...nano.recipe.documents, seed: 0 } : {},
    );
    const nodes = await assemble({ recipe, baseDir, file: "mine.yaml" });
    expect(nodes.chat).toBeUndefined();
    expect(JSON.stringify(nodes.sources[0]!.config)).not.toContain(dir);
  });

  it("that does not exist gets the nearest shipped name, or its path back", async () => {
    expect((await complaint(readRecipe("nanno"))).parts.next).toBe("Did you mean `nano`?");
    expect((await complaint(readRecipe(path.join(dir, "none.yaml")))).parts.got).toBe("no such file");
    expect((await complaint(readRecipe(`${dir}${path.sep}`))).parts.got).toBe("a folder");
  });

  it("with heads that do not fit is refused with the line", async () => {
    const nano = await readRecipe("nano");
    const text = (await readFile(nano.file, "utf8")).replace(/kvHeads: \d+/, "kvHeads: 3");
    await writeFile(path.join(dir, "heads.yaml"), text);
    const error = await complaint(readRecipe(path.join(dir, "heads.yaml")));
    expect(error.code).toBe("RECIPE_INVALID");
    expect(error.parts.got).toContain("divide");
    const line = text.split("\n").findIndex((row) => row.includes("kvHeads")) + 1;
    expect(error.parts.where).toMatch(new RegExp(`heads.yaml:${line}$`));
  });

  it("goes on from a folder of weights with its tokenizer, and lengthens the context", async () => {
    const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
    counter.add("ab ab ab");
    const merges = await trainMerges(counter.total(), { tokens: 258, minFrequency: 2 });
    const tokenizer = tokenizerFromMerges(merges, { specialBlock: 80, systemText: "S" });
    const { vocabSize } = tokenizer;
    const shape = { layers: 1, hiddenSize: 32, heads: 2, kvHeads: 1, ffnSize: 64, contextLength: 32 };
    const model = { ...APERTUS_8B, ...shape, headDim: 16, vocabSize, ropeTheta: 10_000 };
    const weights = initialWeights(model, 5);
    const folder = path.join(dir, "weights");
    await writeWeights(folder, model, weights);
    await saveTokenizer(tokenizer, folder);
    const file = path.join(dir, "further.yaml");
    const recipe = (ffnSize: number): string[] => [
      "name: further",
      "description: somebody's weights, my texts",
      "provider: { name: me, contact: me@example.org }",
      "sources: [{ folder: ., licence: CC-BY-4.0 }]",
      `tokenizer: { vocabSize: ${vocabSize}, specialBlock: 80 }`,
      `model: { layers: 1, hiddenSize: 32, heads: 2, kvHeads: 1, ffnSize: ${ffnSize}, contextLength: 32 }`,
      "startFrom: weights",
      "train: { steps: 2, batch: 1, length: 32, optimizer: {}, learningRate: { peak: 0.001, final: 0, warmupSteps: 1 } }",
      "longContext:",
      "  - { ropeTheta: 1000000, contextLength: 64, steps: 1, batch: 1, length: 64, optimizer: {}, learningRate: { type: constant, peak: 0.001, warmupSteps: 0 } }",
    ];
    await writeFile(file, recipe(64).join("\n"));
    const { base, tokenizer: adopted } = await assemble(await readRecipe(file));
    expect(base.label).toBe("context 64");
    expect(base.inputs["weights"]!.label).toBe("pretrain");
    const start = base.inputs["weights"]!.inputs["weights"]!;
    expect(JSON.stringify([start.config, adopted.config])).not.toContain(dir);
    const store = openStore(path.join(dir, "store"));
    const { artifacts } = await runPlan(await plan([start, adopted], store), {
      store,
      ledger: Ledger.open(path.join(dir, "store")),
      report: silentReporter,
      signal: new AbortController().signal,
      runtime: { workers: 1, threads: 1 },
    });
    const found = [...artifacts.values()].find(({ kind }) => kind === "weights")!;
    expect((await readWeights(found.dir)).weights).toEqual(weights);

    await writeFile(file, recipe(48).join("\n"));
    const error = await complaint(assemble(await readRecipe(file)));
    expect(error.code).toBe("RECIPE_START_SHAPE");
    expect(error.parts.got).toBe("ffnSize 64");
  });
});
