import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { emptyFilter, filterEntry, withEntries } from "../../artifacts/index.ts";
import type { ApiError } from "../api-error.ts";
import { OutputIndex } from "../output-guard.ts";
import { Gateway, type GatewayPath, type Outcome } from "./gateway.ts";
import { readEvents } from "./read-events.ts";
import { UpstreamPool } from "./upstream-pool.ts";

const SECRET = "Jane Doe of Example Street lives behind the third door on the left side";
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

interface Engine {
  readonly url: string;
  readonly requests: { path: string; body: Record<string, unknown>; authorization: string | undefined }[];
  server: Server;
}

type Answering = (request: Engine["requests"][number], response: ServerResponse) => void;

/** An engine that has `models` and answers as it is told: the wire, not the mathematics, is what is tested here. */
async function engine(models: readonly string[], answering: Answering): Promise<Engine> {
  const requests: Engine["requests"] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === "/v1/models") {
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({ object: "list", data: models.map((id) => ({ id, max_model_len: 4096 })) }),
      );
      return;
    }
    let text = "";
    for await (const part of request) text += String(part);
    const seen = {
      path: request.url ?? "",
      body: JSON.parse(text) as Record<string, unknown>,
      authorization: request.headers.authorization,
    };
    requests.push(seen);
    answering(seen, response);
  };
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  opened.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, server };
}

const says = (text: string): Answering => {
  return ({ body }, response) => {
    if (body["stream"] !== true) {
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({
          choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
          usage: { prompt_tokens: 5, completion_tokens: 7 },
        }),
      );
      return;
    }
    response.setHeader("content-type", "text/event-stream");
    const send = (chunk: object): void => void response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    const choice = (delta: object, finish_reason: string | null) => ({
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    });
    send(choice({ role: "assistant", content: "" }, null));
    for (const piece of text.split(/(?<=\s)/)) send(choice({ content: piece }, null));
    send(choice({}, "stop"));
    const options = body["stream_options"] as { include_usage?: boolean } | undefined;
    if (options?.include_usage === true)
      send({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 7 } });
    response.end("data: [DONE]\n\n");
  };
};

async function gatewayTo(engines: readonly Engine[], secret?: string, checkEvery = 60_000): Promise<Gateway> {
  const urls = engines.map(({ url }) => url);
  const pool = await UpstreamPool.open({ urls, apiKey: "engine-key", checkEvery });
  opened.push(pool);
  const empty = emptyFilter(new Date());
  const filter =
    secret === undefined
      ? undefined
      : new OutputIndex(withEntries(empty, "r1", filterEntry(empty, "r1", [secret], new Date()), new Date()));
  return new Gateway(pool, filter);
}

async function ask(
  gateway: Gateway,
  body: Record<string, unknown>,
  path: GatewayPath = "/v1/chat/completions",
  signal: AbortSignal = new AbortController().signal,
) {
  const outcomes: Outcome[] = [];
  const reply = await gateway.forward({ path, body, signal, done: (outcome) => outcomes.push(outcome) });
  if (reply.kind === "whole") return { ...reply, events: [] as object[], outcomes };
  const events: object[] = [];
  for await (const event of reply.events) events.push(event);
  return { kind: "stream" as const, status: 200, body: {}, events, outcomes };
}

interface Chunk {
  choices: { delta: { content?: string }; finish_reason: string | null }[];
  usage?: object;
}
const chunks = (events: readonly object[]): Chunk[] => events.map((event) => event as Chunk);
const textOf = (events: readonly object[]): string =>
  chunks(events)
    .flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? ""))
    .join("");
const finishOf = (events: readonly object[]): (string | null)[] =>
  chunks(events).flatMap(({ choices }) =>
    choices.map(({ finish_reason }) => finish_reason).filter((reason) => reason !== null),
  );

const hello = { model: "apertus", messages: [{ role: "user", content: "Hallo!" }] };

describe("the gateway", () => {
  it("passes a request on with the engine's key and gives its answer back, whole and streamed", async () => {
    const one = await engine(["apertus"], says("Grüezi mitenand"));
    const gateway = await gatewayTo([one]);
    expect(gateway.pool.models()).toEqual([{ id: "apertus", created: 0, contextLength: 4096 }]);
    const whole = await ask(gateway, { ...hello, temperature: 0.5, unknown_field: [1] });
    expect(whole.body).toMatchObject({ choices: [{ message: { content: "Grüezi mitenand" } }] });
    expect(one.requests[0]).toMatchObject({
      path: "/v1/chat/completions",
      authorization: "Bearer engine-key",
      body: { temperature: 0.5, unknown_field: [1] },
    });
    const streamed = await ask(gateway, { ...hello, stream: true });
    expect(textOf(streamed.events)).toBe("Grüezi mitenand");
    expect(finishOf(streamed.events)).toEqual(["stop"]);
    // Tokens are counted although the client did not ask to see them.
    expect(chunks(streamed.events).some(({ usage }) => usage !== undefined)).toBe(false);
    for (const { outcomes } of [whole, streamed])
      expect(outcomes).toEqual([{ model: "apertus", promptTokens: 5, completionTokens: 7, filtered: [] }]);
    const withUsage = await ask(gateway, { ...hello, stream: true, stream_options: { include_usage: true } });
    expect(chunks(withUsage.events).at(-1)).toMatchObject({ usage: { completion_tokens: 7 } });
  });

  it("spreads requests over the engines that have the model", async () => {
    const [one, two, other] = await Promise.all([
      engine(["apertus"], says("a")),
      engine(["apertus"], says("b")),
      engine(["something-else"], says("c")),
    ]);
    const gateway = await gatewayTo([one, two, other]);
    for (let i = 0; i < 10; i++) await ask(gateway, hello);
    expect([one, two, other].map(({ requests }) => requests.length)).toEqual([5, 5, 0]);
  });

  it("goes to another engine when one is gone or says that it cannot, and leaves the lost one alone", async () => {
    const dead = await engine(["apertus"], (_, response) => response.destroy());
    const starting = await engine(["apertus"], (_, response) => {
      response.statusCode = 503;
      response.end("{}");
    });
    const good = await engine(["apertus"], says("here"));
    const gateway = await gatewayTo([dead, starting, good]);
    for (let i = 0; i < 6; i++)
      expect((await ask(gateway, hello)).body).toMatchObject({ choices: [{ message: { content: "here" } }] });
    expect(gateway.pool.health).toEqual({ healthy: 2, all: 3 });
    // The dead one was asked once and then left alone.
    expect(dead.requests).toHaveLength(1);
  });

  it("uses an engine again once a check finds it alive", async () => {
    let alive = false;
    const one = await engine(["apertus"], (request, response) =>
      alive ? says("back")(request, response) : response.destroy(),
    );
    const gateway = await gatewayTo([one], undefined, 20);
    await expect(ask(gateway, hello)).rejects.toMatchObject({ status: 502 });
    alive = true;
    for (let tries = 0; gateway.pool.health.healthy === 0 && tries < 200; tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await ask(gateway, hello)).status).toBe(200);
  });

  it("says in the API's form what it cannot do", async () => {
    const one = await engine(["apertus"], says("a"));
    const gateway = await gatewayTo([one]);
    const refused = async (body: Record<string, unknown>): Promise<ApiError> =>
      (await ask(gateway, body).catch((error: unknown) => error)) as ApiError;
    expect(await refused({ ...hello, model: "apertos" })).toMatchObject({
      status: 404,
      code: "model_not_found",
    });
    expect(await refused({ messages: [] })).toMatchObject({ status: 400, param: "model" });
    expect(await refused({ ...hello, stream: "yes" })).toMatchObject({ status: 400, param: "stream" });
    one.server.closeAllConnections();
    await new Promise((resolve) => one.server.close(resolve));
    expect(await refused(hello)).toMatchObject({ status: 502 });
    expect(await refused(hello)).toMatchObject({ status: 503, headers: { "Retry-After": "5" } });
  });

  it("gives an engine's own refusal back as it is", async () => {
    const one = await engine(["apertus"], (_, response) => {
      response.statusCode = 400;
      response.end('{"error":{"message":"too long","code":"context_length_exceeded"}}');
    });
    expect(await ask(await gatewayTo([one]), { ...hello, stream: true })).toMatchObject({
      status: 400,
      body: { error: { code: "context_length_exceeded" } },
    });
  });

  it.each([["nonsense"], ["[1]"], [""]])("calls the answer %j what it is", async (text) => {
    const one = await engine(["apertus"], (_, response) => response.end(text));
    await expect(ask(await gatewayTo([one]), hello)).rejects.toMatchObject({ status: 502 });
  });

  it.each([
    [401, "invalid_api_key"],
    [403, null],
  ])("calls an engine's %i what it is: the gateway's key, not the client's", async (status, code) => {
    const picky = await engine(["apertus"], (_, response) => {
      response.statusCode = status;
      response.end(JSON.stringify({ error: { message: "Incorrect API key provided", code } }));
    });
    for (const stream of [false, true])
      await expect(ask(await gatewayTo([picky]), { ...hello, stream })).rejects.toMatchObject({
        status: 502,
        code: "upstream_refused_key",
      });
    const good = await engine(["apertus"], says("here"));
    const gateway = await gatewayTo([picky, good]);
    for (let i = 0; i < 2; i++)
      expect((await ask(gateway, hello)).body).toMatchObject({ choices: [{ message: { content: "here" } }] });
    // Most engines ask for their key before they tell their models.
    const closed = createServer((_, response) => {
      response.statusCode = status;
      response.end("{}");
    });
    await new Promise<void>((resolve) => {
      closed.listen(0, "127.0.0.1", resolve);
    });
    opened.push(closed);
    const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    const pool = await UpstreamPool.open({ urls: [url], apiKey: "old-key", checkEvery: 60_000 });
    opened.push(pool);
    await expect(ask(new Gateway(pool, undefined), hello)).rejects.toMatchObject({
      status: 502,
      code: "upstream_refused_key",
    });
  });

  /** An engine that goes on writing `text` until its answer is closed; `gone` resolves then. */
  async function endless(text: string): Promise<{ readonly one: Engine; readonly gone: Promise<void> }> {
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const one = await engine(["apertus"], ({ body }, response) => {
      let next = 0;
      const words = text.split(/(?<=\s)/);
      const timer = setInterval(() => {
        const choice = { index: 0, delta: { content: words[next++ % words.length] }, finish_reason: null };
        if (body["stream"] === true) response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
        else if (next === 1) response.write(" ");
      }, 1);
      response.once("close", () => {
        clearInterval(timer);
        closed();
      });
    });
    return { one, gone };
  }

  it.each([
    ["streamed", true],
    ["whole", false],
  ])("stops the engine when the client of a %s answer leaves", async (_, stream) => {
    const { one, gone } = await endless("and so on ");
    const controller = new AbortController();
    const gateway = await gatewayTo([one]);
    const asking = ask(gateway, { ...hello, stream }, "/v1/chat/completions", controller.signal);
    setTimeout(() => controller.abort(new Error("left")), 50);
    await expect(asking).rejects.toThrow("left");
    await gone;
  });

  it("stops the engine when the filter has ended its answer, and counts what was written until then", async () => {
    const { one, gone } = await endless(`Here: ${SECRET}, and more, `);
    const { events, outcomes } = await ask(await gatewayTo([one], SECRET), { ...hello, stream: true });
    await gone;
    expect(textOf(events)).toBe("Here: ");
    expect(finishOf(events)).toEqual(["content_filter"]);
    expect(outcomes).toMatchObject([{ promptTokens: null, filtered: ["r1"] }]);
    expect(outcomes[0]!.completionTokens).toBeGreaterThanOrEqual(12);
  });

  it("lets an engine go on while one of its choices may still be said", async () => {
    const one = await engine(["apertus"], (_, response) => {
      const send = (index: number, content: string, finish_reason: string | null = null): void =>
        void response.write(
          `data: ${JSON.stringify({ choices: [{ index, delta: { content }, finish_reason }] })}\n\n`,
        );
      send(0, `${SECRET} `);
      send(1, "I say nothing of the kind, and go on for a while until all is said");
      send(1, ".", "stop");
    });
    const { events } = await ask(await gatewayTo([one], SECRET), { ...hello, stream: true, n: 2 });
    expect(textOf(events)).toBe("I say nothing of the kind, and go on for a while until all is said.");
    expect(finishOf(events)).toEqual(["content_filter", "stop"]);
  });

  it("keeps filtered passages back, whole and streamed, and counts them", async () => {
    const text = `Here: ${SECRET}, and more`;
    const gateway = await gatewayTo([await engine(["apertus"], says(text))], SECRET);
    const whole = await ask(gateway, hello);
    expect(whole.body).toMatchObject({
      choices: [{ message: { content: "Here: " }, finish_reason: "content_filter" }],
    });
    const streamed = await ask(gateway, { ...hello, stream: true });
    expect(textOf(streamed.events)).toBe("Here: ");
    expect(finishOf(streamed.events)).toEqual(["content_filter"]);
    for (const { outcomes } of [whole, streamed]) expect(outcomes[0]).toMatchObject({ filtered: ["r1"] });
    const harmless = await gatewayTo(
      [await engine(["apertus"], says("Nothing of the kind, I say."))],
      SECRET,
    );
    const said = await ask(harmless, { ...hello, stream: true });
    expect(textOf(said.events)).toBe("Nothing of the kind, I say.");
    expect(finishOf(said.events)).toEqual(["stop"]);
    await expect(ask(gateway, hello, "/v1/messages")).rejects.toMatchObject({ status: 404 });
  });

  it("keeps them out of the arguments of tool calls, too", async () => {
    const pieces = [`{"address": "`, ...SECRET.split(/(?<= )/), `"}`];
    const one = await engine(["apertus"], (_, response) => {
      for (const piece of pieces)
        response.write(
          `data: ${JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: piece } }] }, finish_reason: null }] })}\n\n`,
        );
      response.end("data: [DONE]\n\n");
    });
    const { events } = await ask(await gatewayTo([one], SECRET), { ...hello, stream: true });
    const said = JSON.stringify(events);
    expect(said).not.toContain("Jane");
    expect(finishOf(events)).toEqual(["content_filter"]);
  });

  it("passes the events of the other APIs on and reads their usage", async () => {
    const one = await engine(["apertus"], (_, response) => {
      response.write(
        `event: message_start\ndata: ${JSON.stringify({ type: "message_start", message: { usage: { input_tokens: 9 } } })}\n\n`,
      );
      response.end(
        `event: message_delta\ndata: ${JSON.stringify({ type: "message_delta", usage: { output_tokens: 4 } })}\n\n`,
      );
    });
    const { events, outcomes } = await ask(
      await gatewayTo([one]),
      { ...hello, stream: true },
      "/v1/messages",
    );
    expect(events.map((event) => (event as { type: string }).type)).toEqual([
      "message_start",
      "message_delta",
    ]);
    expect(outcomes).toEqual([{ model: "apertus", promptTokens: 9, completionTokens: 4, filtered: [] }]);
  });
});

describe("reading server-sent events", () => {
  it("does not depend on how the bytes were cut", async () => {
    const text =
      'data: {"a": "ä😀"}\n\n: comment\r\nevent: x\r\ndata: 1\r\ndata:2\r\n\r\nid: 3\n\ndata: last\n\ndata: lost';
    const bytes = new TextEncoder().encode(text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: bytes.length - 1 })), async (cuts) => {
        const places = [0, ...[...new Set(cuts)].sort((a, b) => a - b), bytes.length];
        const parts = places.slice(1).map((end, i) => bytes.slice(places[i], end));
        const found = [];
        for await (const data of readEvents(iterate(parts))) found.push(data);
        expect(found).toEqual(['{"a": "ä😀"}', "1\n2", "last"]);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it("ends when an event is longer than any answer, in one line or in many", async () => {
    const read = async (part: string, times: number): Promise<void> => {
      const bytes = new TextEncoder().encode(part);
      for await (const _ of readEvents(iterate(Array.from({ length: times }, () => bytes)))) continue;
    };
    await expect(read("a".repeat(10_000), 500)).rejects.toThrow(/too long/);
    await expect(read(`data: ${"a".repeat(1000)}\n`, 5000)).rejects.toThrow(/too long/);
    await read(`data: ${"a".repeat(1000)}\n\n`, 5000);
  });
});

async function* iterate(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  for (const part of parts) yield part;
}
