/** @file The service on a real GGUF file in llama.cpp with Firn's tokenizer, asked by the official client. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { randomStream } from "../../src/core/index.ts";
import {
  GrammarConstraint,
  JsonGrammarBuilder,
  type LlamaModel,
  openLlamaModel,
  sampleToken,
  TokenTable,
} from "../../src/generate/index.ts";
import { writeApertusGguf } from "../../src/release/index.ts";
import { type DistributionAnswer, type RunningServer, tokenizerCodec } from "../../src/serve/index.ts";
import {
  APERTUS_PATTERN,
  PreTokenizer,
  defaultSystemText,
  PieceCounter,
  renderChat,
  saveTokenizer,
  type Tokenizer,
  tokenizerFromMerges,
  trainMerges,
} from "../../src/tokenizer/index.ts";
import { firn } from "../pipeline/tiny.ts";
import { TINY, writeTinyModel } from "../release/tiny-model.ts";
import { post, serveNgram } from "./service.ts";

const TEXT =
  "Die Sonne scheint hell am Himmel. Die Sonne scheint auf den Schnee. Der Schnee wird zu Firn, und der Firn " +
  "wird zu Eis. The sun shines on the snow. The snow becomes firn, and the firn becomes ice. Grüezi, schöne Welt!";

async function trainedTokenizer(): Promise<Tokenizer> {
  const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
  counter.add(TEXT);
  const merges = await trainMerges(counter.total(), { tokens: 256 + 60, minFrequency: 2 });
  return tokenizerFromMerges(merges, { specialBlock: 80, systemText: defaultSystemText({ name: "Tiny" }) });
}

let dir: string;
let path: string;
let tokenizer: Tokenizer;
let model: LlamaModel;
let server: RunningServer;
let client: OpenAI;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-serve-gguf-"));
  tokenizer = await trainedTokenizer();
  const { weightsDir } = await writeTinyModel(dir, { ...TINY, vocabSize: tokenizer.vocabSize }, 11);
  const tokenizerDir = join(dir, "trained-tokenizer");
  await mkdir(tokenizerDir);
  await saveTokenizer(tokenizer, tokenizerDir);
  path = join(tokenizerDir, "tiny.gguf");
  const about = { name: "tiny", version: "1", description: "test", licence: "Apache-2.0", languages: ["de"] };
  await writeApertusGguf({ weightsDir, tokenizerDir, path, type: "F32", about });
  model = await openLlamaModel(path, { name: "tiny", threads: 1 });
  const served = { id: "tiny", model, chat: tokenizerCodec(tokenizer), created: 1_700_000_000 };
  server = await serveNgram({ models: [served] });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await server?.close();
  await model?.close();
  await rm(dir, { recursive: true });
});

const question = [{ role: "user" as const, content: "Scheint die Sonne? <|assistant_start|>" }];
const request = { model: "tiny", messages: question, max_tokens: 24, temperature: 1, top_p: 1, seed: 5 };

describe("a conversation in the terminal on llama.cpp", () => {
  it("answers each line that is piped in, whatever has to be opened before", async () => {
    const stdin = vi.spyOn(process, "stdin", "get");
    const talk = (...words: string[]) => {
      stdin.mockReturnValue(Readable.from(["Hallo\n", "Firn?\n"]) as unknown as typeof process.stdin);
      return firn("chat", path, "--max-tokens", "4", "--threads", "1", "--json", ...words);
    };
    try {
      const { code, out } = await talk();
      expect(code, out).toBe(0);
      const { turns } = JSON.parse(out) as { turns: { user: string }[] };
      expect(turns.map(({ user }) => user)).toEqual(["Hallo", "Firn?"]);
      await writeFile(join(dir, "a.md"), TEXT);
      // No line was lost while the documents were read: for this small a context they are too much.
      expect((await talk("--documents", dir)).out).toContain("SERVE_MESSAGE_TOO_LONG");
    } finally {
      stdin.mockRestore();
    }
  });
});

describe("the service on llama.cpp", () => {
  it("renders the chat itself, so that nobody can forge a turn", async () => {
    const completion = await client.chat.completions.create(request);
    const { ids } = renderChat(tokenizer, question, { addGenerationPrompt: true });
    expect(completion.usage?.prompt_tokens).toBe(ids.length);
    expect(ids.filter((id) => id === tokenizer.idOf("<|assistant_start|>"))).toHaveLength(1);
  });

  it("streams what it answers in one piece, for the same seed, to many clients at once", async () => {
    const whole = await client.chat.completions.create(request);
    const streams = Array.from({ length: 6 }, async () => {
      const stream = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
      return stream.finalChatCompletion();
    });
    for (const streamed of await Promise.all(streams)) {
      expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
      expect(streamed.choices[0]?.finish_reason).toBe(whole.choices[0]?.finish_reason);
      expect(streamed.usage?.total_tokens).toBe(whole.usage?.total_tokens);
    }
  });

  it("takes instructions under either name", async () => {
    const ask = async (role: "system" | "developer") => {
      const messages = [{ role, content: "Antworte kurz." }, ...question];
      return (await client.chat.completions.create({ ...request, messages })).choices[0]?.message.content;
    };
    expect(await ask("developer")).toBe(await ask("system"));
  });

  it("scores echoed text as the model does", async () => {
    const prompt = "Die Sonne scheint. Schöne Welt 🌍";
    const completion = await client.completions.create({
      model: "tiny",
      prompt,
      max_tokens: 0,
      echo: true,
      logprobs: 2,
    });
    const ids = [tokenizer.bosId, ...tokenizer.encode(prompt)];
    const [scores] = await model.score([ids]);
    const logprobs = completion.choices[0]?.logprobs;
    expect(completion.choices[0]?.text).toBe(prompt);
    expect(logprobs?.token_logprobs?.length).toBe(ids.length - 1);
    logprobs?.token_logprobs?.forEach((logprob, i) => expect(logprob).toBeCloseTo(scores![i + 1]!, 4));
  });

  it("shows the page each token with its distribution", async () => {
    const { json } = await post(`${server.url}/api/distribution`, {
      model: "tiny",
      text: "Die Sonne",
      top: 5,
    });
    const answer = json as unknown as DistributionAnswer;
    expect(answer.tokens.map(({ text }) => text).join("")).toBe("<s>Die Sonne");
    expect(answer.tokens.length).toBeLessThan("<s>Die Sonne".length);
    answer.next.forEach((choices) => expect(choices).toHaveLength(5));
    const inTop = answer.next[0]!.find(({ id }) => id === answer.tokens[1]!.id);
    if (inTop !== undefined) expect(Math.log(inTop.probability)).toBeCloseTo(answer.tokens[1]!.logprob!, 4);
  });

  it("says both numbers when a conversation is longer than the context", async () => {
    const messages = [{ role: "user" as const, content: "q".repeat(600) }];
    await expect(client.chat.completions.create({ ...request, messages })).rejects.toThrow(
      /context length is 512 tokens, but your prompt has \d+ tokens/,
    );
  });

  it("fills the context to its last token and then says so", async () => {
    const completion = await client.completions.create({
      model: "tiny",
      prompt: Array.from({ length: 509 }, () => 90),
      max_tokens: 50,
      temperature: 0,
    });
    expect(completion.choices[0]?.finish_reason).toBe("length");
    expect(completion.usage?.completion_tokens).toBe(3);
  });

  it("holds a random model's calls to their schema at any temperature, and reads them back", async () => {
    const parameters = {
      type: "object",
      properties: {
        city: { type: "string", maxLength: 8 },
        days: { type: "integer", minimum: 1, maximum: 31 },
      },
      required: ["city", "days"],
      additionalProperties: false,
    };
    const tools = [
      { type: "function" as const, function: { name: "get_weather", parameters, strict: true } },
    ];
    for (const temperature of [0, 1, 2]) {
      const choice = { tool_choice: "required" as const, parallel_tool_calls: false };
      const ask = { ...request, ...choice, tools, temperature, max_tokens: 200 };
      const final = await client.chat.completions.stream(ask).finalChatCompletion();
      const { message, finish_reason } = final.choices[0]!;
      expect(finish_reason).toBe("tool_calls");
      for (const call of message.tool_calls!) {
        const values = JSON.parse(call.function.arguments) as { city: string; days: number };
        expect(Array.from(values.city).length).toBeLessThanOrEqual(8);
        expect(values.days >= 1 && values.days <= 31).toBe(true);
      }
      const results = message.tool_calls!.map((call) => ({
        role: "tool" as const,
        tool_call_id: call.id,
        content: "Snow",
      }));
      const again = await client.chat.completions.create({
        ...request,
        tools,
        max_tokens: 1,
        messages: [...question, { role: "assistant", tool_calls: message.tool_calls! }, ...results],
      });
      const { ids } = renderChat(
        tokenizer,
        [
          ...question,
          {
            role: "assistant",
            tool_calls: message.tool_calls!.map((call) => ({ type: "function", function: call.function })),
          },
          ...results.map(({ content }) => ({ role: "tool" as const, content })),
        ],
        { addGenerationPrompt: true, tools: [{ name: "get_weather", parameters }] },
      );
      expect(again.usage?.prompt_tokens).toBe(ids.length);
    }
  });

  it("chooses under a constraint as it would with every logit in view", async () => {
    const builder = new JsonGrammarBuilder();
    const grammar = builder.build(builder.list(builder.rule([builder.boolean], [builder.string]), 1, 3));
    const table = new TokenTable(tokenizer.vocabSize, (id) =>
      tokenizer.isSpecial(id) ? undefined : tokenizer.tokenBytes(id),
    );
    const fresh = () => new GrammarConstraint(table, grammar, [2]);
    const prompt = [1, 100, 101];
    for (let seed = 0; seed < 3; seed++) {
      const constraint = fresh();
      const ids: number[] = [];
      for await (const { id } of model.generate(prompt, {
        maxTokens: 40,
        temperature: 1,
        topP: 0.7,
        seed,
        constraint,
      }))
        ids.push(id);
      const twin = fresh();
      const random = randomStream(seed, "generate");
      let at = [...prompt];
      for (const id of ids) {
        const [choices] = (await model.distributions(at, tokenizer.vocabSize)).slice(-1);
        const known = choices!.map((choice) => ({ id: choice.id, logit: choice.logprob }));
        const totalWeight = Math.exp(-known[0]!.logit);
        const options = {
          temperature: 1,
          topP: 0.7,
          topK: 0,
          minP: 0,
          allows: (one: number) => twin.allows(one),
        };
        const expected = sampleToken(
          { known, hidden: 0, hiddenMax: 0, totalWeight },
          options,
          random.float(),
        );
        expect(id).toBe(expected);
        twin.accept(id);
        at = [...at, id];
      }
      expect(ids.length).toBeGreaterThan(2);
    }
  });

  it("reads only what is new in a conversation that comes back", async () => {
    const conversation = [{ role: "user" as const, content: "Wer bist du, und was ist Firn?" }];
    const first = await client.chat.completions.create({
      ...request,
      messages: conversation,
      temperature: 0,
    });
    const said = { role: "assistant" as const, content: first.choices[0]!.message.content };
    const again = { ...request, messages: [...conversation, said, ...question], temperature: 0 };
    const second = await client.chat.completions.create(again);
    const { cached_tokens: cached } = second.usage!.prompt_tokens_details!;
    expect(cached).toBeGreaterThanOrEqual(first.usage!.prompt_tokens - 1);
    expect(cached).toBeLessThan(second.usage!.prompt_tokens);
    expect(second.choices[0]!.message.content).toBe(
      (await client.chat.completions.create(again)).choices[0]!.message.content,
    );
  });

  it("embeds texts as vectors of length 1, the same in both encodings", async () => {
    const input = ["Die Sonne scheint.", "The sun shines."];
    const floats = await client.embeddings.create({ model: "tiny", input, encoding_format: "float" });
    const coded = await client.embeddings.create({ model: "tiny", input });
    for (const [i, { embedding }] of floats.data.entries()) {
      expect(embedding).toHaveLength(TINY.hiddenSize);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
      coded.data[i]!.embedding.forEach((value, at) => expect(value).toBeCloseTo(embedding[at]!, 5));
    }
    expect(floats.data[0]!.embedding).not.toEqual(floats.data[1]!.embedding);
    const tokens = input.map((text) => tokenizer.encode(text).length + 1);
    expect(floats.usage.prompt_tokens).toBe(tokens[0]! + tokens[1]!);
  });
});
