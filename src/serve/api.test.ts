import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { specialId } from "../../test/serve/ngram-model.ts";
import { hello, ngram, serveNgram, utf8 } from "../../test/serve/service.ts";
import type { RunningServer } from "./index.ts";

let server: RunningServer;
let client: OpenAI;
beforeAll(async () => {
  server = await serveNgram({ models: [ngram(), ngram("org/short", 48)] });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.close());

describe("models", () => {
  it("are listed and described to the official client", async () => {
    const list = await client.models.list();
    expect(list.data.map(({ id, object }) => [id, object])).toEqual([
      ["ngram", "model"],
      ["org/short", "model"],
    ]);
    expect(await client.models.retrieve("org/short")).toMatchObject({ id: "org/short", context_length: 48 });
  });

  it("that do not exist are a 404 with the nearest name", async () => {
    const wrong = client.chat.completions.create({ ...hello, model: "ngramm" });
    await expect(wrong).rejects.toThrow(OpenAI.NotFoundError);
    await expect(wrong).rejects.toMatchObject({ status: 404, code: "model_not_found", param: "model" });
    await expect(wrong).rejects.toThrow("Did you mean 'ngram'?");
    await expect(client.models.retrieve("none")).rejects.toThrow(OpenAI.NotFoundError);
  });
});

describe("chat completions with the official client", () => {
  it("answer in one piece, with usage and the reason they ended", async () => {
    const completion: OpenAI.ChatCompletion = await client.chat.completions.create(hello);
    expect(completion.choices[0]?.message).toMatchObject({
      role: "assistant",
      content: "Grüezi! Wie geht es dir?",
    });
    expect(completion.choices[0]?.finish_reason).toBe("stop");
    const answerTokens = utf8("Grüezi! Wie geht es dir?").length;
    expect(completion.usage).toMatchObject({
      prompt_tokens: 10,
      completion_tokens: answerTokens,
      total_tokens: 10 + answerTokens,
    });
  });

  it("stream the same text; the closing chunk comes before the usage chunk", async () => {
    const stream = await client.chat.completions.create({
      ...hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
    expect(text).toBe("Grüezi! Wie geht es dir?");
    expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean)).toEqual(["stop"]);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
    expect(chunks.at(-1)?.choices).toEqual([]);
    expect(chunks.at(-1)?.usage?.total_tokens).toBe(10 + utf8(text).length);
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  it("stream through the client's own helper, which checks the protocol", async () => {
    const runner = client.chat.completions.stream({ ...hello, n: 2, max_tokens: 4 });
    const final = await runner.finalChatCompletion();
    expect(final.choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [0, "length"],
      [1, "length"],
    ]);
  });

  it("hold the model back from what it has said, or keep it at it, in every API that is OpenAI's", async () => {
    // A bias that makes every token an e; a penalty of 2 a time ends that before the tenth.
    const biased = { model: "ngram", temperature: 0, max_tokens: 16, logit_bias: { "101": 20 } };
    const held = { frequency_penalty: 2, presence_penalty: 2 };
    const chat = async (sampling: object): Promise<string> =>
      (await client.chat.completions.create({ ...hello, ...biased, ...sampling })).choices[0]!.message
        .content ?? "";
    const complete = async (sampling: object): Promise<string> =>
      (await client.completions.create({ ...biased, prompt: "Die Sonne", ...sampling })).choices[0]!.text;
    for (const ask of [chat, complete]) {
      expect(await ask({})).toBe("e".repeat(16));
      expect(await ask(held)).toMatch(/^e{1,9}[^e]/);
      expect(await ask({ repetition_penalty: 100 })).toMatch(/^e{0,2}[^e]/);
    }
    // A min-p of 1 leaves nothing but the likeliest token.
    const respond = async (more: object): Promise<string> =>
      (await client.responses.create({ model: "ngram", input: "Hallo!", max_output_tokens: 20, ...more }))
        .output_text;
    const hot = { temperature: 2, top_p: 1, seed: 4 };
    expect(await respond({ ...hot, min_p: 1 })).toBe(await respond({ temperature: 0 }));
    expect(await respond(hot)).not.toBe(await respond({ temperature: 0 }));
  });

  it("take text parts, a system message, and nulls for fields that are not set", async () => {
    const completion = await client.chat.completions.create({
      model: "ngram",
      messages: [
        { role: "system", content: "Be kind." },
        {
          role: "user",
          content: [
            { type: "text", text: "Hal" },
            { type: "text", text: "lo!" },
          ],
        },
      ],
      temperature: 0,
      max_completion_tokens: 6,
      stop: null,
      top_p: null,
      logit_bias: null,
      stream: null,
      unheard_of: 1,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming);
    expect(completion.choices[0]?.finish_reason).toBe("length");
    expect(completion.usage?.completion_tokens).toBe(6);
  });

  it("stop at strings that span tokens", async () => {
    const completion = await client.chat.completions.create({ ...hello, stop: ["Wie geht", "xyz"] });
    expect(completion.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: "Grüezi! " },
    });
  });

  it("report log probabilities whose bytes spell the answer", async () => {
    const completion = await client.chat.completions.create({
      ...hello,
      logprobs: true,
      top_logprobs: 3,
      max_tokens: 6,
    });
    const content = completion.choices[0]?.logprobs?.content ?? [];
    expect(content).toHaveLength(6);
    const bytes = content.flatMap((token) => token.bytes ?? []);
    expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe("Grüez");
    for (const token of content) {
      expect(token.top_logprobs).toHaveLength(3);
      expect(token.top_logprobs[0]?.logprob).toBe(token.logprob);
      expect(token.logprob).toBeLessThanOrEqual(0);
    }
    const plain = await client.chat.completions.create(hello);
    expect(plain.choices[0]?.logprobs).toBeNull();
  });

  it("repeat themselves for one seed, differ for others, and do not change with n", async () => {
    const ask = async (seed: number, n = 1) => {
      const request = { ...hello, temperature: 2, top_p: 1, max_tokens: 12, seed, n };
      return (await client.chat.completions.create(request)).choices.map(({ message }) => message.content);
    };
    const [first] = await ask(7);
    expect(await ask(7)).toEqual([first]);
    expect((await ask(7, 2))[0]).toBe(first);
    expect((await ask(7, 2))[1]).not.toBe(first);
    expect(await ask(8)).not.toEqual([first]);
  });

  it("follow logit_bias", async () => {
    const completion = await client.chat.completions.create({
      ...hello,
      max_tokens: 3,
      logit_bias: { [utf8("Z")[0]!]: 100 },
    });
    expect(completion.choices[0]?.message.content).toBe("ZZZ");
  });
});

describe("completions with the official client", () => {
  it("continue a text", async () => {
    const completion: OpenAI.Completion = await client.completions.create({
      model: "ngram",
      prompt: "Die Sonne scheint",
      temperature: 0,
      max_tokens: 5,
    });
    expect(completion.choices[0]).toMatchObject({ text: " hell", finish_reason: "length", logprobs: null });
    expect(completion.usage).toMatchObject({ prompt_tokens: 18, completion_tokens: 5, total_tokens: 23 });
  });

  it("take token ids and several prompts, with n answers each in order", async () => {
    const ids = [specialId("<s>"), ...utf8("Die Sonne scheint")];
    const request = { model: "ngram", temperature: 0, max_tokens: 5 };
    const one = await client.completions.create({ ...request, prompt: ids });
    expect(one.choices[0]?.text).toBe(" hell");
    const many = await client.completions.create({ ...request, prompt: ["Die Son", "Der Sch"], n: 2 });
    expect(many.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, "ne sc"],
      [1, "ne sc"],
      [2, "nee w"],
      [3, "nee w"],
    ]);
    expect(many.usage?.prompt_tokens).toBe(16);
  });

  it("score a prompt that is echoed without an answer", async () => {
    const completion = await client.completions.create({
      model: "ngram",
      prompt: "Schön 🌙!",
      max_tokens: 0,
      echo: true,
      logprobs: 1,
    });
    const [choice] = completion.choices;
    expect(choice?.text).toBe("Schön 🌙!");
    expect(choice?.finish_reason).toBe("length");
    const { tokens = [], token_logprobs = [], top_logprobs = [], text_offset = [] } = choice?.logprobs ?? {};
    expect(tokens).toHaveLength(utf8("Schön 🌙!").length);
    expect(tokens.slice(3, 5)).toEqual(["bytes:\\xc3", "bytes:\\xb6"]);
    expect(text_offset).toEqual([0, 1, 2, 3, 3, 4, 5, 6, 6, 6, 6, 7].slice(0, text_offset.length));
    expect(token_logprobs.every((logprob) => typeof logprob === "number" && logprob < 0)).toBe(true);
    expect(Object.values(top_logprobs[0] ?? {}).length).toBeGreaterThan(0);
    expect(completion.usage?.completion_tokens).toBe(0);
  });

  it("give no probability to the first of the token ids they echo", async () => {
    const completion = await client.completions.create({
      model: "ngram",
      prompt: utf8("Die Sonne"),
      max_tokens: 2,
      echo: true,
      logprobs: 0,
      temperature: 0,
    });
    const logprobs = completion.choices[0]?.logprobs;
    expect(completion.choices[0]?.text).toBe("Die Sonne s");
    expect(logprobs?.token_logprobs?.[0]).toBeNull();
    expect(logprobs?.token_logprobs?.slice(1).every((value) => value < 0)).toBe(true);
    expect(logprobs?.text_offset).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("stream, with echo and usage", async () => {
    const stream = await client.completions.create({
      model: "ngram",
      prompt: "Die Sonne",
      temperature: 0,
      max_tokens: 3,
      echo: true,
      logprobs: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.Completion[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join("")).toBe("Die Sonne sc");
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.text_offset ?? [])).toEqual(
      Array.from("Die Sonne sc", (_, i) => i),
    );
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("length");
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(3);
  });
});

describe("the raw stream", () => {
  it("ends with [DONE] after the usage chunk", async () => {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ ...hello, stream: true, stream_options: { include_usage: true } }),
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const lines = (await response.text()).trim().split("\n\n");
    expect(lines.at(-1)).toBe("data: [DONE]");
    expect(JSON.parse(lines.at(-2)!.slice(6))).toMatchObject({ choices: [] });
  });
});
