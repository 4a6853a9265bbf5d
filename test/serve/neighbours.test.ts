/** @file What one client does wrong or wants too much of must not be felt by another. */
import { connect } from "node:net";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningServer, ServeEvent } from "../../src/serve/index.ts";
import { hello, ngram, post, serveNgram } from "./service.ts";

let server: RunningServer;
let client: OpenAI;
const events: ServeEvent[] = [];
beforeAll(async () => {
  server = await serveNgram({
    models: [ngram(), ngram("slow", 512, 15)],
    limits: { headerSeconds: 1, sendSeconds: 1, bodyBytes: 100_000, parallel: 3, waiting: 4 },
    log: (event) => events.push(event),
  });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.close());

/** What the server sends back on a connection on which `text` is all it gets. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (bytes) => (answer += String(bytes)));
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}
const body = (answer: string): { error: { code: string; type: string } } =>
  JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)) as { error: { code: string; type: string } };

describe("a running answer", () => {
  it("is whole while others send garbage, half requests, huge ones and leave", async () => {
    const chat = `${server.url}/v1/chat/completions`;
    const expected = (await client.chat.completions.create(hello)).choices[0]!.message.content;
    const running = client.chat.completions.stream({ ...hello, model: "slow" }).finalChatCompletion();
    const leaving = new AbortController();
    const left = fetch(chat, {
      method: "POST",
      body: JSON.stringify({ ...hello, model: "slow", stream: true }),
      signal: leaving.signal,
    }).then(
      (response) => response.body?.cancel(),
      () => undefined,
    );
    const head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n";
    const [headers, half, garbage] = await Promise.all([
      raw(head),
      raw(`${head}\r\n{"model": `),
      raw("\u0000\u0001 not http\r\n\r\n"),
      post(chat, "x".repeat(200_000)).then(({ status }) => expect(status).toBe(413)),
      post(chat, Uint8Array.of(0x22, 0xff, 0x22)).then(({ status }) => expect(status).toBe(400)),
      post(chat, `${"[".repeat(40_000)}`).then(({ status }) => expect(status).toBe(400)),
      post(chat, { ...hello, tools: Array.from({ length: 129 }, () => ({})) }).then(({ status }) =>
        expect(status).toBe(400),
      ),
      new Promise((resolve) => setTimeout(resolve, 50)).then(() => leaving.abort()),
    ]);
    expect(headers).toMatch(/^HTTP\/1.1 408/);
    expect(body(headers).error.code).toBe("request_too_slow");
    expect(half).toMatch(/^HTTP\/1.1 408/);
    expect(garbage).toMatch(/^HTTP\/1.1 400/);
    expect(body(garbage).error).toMatchObject({ code: "invalid_http", type: "invalid_request_error" });
    await left;
    expect((await running).choices[0]!.message.content).toBe(expected);
    expect(events.filter(({ kind }) => kind === "fault")).toEqual([]);
  });

  it("is not waited for by another caller's, however many requests that one has sent", async () => {
    const many = (key: string, count: number) => {
      const one = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: key, maxRetries: 0 });
      const request = { ...hello, model: "slow", max_tokens: 10 };
      return Array.from({ length: count }, async () => {
        await one.chat.completions.create(request);
        return performance.now();
      });
    };
    // Three compute and three wait when the modest caller comes: it is second in the round, not fourth in a queue.
    const greedy = many("greedy", 6);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const [modest] = await Promise.all(many("modest", 1));
    const ends = await Promise.all(greedy);
    expect(ends.filter((end) => end > modest!).length).toBeGreaterThanOrEqual(1);
  });

  it("leaves room for 429 with a time to come back", async () => {
    const requests = Array.from({ length: 9 }, () =>
      fetch(`${server.url}/v1/messages`, {
        method: "POST",
        body: JSON.stringify({ ...hello, model: "slow", max_tokens: 5 }),
      }),
    );
    const responses = await Promise.all(requests);
    const refused = responses.filter(({ status }) => status === 429);
    expect(refused.length).toBe(2);
    expect(Number(refused[0]!.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused[0]!.json()).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
    await Promise.all(responses.filter(({ status }) => status === 200).map((response) => response.text()));
  });
});
