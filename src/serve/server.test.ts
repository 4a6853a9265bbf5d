import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, { APIError } from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { byteCodec, trainedNgram } from "../../test/serve/ngram-model.ts";
import { hello, ngram, post, serveNgram } from "../../test/serve/service.ts";
import type { LanguageModel } from "../generate/index.ts";
import type { RunningServer, ServedModel, ServeEvent, ServeOptions } from "./index.ts";

const running: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close()));
});
/** A server that this test's end stops. */
async function serve(options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const started = await serveNgram(options);
  running.push(started);
  return started;
}

/** Counts what the model under it is doing, and makes it as slow as a big one. */
function watched(delayMs: number) {
  const inner = trainedNgram();
  const seen = { running: 0, most: 0, tokens: 0 };
  const model: LanguageModel = {
    name: inner.name,
    vocabSize: inner.vocabSize,
    contextLength: inner.contextLength,
    score: (sequences) => inner.score(sequences),
    distributions: (ids, top) => inner.distributions(ids, top),
    close: () => inner.close(),
    async *generate(prompt, options) {
      seen.running += 1;
      seen.most = Math.max(seen.most, seen.running);
      try {
        for await (const token of inner.generate(prompt, { ...options, stopIds: [] })) {
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          seen.tokens += 1;
          yield token;
        }
      } finally {
        seen.running -= 1;
      }
    },
  };
  return { seen, served: { id: "ngram", model, chat: byteCodec, created: 0 } satisfies ServedModel };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("the condition did not come true within two seconds");
}

describe("a busy server", () => {
  it("ends the model's work when the client leaves, streaming or not, and frees the slot", async () => {
    const { seen, served } = watched(10);
    const { url } = await serve({ models: [served] });
    for (const stream of [true, false]) {
      const leaving = new AbortController();
      const gone = fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ ...hello, stream, max_tokens: 400 }),
        signal: leaving.signal,
      }).then((response) => response.text());
      const settled = gone.then(
        () => "answered",
        () => "gone",
      );
      await until(() => seen.running === 1);
      leaving.abort();
      expect(await settled).toBe("gone");
      await until(() => seen.running === 0);
    }
    expect(seen.tokens).toBeLessThan(100);
    const health = (await (await fetch(`${url}/health`)).json()) as object;
    expect(health).toEqual({ status: "ok", running: 0, waiting: 0 });
  });

  it("computes one request at a time and tells the one too many when to come back", async () => {
    const { seen, served } = watched(5);
    const { url } = await serve({ models: [served], limits: { parallel: 1, waiting: 1 } });
    const body = JSON.stringify({ ...hello, max_tokens: 20 });
    const send = () => fetch(`${url}/v1/chat/completions`, { method: "POST", body });
    const responses = await Promise.all([send(), send(), send()]);
    const statuses = responses.map((response) => response.status).sort((a, b) => a - b);
    expect(statuses).toEqual([200, 200, 429]);
    const refused = responses.find((response) => response.status === 429);
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(seen.most).toBe(1);
  });

  it("says in the stream that an answer took too long", async () => {
    const { served } = watched(20);
    const { url } = await serve({ models: [served], limits: { requestSeconds: 0.2 } });
    const slow = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
    const stream = await slow.chat.completions.create({ ...hello, stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow(APIError);
    await expect(slow.chat.completions.create(hello)).rejects.toMatchObject({ status: 504 });
  });

  it("keeps going when a model fails, and tells the client nothing about this machine", async () => {
    const { served } = watched(0);
    const broken: ServedModel = {
      ...served,
      id: "broken",
      model: {
        ...served.model,
        score: () => Promise.reject(new Error("cannot read /home/someone/secret.gguf")),
      },
    };
    const faults: ServeEvent[] = [];
    const { url } = await serve({ models: [ngram(), broken], log: (event) => faults.push(event) });
    const { status, json } = await post(`${url}/api/distribution`, { model: "broken", text: "x" });
    expect(status).toBe(500);
    expect(JSON.stringify(json)).not.toContain("secret");
    expect(faults.some((event) => event.kind === "fault" && String(event.error).includes("secret"))).toBe(
      true,
    );
    expect((await post(`${url}/v1/chat/completions`, hello)).status).toBe(200);
  });
});

describe("starting and stopping", () => {
  it("says which port is taken and what to do", async () => {
    const { port } = await serve();
    const second = serveNgram({ port });
    await expect(second).rejects.toMatchObject({ code: "SERVE_PORT_IN_USE" });
    await expect(second).rejects.toThrow("--port");
  });

  it("says that the page has not been built", async () => {
    const missing = serveNgram({ webDir: "/nowhere/at/all" });
    await expect(missing).rejects.toMatchObject({ code: "SERVE_PAGE_MISSING" });
  });

  it("lets a running answer finish before it stops", async () => {
    const { served } = watched(5);
    const server = await serveNgram({ models: [served] });
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ ...hello, stream: true, max_tokens: 30 }),
    });
    const closing = server.close();
    expect(await response.text()).toContain("data: [DONE]");
    await closing;
    await expect(fetch(`${server.url}/health`)).rejects.toThrow("fetch failed");
  });

  it("ends an answer that outlasts the grace period, and says so", async () => {
    const { seen, served } = watched(20);
    const server = await serveNgram({ models: [served], limits: { graceSeconds: 0.1 } });
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ ...hello, stream: true, max_tokens: 400 }),
    });
    const text = response.text();
    await server.close();
    expect(await text).toContain("server_stopping");
    expect(seen.running).toBe(0);
  });

  it("is not held up by connections that carry no request", async () => {
    const server = await serveNgram();
    const silent = connect(server.port, "127.0.0.1");
    await once(silent, "connect");
    await fetch(`${server.url}/health`).then((response) => response.text());
    const start = performance.now();
    await server.close();
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it("takes a client that leaves in the middle of its request for what it is", async () => {
    const seen: ServeEvent[] = [];
    const server = await serve({ log: (event) => seen.push(event) });
    const socket = connect(server.port, "127.0.0.1");
    socket.write("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
    setTimeout(() => socket.destroy(), 50);
    await until(() => seen.length > 0);
    expect(seen).toMatchObject([{ kind: "request", status: 499 }]);
  });

  it("serves the page's files, compressed and cached, and nothing beside them", async () => {
    const webDir = await mkdtemp(join(tmpdir(), "firn-web-"));
    await mkdir(join(webDir, "assets"));
    await writeFile(join(webDir, "index.html"), "<!doctype html><title>Firn</title>");
    await writeFile(join(webDir, "assets", "page-1234.js"), "export {};");
    const { url } = await serve({ webDir });
    const page = await fetch(`${url}/`);
    expect(await page.text()).toContain("<title>Firn</title>");
    expect(page.headers.get("content-encoding")).toBe("gzip");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const etag = page.headers.get("etag")!;
    expect((await fetch(`${url}/`, { headers: { "if-none-match": etag } })).status).toBe(304);
    const script = await fetch(`${url}/assets/page-1234.js`);
    expect(script.headers.get("cache-control")).toContain("immutable");
    expect(script.headers.get("content-type")).toContain("text/javascript");
    for (const path of ["/assets/..%2f..%2fetc/passwd", "/%2e%2e/package.json", "/assets", "/none.js"]) {
      expect((await fetch(url + path)).status).toBe(404);
    }
    await rm(webDir, { recursive: true });
  });

  it("survives bytes that are not HTTP", async () => {
    const server = await serve();
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => socket.end("\x00\xff garbage\r\n\r\n"));
      socket.on("close", () => resolve()).resume();
    });
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it("logs what happened and nothing of what was said", async () => {
    const events: ServeEvent[] = [];
    const { url } = await serve({ log: (event) => events.push(event) });
    await post(`${url}/v1/chat/completions`, hello);
    await post(`${url}/v1/chat/completions`, { ...hello, model: "other" });
    await until(() => events.length === 2);
    expect(events).toMatchObject([
      { kind: "request", method: "POST", path: "/v1/chat/completions", status: 200 },
      { kind: "request", status: 404 },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/Hallo|other/);
  });
});
