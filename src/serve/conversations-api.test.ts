import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ngram, serveNgram } from "../../test/serve/service.ts";
import type { RunningServer } from "./server.ts";

let dir: string;
let server: RunningServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-conversations-api-"));
  const origins = () => Promise.resolve({ shortestBytes: 24, complete: true, spans: [] });
  server = await serveNgram({
    conversations: join(dir, "conversations.db"),
    models: [{ ...ngram("traced"), origins }, ngram("other")],
  });
});
afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as { error?: { code: string } } };
}
const exported = (messages: unknown[], leaf: string | null = null) => ({
  conversation: { title: "t", system: "", created: 1, updated: 2, leaf },
  messages,
});
const said = (id: string, parent: string | null) => ({ id, parent, role: "user", content: "x" });

describe("the API of conversations", () => {
  it("refuses what has no place: unknown fields, ids, parents, circles, feedback without consent", async () => {
    const at = "/api/conversations/conversation-1";
    expect((await call("PUT", at, { title: "a", colour: "blue" })).status).toBe(400);
    expect((await call("PUT", "/api/conversations/..%2f..", { title: "a" })).status).toBe(400);
    expect((await call("PUT", `${at}/messages/message-1`, said("", null))).status).toBe(400);
    const message = { parent: null, role: "user", content: "x" };
    expect((await call("PUT", `${at}/messages/message-1`, message)).status).toBe(404);
    expect((await call("PUT", at, { title: "a" })).status).toBe(200);
    expect((await call("PUT", `${at}/messages/message-1`, { ...message, parent: "message-0" })).status).toBe(
      400,
    );
    expect((await call("PUT", `${at}/messages/message-1`, message)).status).toBe(200);
    const rating = { rating: "good", comment: "" };
    const feedback = `${at}/messages/message-1/feedback`;
    expect((await call("PUT", feedback, rating)).status).toBe(400);
    expect((await call("PUT", feedback, { ...rating, consent: true })).status).toBe(404);
    expect((await call("GET", `${at}?last=-1`)).status).toBe(400);
    expect((await call("DELETE", at)).status).toBe(200);
    expect((await call("DELETE", at)).status).toBe(404);
    for (const broken of [
      exported([said("message-2", "message-1"), said("message-1", null)]),
      exported([said("message-1", null), said("message-1", null)]),
      exported([said("message-1", "message-1")]),
      exported([said("message-1", null)], "message-9"),
    ])
      expect((await call("POST", "/api/conversations", broken)).status).toBe(400);
    expect((await call("POST", "/api/conversations", exported([said("message-1", null)]))).status).toBe(201);
  });

  it("answers any JSON with a status of its own, and stays up", async () => {
    const paths = fc.constantFrom(
      ["PUT", "/api/conversations/conversation-2"],
      ["POST", "/api/conversations"],
      ["PUT", "/api/conversations/conversation-2/messages/message-1"],
      ["PUT", "/api/conversations/conversation-2/messages/message-1/feedback"],
      ["POST", "/api/next"],
      ["POST", "/api/origins"],
    );
    await fc.assert(
      fc.asyncProperty(paths, fc.jsonValue(), async ([method, path], body) => {
        expect((await call(method, path, body)).status).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
    expect((await call("GET", "/health")).status).toBe(200);
  });

  it("says which models' training documents can be searched, and searches no others'", async () => {
    const { json } = await call("GET", "/v1/models");
    const { data } = json as unknown as { data: { id: string; training_documents: boolean }[] };
    expect(data.map(({ training_documents: traced }) => traced)).toEqual([true, false]);
    expect((await call("POST", "/api/origins", { model: "traced", text: "words" })).json).toMatchObject({
      spans: [],
    });
    const other = await call("POST", "/api/origins", { model: "other", text: "words" });
    expect([other.status, other.json.error?.code]).toEqual([404, "no_corpus"]);
  });

  it("gives the probabilities of all tokens, in order, and says when no token has room", async () => {
    const { json } = await call("POST", "/api/next", { model: "other", tokens: [256, 68] });
    const bytes = Buffer.from((json as unknown as { logprobs: string }).logprobs, "base64");
    const logprobs = Array.from({ length: bytes.length / 4 }, (_, rank) => bytes.readFloatLE(rank * 4));
    expect(logprobs).toHaveLength(268);
    expect(logprobs).toEqual(logprobs.toSorted((a, b) => b - a));
    expect(logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 5);
    const full = await call("POST", "/api/next", {
      model: "other",
      tokens: Array.from({ length: 512 }, () => 1),
    });
    expect([full.status, full.json.error?.code]).toEqual([400, "context_length_exceeded"]);
    expect((await call("POST", "/api/next", { model: "other", tokens: [268] })).status).toBe(400);
  });
});
