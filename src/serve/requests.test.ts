import { request as httpRequest } from "node:http";
import fc from "fast-check";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { specialId } from "../../test/serve/ngram-model.ts";
import { hello, ngram, post, serveNgram, utf8 } from "../../test/serve/service.ts";
import type { DistributionAnswer, RunningServer } from "./index.ts";

let server: RunningServer;
let client: OpenAI;
beforeAll(async () => {
  server = await serveNgram({
    models: [ngram(), ngram("org/short", 48)],
    limits: { bodyBytes: 10_000 },
  });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.close());

const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  post(`${server.url}${path}`, body, headers);

describe("bad requests", () => {
  const chat = "/v1/chat/completions";

  it.each([
    ["a string for a number", { ...hello, temperature: "hot" }, "temperature", "invalid_type"],
    ["a temperature out of range", { ...hello, temperature: 3 }, "temperature", "invalid_value"],
    ["no messages", { model: "ngram" }, "messages", "missing_required_parameter"],
    ["no model", { messages: hello.messages }, "model", "missing_required_parameter"],
    ["empty messages", { ...hello, messages: [] }, "messages", "invalid_value"],
    [
      "a foreign role",
      { ...hello, messages: [{ role: "wizard", content: "x" }] },
      "messages[0].role",
      "invalid_type",
    ],
    [
      "a number as content",
      { ...hello, messages: [{ role: "user", content: 5 }] },
      "messages[0].content",
      "invalid_type",
    ],
    [
      "a user message without content",
      { ...hello, messages: [{ role: "user" }] },
      "messages[0].content",
      "invalid_type",
    ],
    ["an empty stop string", { ...hello, stop: "" }, "stop", "invalid_value"],
    ["a bias on no token", { ...hello, logit_bias: { "99999": 1 } }, "logit_bias", "invalid_value"],
    [
      "a tool without a name",
      { ...hello, tools: [{ type: "function", function: {} }] },
      "tools[0].function.name",
      "missing_required_parameter",
    ],
    ["a penalty out of range", { ...hello, presence_penalty: 2.1 }, "presence_penalty", "invalid_value"],
    ["a penalty of words", { ...hello, frequency_penalty: "much" }, "frequency_penalty", "invalid_type"],
    ["a min_p out of range", { ...hello, min_p: 2 }, "min_p", "invalid_value"],
    ["a division by zero", { ...hello, repetition_penalty: 0 }, "repetition_penalty", "invalid_value"],
    [
      "a penalty that is not offered",
      { ...hello, repeat_penalty: 1.1 },
      "repeat_penalty",
      "unsupported_parameter",
    ],
    [
      "broken Unicode",
      '{"model":"ngram","messages":[{"role":"user","content":"\\ud800"}]}',
      "messages[0].content",
      undefined,
    ],
    ["top_logprobs alone", { ...hello, top_logprobs: 2 }, "top_logprobs", "invalid_value"],
    ["too many answers", { ...hello, n: 100 }, "n", "invalid_value"],
    [
      "a conversation the model's format cannot hold",
      { ...hello, messages: [{ role: "assistant", content: "x" }] },
      "messages",
      "invalid_value",
    ],
  ])("with %s are a 400 that names the field", async (_, body, param, code) => {
    const { status, json } = await send(chat, body);
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ type: "invalid_request_error", param, ...(code && { code }) });
    expect(json.error.message.length).toBeGreaterThan(10);
  });

  it("that are not JSON or not UTF-8 are a 400", async () => {
    expect(await send(chat, "{oh no")).toMatchObject({
      status: 400,
      json: { error: { code: "invalid_json" } },
    });
    expect(await send(chat, "")).toMatchObject({ status: 400, json: { error: { code: "invalid_json" } } });
    expect(await send(chat, "[1]")).toMatchObject({ status: 400, json: { error: { code: "invalid_type" } } });
    const broken = Uint8Array.of(0x22, 0xff, 0x22);
    expect(await send(chat, broken)).toMatchObject({
      status: 400,
      json: { error: { code: "invalid_utf8" } },
    });
  });

  it("whose prompt is longer than the context say both numbers and cut nothing", async () => {
    const long = client.completions.create({ model: "org/short", prompt: "x".repeat(100) });
    await expect(long).rejects.toMatchObject({
      status: 400,
      code: "context_length_exceeded",
      param: "prompt",
    });
    await expect(long).rejects.toThrow(/context length is 48 tokens, but your prompt has 101 tokens/);
    const chatLong = client.chat.completions.create({
      model: "org/short",
      messages: [{ role: "user", content: "x".repeat(100) }],
    });
    await expect(chatLong).rejects.toMatchObject({ code: "context_length_exceeded", param: "messages" });
  });

  it("with token ids outside the vocabulary are a 400", async () => {
    const { status, json } = await send("/v1/completions", { model: "ngram", prompt: [1, 9999] });
    expect([status, json.error.param]).toEqual([400, "prompt"]);
  });

  it("larger than the limit are a 413, whether they say their size or not", async () => {
    expect((await send(chat, "x".repeat(20_000))).status).toBe(413);
    const unsized = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("x".repeat(20_000)));
        controller.close();
      },
    });
    const init = { method: "POST", body: unsized, duplex: "half" } as RequestInit;
    const response = await fetch(`${server.url}${chat}`, init);
    expect(response.status).toBe(413);
  });

  it("of any shape never make the server fail", async () => {
    const field = fc.constantFrom(
      "prompt",
      "messages",
      "max_tokens",
      "stop",
      "n",
      "logprobs",
      "stream",
      "text",
      "top",
      "input",
      "tools",
      "tool_choice",
      "response_format",
      "text",
      "system",
      "tokens",
      "instructions",
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>([{ role: "user", content: [] }], [[]], [["a"], [1]], "", -1, 1e300, "\ud800"),
      fc.constantFrom<unknown>(
        [{ role: "user", content: "a" }],
        [{ type: "function", name: "f", parameters: {} }],
        [{ type: "function", function: { name: "f", parameters: { enum: [{}], properties: { a: null } } } }],
        [{ name: "f", input_schema: { type: "object", items: null } }],
        { type: "json_schema", json_schema: { name: "x", schema: { $ref: "#/x" } } },
        "required",
      ),
    );
    const path = fc.constantFrom(
      "/v1/completions",
      "/v1/chat/completions",
      "/v1/responses",
      "/v1/messages",
      "/v1/embeddings",
      "/tokenize",
      "/detokenize",
      "/api/distribution",
    );
    await fc.assert(
      fc.asyncProperty(path, fc.dictionary(field, value, { maxKeys: 4 }), async (where, fields) => {
        const body = JSON.stringify({ model: "org/short", max_tokens: 2, max_output_tokens: 2, ...fields });
        const response = await fetch(server.url + where, { method: "POST", body });
        await response.text();
        expect([200, 400]).toContain(response.status);
      }),
      { numRuns: 150 },
    );
  });

  it("to unknown addresses are a 404 in the API's shape", async () => {
    const { status, json } = await send("/v1/nothing", {});
    expect([status, json.error.code]).toEqual([404, "unknown_url"]);
  });

  it("from other sites are refused before they are read", async () => {
    const foreign = await send(chat, hello, { origin: "https://evil.example" });
    expect([foreign.status, foreign.json.error.code]).toEqual([403, "origin_not_allowed"]);
    const rebound = await new Promise<number | undefined>((resolve, reject) => {
      const options = {
        host: "127.0.0.1",
        port: server.port,
        path: "/v1/models",
        headers: { host: "evil.example" },
      };
      httpRequest(options, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    expect(rebound).toBe(403);
  });
});

describe("the next-token view's data", () => {
  const ask = async (body: object) => {
    const { status, json } = await send("/api/distribution", { model: "ngram", ...body });
    return { status, json: json as unknown as DistributionAnswer };
  };

  it("holds tokens, what they cost and what was likely after each", async () => {
    const { json } = await ask({ text: "Die Sonne", top: 5 });
    expect(json.text).toBe("Die Sonne");
    expect(json.tokens.map((token) => token.text)).toEqual(["<s>", ...Array.from("Die Sonne")]);
    expect(json.tokens[0]).toMatchObject({ bytes: null, logprob: null });
    expect(json.next).toHaveLength(json.tokens.length);
    for (const choices of json.next) {
      expect(choices).toHaveLength(5);
      const total = choices.reduce((sum, choice) => sum + choice.probability, 0);
      expect(total).toBeGreaterThan(0);
      expect(total).toBeLessThanOrEqual(1 + 1e-9);
    }
    expect(json.next.at(-1)?.[0]?.text).toBe(" ");
    expect(Math.exp(json.tokens[1]!.logprob!)).toBeCloseTo(
      json.next[0]!.find((choice) => choice.text === "D")!.probability,
    );
  });

  it("goes on from the tokens of an earlier answer", async () => {
    const { json } = await ask({ tokens: [specialId("<s>"), ...utf8("Di"), 0xc3] });
    expect(json.text).toBe("Di\ufffd");
    expect(json.tokens).toHaveLength(4);
  });

  it("refuses both, neither, foreign tokens and too long a text", async () => {
    expect((await ask({})).status).toBe(400);
    expect((await ask({ text: "a", tokens: [1] })).status).toBe(400);
    expect((await ask({ tokens: [100_000] })).status).toBe(400);
    expect((await ask({ model: "org/short", text: "x".repeat(60) })).status).toBe(400);
  });
});
