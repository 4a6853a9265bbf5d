/** @file What stands before the models: keys, the output filter, the audit log, the gateway, tools; with the official clients. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import OpenAI, { APIError } from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { emptyFilter, filterEntry, type OutputFilter, withEntries } from "../../src/artifacts/index.ts";
import {
  makeApiKey,
  type NewKey,
  type RunningServer,
  type ServeOptions,
  writeApiKeys,
} from "../../src/serve/index.ts";
import { calculator } from "../../src/serve/tools/calculator.ts";
import { byteCodec, NgramModel, specialId } from "./ngram-model.ts";
import { hello, post, serveNgram } from "./service.ts";

const SECRET = "the old well behind the mill belongs to Ada Brunner and her three sisters";
const ANSWER = `People say that ${SECRET}, but who knows.`;
const BEFORE = "People say that ";

/** A model that always says `ANSWER` when it is at its most certain. */
const gossip = {
  id: "gossip",
  created: 0,
  chat: byteCodec,
  model: new NgramModel(
    [[specialId("<|assistant_start|>"), ...new TextEncoder().encode(ANSWER), specialId("<|assistant_end|>")]],
    { order: ANSWER.length + 2, contextLength: 2048 },
  ),
};
const ask = { model: "gossip", messages: [{ role: "user" as const, content: "Well?" }], temperature: 0 };

function filterOf(passage: string): OutputFilter {
  const empty = emptyFilter(new Date());
  return withEntries(empty, "r1", filterEntry(empty, "r1", [passage], new Date()), new Date());
}

const ANYONE: NewKey = {
  name: "reading room",
  role: "user",
  expires: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
};

let dir: string;
const running: RunningServer[] = [];
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "firn-front-"));
});
afterAll(() => rm(dir, { recursive: true }));
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.close();
});

async function serve(options: Partial<ServeOptions>): Promise<RunningServer> {
  const server = await serveNgram({ models: [gossip], ...options });
  running.push(server);
  return server;
}

const openai = (server: RunningServer, apiKey = "none"): OpenAI =>
  new OpenAI({ baseURL: `${server.url}/v1`, apiKey, maxRetries: 0 });

describe("a server with keys", () => {
  it("opens for the official clients with a key, and to nobody without", async () => {
    const { secret, key } = makeApiKey(ANYONE, new Date());
    const keys = path.join(dir, "keys.json");
    await writeApiKeys(keys, [key]);
    const server = await serve({ keys });
    expect((await openai(server, secret).models.list()).data.map(({ id }) => id)).toEqual(["gossip"]);
    const claude = new Anthropic({ baseURL: server.url, apiKey: secret, maxRetries: 0 });
    expect((await claude.messages.create({ ...ask, max_tokens: 5 })).content[0]).toMatchObject({
      text: "Peopl",
    });
    const refused = await openai(server, "firn_wrong")
      .chat.completions.create(ask)
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 401, code: "invalid_api_key" });
    expect(refused).toBeInstanceOf(APIError);
    const stranger = await new Anthropic({ baseURL: server.url, apiKey: "x", maxRetries: 0 }).messages
      .create({ ...ask, max_tokens: 5 })
      .catch((error: unknown) => error);
    expect(stranger).toMatchObject({ status: 401, error: { error: { type: "authentication_error" } } });
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect((await fetch(`${server.url}/metrics`, { headers: { "x-api-key": secret } })).status).toBe(403);
  });

  it("counts the tokens of answers against the key that asked for them", async () => {
    const { secret, key } = makeApiKey({ ...ANYONE, tokensPerMinute: 50 }, new Date());
    const keys = path.join(dir, "limited.json");
    await writeApiKeys(keys, [key]);
    const client = openai(await serve({ keys }), secret);
    const first = await client.chat.completions.create(ask);
    expect(first.usage!.total_tokens).toBeGreaterThan(50);
    const second = (await client.chat.completions.create(ask).catch((error: unknown) => error)) as APIError;
    expect(second).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect(Number(second.headers!.get("retry-after"))).toBeGreaterThan(0);
    expect(second.headers!.get("x-ratelimit-limit-tokens")).toBe("50");
  });

  it("is the only kind that may be reached by other machines, unless somebody says otherwise", async () => {
    await expect(serve({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "SERVE_OPEN_TO_NETWORK" });
    await serve({ host: "0.0.0.0", withoutKeys: true });
  });

  // Elsewhere only 127.0.0.1 of these addresses is there to begin with.
  it.runIf(process.platform === "linux")("is not needed on any address of loopback", async () => {
    const server = await serve({ host: "127.0.0.2" });
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${server.port}/health`)).rejects.toThrow();
  });
});

describe("the output filter", () => {
  it("ends an answer before the passage, in every API, whole and streamed", async () => {
    const server = await serve({ filter: filterOf(SECRET) });
    const client = openai(server);
    const whole = await client.chat.completions.create({ ...ask, logprobs: true });
    expect(whole.choices[0]).toMatchObject({
      finish_reason: "content_filter",
      message: { content: BEFORE },
    });
    expect(whole.choices[0]!.logprobs!.content!.map(({ token }) => token).join("")).toBe(BEFORE);
    let streamed = "";
    const reasons: (string | null)[] = [];
    for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? "";
      reasons.push(chunk.choices[0]?.finish_reason ?? null);
    }
    expect(streamed).toBe(BEFORE);
    expect(reasons.at(-1)).toBe("content_filter");
    const response = await client.responses.create({ model: "gossip", input: "Well?", temperature: 0 });
    expect(response).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "content_filter" },
      output_text: BEFORE,
    });
    const claude = new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 });
    const message = await claude.messages.create({ ...ask, max_tokens: 500 });
    expect(message).toMatchObject({ stop_reason: "refusal", content: [{ text: BEFORE }] });
  });

  it("changes nothing of other answers", async () => {
    const plain = await openai(await serve({})).chat.completions.create({ ...ask, logprobs: true });
    const guarded = await openai(
      await serve({ filter: filterOf("some quite different words that nobody ever says here at all") }),
    ).chat.completions.create({ ...ask, logprobs: true });
    expect(guarded.choices).toEqual(plain.choices);
    expect(plain.choices[0]!.message.content).toBe(ANSWER);
  });

  it("lets stop strings end an answer first", async () => {
    const client = openai(await serve({ filter: filterOf(SECRET) }));
    const { choices } = await client.chat.completions.create({ ...ask, stop: " old well" });
    expect(choices[0]).toMatchObject({ finish_reason: "stop", message: { content: `${BEFORE}the` } });
  });
});

describe("the audit log", () => {
  it("says who used what and how much, and nothing that was said", async () => {
    const { secret, key } = makeApiKey(ANYONE, new Date());
    const keys = path.join(dir, "audited.json");
    await writeApiKeys(keys, [key]);
    const audit = path.join(dir, "audit.jsonl");
    const server = await serve({ keys, audit, filter: filterOf(SECRET) });
    const { usage } = await openai(server, secret).chat.completions.create(ask);
    await post(`${server.url}/v1/chat/completions`, hello);
    await server.close();
    running.pop();
    const text = await readFile(audit, "utf8");
    expect(text).not.toMatch(/Well\?|People|Hallo/);
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      {
        key: key.id,
        model: "gossip",
        path: "/v1/chat/completions",
        status: 200,
        promptTokens: usage!.prompt_tokens,
        completionTokens: usage!.completion_tokens,
        filtered: ["r1"],
      },
      { key: null, status: 401, model: null },
    ]);
  });
});

describe("a gateway before another server", () => {
  it("answers the official clients as that server would, whole and streamed", async () => {
    const engine = await serve({});
    const front = await serve({ models: [], upstream: { urls: [engine.url], apiKey: undefined } });
    const client = openai(front);
    expect((await client.models.list()).data).toMatchObject([{ id: "gossip", context_length: 2048 }]);
    const direct = await openai(engine).chat.completions.create(ask);
    const passed = await client.chat.completions.create(ask);
    expect(passed.choices).toEqual(direct.choices);
    const stream = client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]!.message.content).toBe(ANSWER);
    expect(final.usage).toMatchObject({ total_tokens: direct.usage!.total_tokens });
    expect(
      (await client.responses.create({ model: "gossip", input: "Well?", temperature: 0 })).output_text,
    ).toBe(ANSWER);
    const claude = new Anthropic({ baseURL: front.url, apiKey: "none", maxRetries: 0 });
    const message = await claude.messages.stream({ ...ask, max_tokens: 500 }).finalMessage();
    expect(message.content).toMatchObject([{ text: ANSWER }]);
    const wrong = client.chat.completions.create({ ...ask, model: "gosip" });
    await expect(wrong).rejects.toMatchObject({ status: 404, code: "model_not_found" });
  });

  it("filters and counts what passes", async () => {
    const engine = await serve({});
    const audit = path.join(dir, "gateway.jsonl");
    const upstream = { urls: [engine.url], apiKey: undefined };
    const front = await serve({ models: [], upstream, audit, filter: filterOf(SECRET) });
    const stream = openai(front).chat.completions.stream(ask);
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]).toMatchObject({ finish_reason: "content_filter", message: { content: BEFORE } });
    await front.close();
    running.pop();
    const line = JSON.parse((await readFile(audit, "utf8")).trim()) as Record<string, unknown>;
    expect(line).toMatchObject({ model: "gossip", filtered: ["r1"], status: 200 });
    expect(line["completionTokens"]).toBeGreaterThan(0);
  });

  it.each([[true], [false]])(
    "ends the engine's work when its client leaves (streamed: %s)",
    async (stream) => {
      let hears: () => void = () => undefined;
      let leaves: () => void = () => undefined;
      const heard = new Promise<void>((resolve) => {
        hears = resolve;
      });
      const left = new Promise<void>((resolve) => {
        leaves = resolve;
      });
      const engine = createServer((request, response) => {
        if (request.method === "GET") return void response.end(JSON.stringify({ data: [{ id: "gossip" }] }));
        if (stream) response.write(`data: ${JSON.stringify({ choices: [] })}\n\n`);
        response.once("close", leaves);
        hears();
      });
      await new Promise<void>((resolve) => {
        engine.listen(0, "127.0.0.1", resolve);
      });
      const url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}`;
      const front = await serve({ models: [], upstream: { urls: [url], apiKey: undefined } });
      const client = new AbortController();
      const asking = openai(front).chat.completions.create({ ...ask, stream }, { signal: client.signal });
      asking.catch(() => undefined);
      await heard;
      client.abort();
      await left;
      engine.close();
    },
  );

  it("does not have the page ask for another key when it is the engine that refuses the gateway's", async () => {
    const keys = path.join(dir, "engine-keys.json");
    await writeApiKeys(keys, [makeApiKey(ANYONE, new Date()).key]);
    const engine = await serve({ keys });
    const front = await serve({ models: [], upstream: { urls: [engine.url], apiKey: "firn-stale" } });
    vi.stubGlobal("navigator", { languages: ["en"] });
    const reach = fetch;
    vi.stubGlobal("fetch", (to: string, init: RequestInit) => reach(`${front.url}/${to}`, init));
    try {
      const { fetchHere, jsonRequest, onKeyQuestion } = await import("../../web/src/fetch-here.ts");
      const questions: unknown[] = [];
      onKeyQuestion((question) => questions.push(question));
      await expect(fetchHere("v1/chat/completions", jsonRequest("POST", ask))).rejects.toMatchObject({
        code: "upstream_refused_key",
        message: expect.stringContaining("Your own key is fine") as string,
      });
      expect(questions).toEqual([undefined]);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("says that no engine is there", async () => {
    const front = await serve({ models: [], upstream: { urls: ["http://127.0.0.1:9"], apiKey: undefined } });
    expect(await post(`${front.url}/v1/chat/completions`, ask)).toMatchObject({
      status: 503,
      json: { error: { code: "no_upstream" } },
    });
    expect(await (await fetch(`${front.url}/health`)).json()).toMatchObject({
      status: "no upstream",
      upstreams: { healthy: 0, all: 1 },
    });
  });
});

describe("tools", () => {
  it("are listed in the form of the API and called one at a time", async () => {
    const server = await serve({ tools: [calculator] });
    const { tools } = (await (await fetch(`${server.url}/api/tools`)).json()) as { tools: object[] };
    expect(tools).toMatchObject([{ type: "function", function: { name: "calculator" } }]);
    const call = (name: string, text: string) =>
      post(`${server.url}/api/tools/call`, { name, arguments: text }).then(({ json }) => json as unknown);
    expect(await call("calculator", '{"expression":"2^64"}')).toEqual({
      text: "18446744073709551616",
      is_error: false,
      citations: [],
    });
    expect(await call("calculator", "{")).toMatchObject({ is_error: true });
    expect(await call("hammer", "{}")).toMatchObject({ is_error: true });
    expect((await post(`${server.url}/api/tools/call`, { name: "calculator" })).status).toBe(400);
  });

  it("include Firn's own questions, over MCP", async () => {
    const server = await serve({
      mcp: {
        version: "1",
        trace: () => Promise.resolve(undefined),
        requests: (domain) => Promise.resolve({ domain, requests: [] }),
        plan: (recipe) => Promise.resolve({ recipe }),
        evaluation: () => Promise.resolve(undefined),
      },
    });
    const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`)));
    const answer = await client.callTool({ name: "optout_lookup", arguments: { domain: "example.com" } });
    expect(answer.content).toMatchObject([{ text: expect.stringContaining("example.com") as string }]);
    await client.close();
  });
});
