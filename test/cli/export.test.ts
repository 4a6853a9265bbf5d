/** @file `firn export` and what other commands say of folders of weights, on a tiny model as the Hub would give it. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLlamaModel } from "../../src/generate/index.ts";
import { readWeights } from "../../src/train/index.ts";
import { firn } from "../pipeline/tiny.ts";
import { TINY, writeTinyModel } from "../release/tiny-model.ts";

let dir: string;
let model: string;
let weights: Map<string, Float32Array>;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "firn-export-"));
  const made = await writeTinyModel(path.join(dir, "made"), TINY, 5);
  weights = made.weights;
  model = path.join(dir, "tiny-apertus");
  await cp(made.weightsDir, model, { recursive: true });
  await cp(made.tokenizerDir, model, { recursive: true });
  await writeFile(
    path.join(model, "README.md"),
    "---\nlicense: apache-2.0\nlanguage:\n- de\n- rm\n---\n# Tiny\n",
  );
});
afterAll(() => rm(dir, { recursive: true }));

async function refused(...words: string[]): Promise<string> {
  const { code, out, err } = await firn(...words);
  expect(code).toBe(1);
  return out + err;
}

describe("firn export", () => {
  it("puts a GGUF of any type beside the weights, which llama.cpp opens; before, chat and serve say how", async () => {
    expect(await refused("chat", model)).toMatch(/CLI_NO_MODEL[^]*firn export .* --to gguf/);
    expect(await refused("serve", model)).toMatch(/firn export .* --to gguf/);
    for (const type of ["q8_0", "q4_0", "q4_k"]) {
      const { code, err } = await firn("export", model, "--to", "gguf", "--type", type);
      expect(code, err).toBe(0);
      const gguf = path.join(model, `tiny-apertus-${type}.gguf`);
      const opened = await openLlamaModel(gguf, { name: type, threads: 1, sequences: 1 });
      expect(opened).toMatchObject({ vocabSize: 400, contextLength: 512 });
      await opened.close();
    }
    const bytes = await readFile(path.join(model, "tiny-apertus-q8_0.gguf"));
    for (const text of ["apache-2.0", "tekken", "xielu.alpha_n", "{{ bos_token }}"])
      expect(bytes.includes(text)).toBe(true);
  });

  it("writes folders whole, and never over anything", async () => {
    for (const to of ["hf", "onnx", "megatron"]) {
      const out = path.join(dir, `out-${to}`);
      const { code, err } = await firn("export", model, "--to", to, "--out", out);
      expect(code, err).toBe(0);
      expect(await readdir(out)).toContain("tokenizer.json");
      expect(await refused("export", model, "--to", to, "--out", out)).toMatch(/DISK_TARGET/);
    }
    // From Megatron's form back to Hugging Face's, in shards.
    const back = path.join(dir, "back");
    const words = ["--to", "hf", "--shard-size", "100KB", "--out", back];
    const { code, err } = await firn("export", path.join(dir, "out-megatron"), ...words);
    expect(code, err).toBe(0);
    expect((await readdir(back)).filter((name) => name.endsWith(".safetensors")).length).toBeGreaterThan(2);
    const read = await readWeights(back);
    expect(read.config).toEqual(TINY);
    expect(read.weights).toEqual(weights);
  });

  it("leaves nothing behind when it fails", async () => {
    const broken = path.join(dir, "broken");
    await cp(model, broken, { recursive: true, filter: (file) => !file.endsWith(".gguf") });
    const file = path.join(broken, "model.safetensors");
    const bytes = await readFile(file);
    bytes.fill(0xff, bytes.length - 400_000);
    await writeFile(file, bytes);
    expect(await refused("export", broken, "--to", "gguf", "--type", "q4_0")).toMatch(/RELEASE_NOT_FINITE/);
    expect((await readdir(broken)).filter((name) => /gguf|tmp/.test(name))).toEqual([]);
    await rm(path.join(broken, "tokenizer.json"));
    expect(await refused("export", broken, "--to", "gguf")).toMatch(/CLI_NO_TOKENIZER[^]*--tokenizer/);
    await writeFile(path.join(broken, "tokenizer.json"), "{}");
    const out = path.join(dir, "never");
    await rm(path.join(broken, "model.safetensors"));
    expect(await refused("export", broken, "--to", "hf", "--out", out)).toMatch(
      /ARTIFACT_SAFETENSORS_MISSING/,
    );
    expect((await readdir(dir)).filter((name) => name.startsWith("never"))).toEqual([]);
  });

  it("says what it needs", async () => {
    expect(await refused("export", model)).toMatch(/CLI_BAD_OPTION[^]*--to/);
    expect(await refused("export", model, "--to", "gguf", "--type", "q3")).toMatch(/CLI_BAD_OPTION[^]*q4_k/);
    expect(await refused("export", "x.gguf", "--to", "hf")).toMatch(/CLI_NO_WEIGHTS[^]*GGUF/);
    expect(await refused("export", "nobody/nothing", "--to", "hf", "--store", dir)).toMatch(
      /firn pull nobody\/nothing/,
    );
    expect(await refused("export", model, "--to", "hf", "--shard-size", "big")).toMatch(/a size such as 5GB/);
  });
});

describe("firn plan", () => {
  it("says of a model's folder what each format takes", async () => {
    const { code, out, err } = await firn("plan", model, "--json");
    expect(code, err).toBe(0);
    const plan = JSON.parse(out) as { parameters: number; formats: { type: string; bytes: number }[] };
    expect(plan.parameters).toBe([...weights.values()].reduce((sum, { length }) => sum + length, 0));
    const bytesOf = (wanted: string) => plan.formats.find(({ type }) => type === wanted)!.bytes;
    const file = await readFile(path.join(model, "tiny-apertus-q8_0.gguf"));
    expect(file.length - bytesOf("q8_0")).toBeLessThan(20_000);
    expect(bytesOf("f32")).toBe(4 * (plan.parameters - 4));
    expect((await firn("plan", model)).out).toContain("--to gguf --type q4_k");
  });
});
