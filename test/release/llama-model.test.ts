import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type GeneratedToken,
  type GenerateOptions,
  type LlamaModel,
  OnnxModel,
  openLlamaModel,
} from "../../src/generate/index.ts";
import { writeApertusGguf } from "../../src/release/index.ts";
import { TINY, tinyWeights, writeTinyModel } from "./tiny-model.ts";

const ABOUT = { name: "tiny", version: "1", description: "test", licence: "Apache-2.0", languages: ["de"] };

let dir: string;
let path: string;
let model: LlamaModel;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-llama-"));
  const folders = await writeTinyModel(dir, TINY, 4);
  path = join(dir, "tiny.gguf");
  await writeApertusGguf({ ...folders, path, type: "F32", about: ABOUT });
  model = await openLlamaModel(path, { name: "tiny", threads: 1, sequences: 2, cache: "F32" });
});
afterAll(async () => {
  await model.close();
  await rm(dir, { recursive: true });
});

async function collect(prompt: readonly number[], options: GenerateOptions): Promise<GeneratedToken[]> {
  const tokens: GeneratedToken[] = [];
  for await (const token of model.generate(prompt, options)) tokens.push(token);
  return tokens;
}
const ids = (tokens: readonly GeneratedToken[]): number[] => tokens.map(({ id }) => id);

describe("a llama.cpp model", () => {
  it("knows its vocabulary and context", () => {
    expect(model).toMatchObject({ name: "tiny", vocabSize: 400, contextLength: 512 });
  });

  it("generates greedily what its distributions say", async () => {
    const tokens = await collect([1, 100, 101], { maxTokens: 8, temperature: 0, topLogprobs: 3 });
    expect(tokens).toHaveLength(8);
    const distributions = await model.distributions([1, 100, 101, ...ids(tokens)], 3);
    tokens.forEach((token, i) => {
      const best = distributions[i + 2]!;
      expect(token.id).toBe(best[0]!.id);
      expect(token.logprob).toBeCloseTo(best[0]!.logprob, 4);
      expect(token.top.map(({ id }) => id)).toEqual(best.map(({ id }) => id));
    });
  });

  it("tells the largest of its logits with the probabilities that they have among all", async () => {
    const all = await model.distributions([1, 100, 101], 400);
    const some = await model.distributions([1, 100, 101], 40);
    all.forEach((choices, place) => {
      expect(choices.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 4);
      expect(new Set(choices.map(({ id }) => id)).size).toBe(400);
      expect(some[place]!.map(({ id }) => id)).toEqual(choices.slice(0, 40).map(({ id }) => id));
      for (const [i, { logprob }] of some[place]!.entries())
        expect(logprob).toBeCloseTo(choices[i]!.logprob, 5);
    });
  });

  it("repeats itself for the same seed and varies with another", async () => {
    const options = { maxTokens: 20, temperature: 1, topP: 1 };
    const first = await collect([1, 90], { ...options, seed: 7 });
    expect(ids(await collect([1, 90], { ...options, seed: 7 }))).toEqual(ids(first));
    expect(ids(await collect([1, 90], { ...options, seed: 8 }))).not.toEqual(ids(first));
    const [scores] = await model.score([[1, 90, ...ids(first)]]);
    first.forEach(({ logprob }, i) => expect(logprob).toBeCloseTo(scores![i + 2]!, 4));
  });

  it("stops before a stop token and at the end of the context", async () => {
    const greedy = await collect([1, 100], { maxTokens: 30, temperature: 0 });
    const stop = greedy[5]!.id;
    const stopped = await collect([1, 100], { maxTokens: 30, temperature: 0, stopIds: [stop] });
    expect(ids(stopped)).toEqual(ids(greedy).slice(0, ids(greedy).indexOf(stop)));
    const long = Array.from({ length: 510 }, () => 90);
    expect(await collect(long, { maxTokens: 30 })).toHaveLength(2);
    expect(await collect([...long, 91, 92], { maxTokens: 30 })).toHaveLength(0);
    expect(await model.distributions([...long, 91, 92], 1)).toHaveLength(512);
  });

  it("follows a logit bias, even for a token that is never likely", async () => {
    const tokens = await collect([1, 100], {
      maxTokens: 3,
      temperature: 0,
      logitBias: new Map([[399, 1000]]),
    });
    expect(ids(tokens)).toEqual([399, 399, 399]);
    expect(tokens[0]!.logprob).toBeLessThan(-1);
  });

  it.each([
    ["lower", { frequencyPenalty: 0.4, presencePenalty: 1.5 }],
    ["raise", { frequencyPenalty: -0.6, presencePenalty: -0.3 }],
  ])(
    "%s what it has said by OpenAI's formula, whether or not that is among the likeliest",
    async (_, asked) => {
      const prompt = [1, 100, 101];
      const said = ids(await collect(prompt, { maxTokens: 24, temperature: 0, ...asked }));
      const distributions = (await model.distributions([...prompt, ...said], 400)).slice(prompt.length - 1);
      said.forEach((id, i) => {
        const before = said.slice(0, i);
        const changed = distributions[i]!.map(({ id: one, logprob }) => {
          const count = before.filter((earlier) => earlier === one).length;
          return {
            id: one,
            logit: logprob - count * asked.frequencyPenalty - (count > 0 ? asked.presencePenalty : 0),
          };
        }).sort((a, b) => b.logit - a.logit);
        expect(id).toBe(changed[0]!.id);
      });
      expect(said).not.toEqual(ids(await collect(prompt, { maxTokens: 24, temperature: 0 })));
    },
  );

  it("says what ONNX Runtime says on the same weights, with every way of choosing", async () => {
    const twin = new OnnxModel(TINY, tinyWeights(TINY, 4), { name: "twin", threads: 1 });
    const choosing = {
      maxTokens: 16,
      temperature: 1.2,
      topP: 0.95,
      minP: 0.02,
      presencePenalty: 0.5,
      seed: 3,
    };
    for (const repetitionPenalty of [1.5, 0.7]) {
      const options = { ...choosing, repetitionPenalty };
      const theirs: number[] = [];
      for await (const { id } of twin.generate([1, 100, 101], options)) theirs.push(id);
      expect(ids(await collect([1, 100, 101], options))).toEqual(theirs);
    }
    await twin.close();
  });

  it("runs more generations at once than it has sequences, each as if alone", async () => {
    const options = { maxTokens: 12, temperature: 0 };
    const prompts = [90, 120, 150, 200, 250].map((id) => [1, id]);
    const alone: number[][] = [];
    for (const prompt of prompts) alone.push(ids(await collect(prompt, options)));
    const together = await Promise.all(prompts.map((prompt) => collect(prompt, options)));
    expect(together.map(ids)).toEqual(alone);
  });

  it("reads once what several conversations begin with, and cuts none of them short for it", async () => {
    const shared = Array.from({ length: 120 }, (_, i) => 90 + ((i * 37) % 300));
    const [one, other, third] = [100, 200, 300].map((id) => [1, ...shared, id]);
    let cached = -1;
    const options = {
      maxTokens: 80,
      temperature: 0,
      onPrompt: (prompt: { readonly cachedTokens: number }) => (cached = prompt.cachedTokens),
    };
    const first = ids(await collect(one!, options));
    const second = ids(await collect(other!, options));
    expect(cached).toBe(shared.length + 1);
    // What the model says is what it says without a copy, token by token.
    for (const [prompt, said] of [
      [one!, first],
      [other!, second],
    ] as const) {
      const distributions = await model.distributions([...prompt, ...said], 1);
      expect(said).toEqual(distributions.slice(prompt.length - 1, -1).map(([best]) => best!.id));
    }
    await collect(one!, options);
    const waiting = model.generate(other!, options);
    await waiting.next();
    // From a sequence that is at work, too.
    const next = await collect([...one!, ...first, 77], { ...options, maxTokens: 1 });
    expect(next).toHaveLength(1);
    expect(cached).toBeGreaterThanOrEqual(one!.length + first.length - 1);
    await waiting.return();
    await collect(third!, options);
    expect(cached).toBe(shared.length + 1);
  });

  it("gives its sequence back when the reader leaves or the signal fires", async () => {
    for (let i = 0; i < 5; i++) {
      for await (const _ of model.generate([1, 90], { maxTokens: 100 })) break;
      const controller = new AbortController();
      const stopped = collect([1, 90], { maxTokens: 400, signal: controller.signal });
      controller.abort(new Error("gone"));
      await expect(stopped).rejects.toThrow("gone");
    }
    expect(await collect([1, 90], { maxTokens: 2 })).toHaveLength(2);
  });

  it("says what is wrong with impossible prompts", async () => {
    const tooLong = Array.from({ length: 513 }, () => 90);
    await expect(collect(tooLong, { maxTokens: 1 })).rejects.toThrow(/GENERATE_CONTEXT.*512.*513/);
    await expect(collect([], { maxTokens: 1 })).rejects.toThrow(/GENERATE_EMPTY_PROMPT/);
    await expect(model.score([[1, 400]])).rejects.toThrow(/GENERATE_TOKEN_ID/);
    expect(await model.score([[], [5]])).toEqual([Float64Array.of(), Float64Array.of(0)]);
  });

  it("tokenizes with llama.cpp's own tokenizer", () => {
    const special = model.tokenizeText("<s>the", { specialTokens: true });
    expect(special[0]).toBe(1);
    expect(special).toHaveLength(2);
    expect(model.tokenizeText("<s>", { specialTokens: false }).length).toBe(3);
  });

  it("refuses files that are not models, with the reason", async () => {
    const open = (file: string) => openLlamaModel(file, { name: "x", threads: 1 });
    await expect(open(join(dir, "none.gguf"))).rejects.toThrow(/GENERATE_GGUF.*ENOENT/);
    await expect(open(dir)).rejects.toThrow(/not a file/);
    await expect(open(join(dir, "weights", "config.json"))).rejects.toThrow(/another format/);
    const good = await readFile(path);
    const bad = join(dir, "bad.gguf");
    for (const length of [3, 20, 100, 5000, good.length - 100]) {
      await writeFile(bad, good.subarray(0, length));
      await expect(open(bad)).rejects.toThrow(/GENERATE_GGUF/);
    }
    const swap = (from: string, to: string) =>
      writeFile(bad, good.toString("latin1").replace(from, to), "latin1");
    // Each of these would end the process or never return, were the header not read first.
    await swap("apertus.feed_forward_length", "apertus.feed_forward_lengtX");
    await expect(open(bad)).rejects.toThrow(/GENERATE_GGUF.*no apertus.feed_forward_length/);
    await swap("key_length\u0004\u0000\u0000\u0000\u0010", "key_length\u0004\u0000\u0000\u0000\u0011");
    await expect(open(bad)).rejects.toThrow(/GENERATE_GGUF.*value_length other than the head's 17/);
    await swap("xielu.beta\u0009\u0000\u0000\u0000\u0006", "xielu.beta\u0009\u0000\u0000\u0000\u0046");
    await expect(open(bad)).rejects.toThrow(/GENERATE_GGUF.*unknown type 70/);
    await writeFile(bad, Buffer.from(good.toString("latin1").replaceAll("apertus", "apertuz"), "latin1"));
    await expect(open(bad)).rejects.toThrow(/GENERATE_GGUF.*apertuz/);
  });
});
