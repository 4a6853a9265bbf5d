/** @file The shipped recipes: they parse, they assemble, and the big ones say what the technical report says. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FirnError } from "../core/index.ts";
import { APERTUS_70B, APERTUS_8B, parameterCount } from "../model/index.ts";
import { APERTUS_70B_SETUP, APERTUS_8B_SETUP } from "../planning/index.ts";
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
    expect(names).toEqual(["apertus-70b", "apertus-8b", "nano"]);
    for (const name of names) expect((await readRecipe(name)).recipe.name).toBe(name);
  });

  it("for Apertus give the released models' shapes and the report's steps", async () => {
    const small = (await readRecipe("apertus-8b")).recipe;
    const large = (await readRecipe("apertus-70b")).recipe;
    expect(recipeModel(small)).toEqual(APERTUS_8B);
    expect(recipeModel(large)).toEqual(APERTUS_70B);
    expect(small.train.steps).toBe(2_627_139);
    expect(large.train.steps).toBe(1_155_828);
    expect(small.train.optimizer).toMatchObject({
      beta3: 0.9999,
      alpha: 8,
      warmupSteps: 100_000,
      clipNorm: 0.1,
    });
    expect(small.train.goldfish).toEqual({ k: 50, window: 50 });
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
});
