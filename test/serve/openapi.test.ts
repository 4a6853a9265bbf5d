/** @file The OpenAPI document against the service: what one says, the other does. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calculator, type RunningServer } from "../../src/serve/index.ts";
import { hello, serveNgram } from "./service.ts";

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<"200", { readonly content: Record<string, { readonly schema: object }> }>;
}

let server: RunningServer;
let paths: Record<string, Record<string, Operation>>;
beforeAll(async () => {
  server = await serveNgram({ tools: [calculator] });
  const response = await fetch(`${server.url}/openapi.json`);
  ({ paths } = (await response.json()) as { paths: typeof paths });
});
afterAll(() => server.close());

const ajv = new Ajv2020({ strict: false, allErrors: true });
function check(schema: object, value: unknown): void {
  const validate: ValidateFunction = ajv.compile(schema);
  expect(validate(value), `${ajv.errorsText(validate.errors)}: ${JSON.stringify(value).slice(0, 300)}`).toBe(
    true,
  );
}

const weather = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const question = "Time in Bern, and weather?";
const messages = [{ role: "user", content: question }];
const openAiTools = ["get_weather", "get_time"].map((name) => ({
  type: "function",
  function: { name, parameters: weather },
}));
const requests: Record<string, object[]> = {
  "/v1/chat/completions": [
    { ...hello, logprobs: true, top_logprobs: 2, stop: null, n: 2, max_tokens: 4 },
    {
      ...hello,
      presence_penalty: 0.2,
      frequency_penalty: null,
      min_p: 0.1,
      repetition_penalty: 1.1,
      max_tokens: 4,
    },
    { model: "ngram", messages, temperature: 0, tools: openAiTools, stream_options: { include_usage: true } },
    { ...hello, messages: [{ role: "user", content: "What is two and two?" }] },
  ],
  "/v1/completions": [
    {
      model: "ngram",
      prompt: ["Die", "Der"],
      max_tokens: 3,
      logprobs: 2,
      echo: true,
      stream_options: { include_usage: true },
    },
  ],
  "/v1/responses": [
    {
      model: "ngram",
      input: question,
      temperature: 0,
      tools: openAiTools.map(({ function: tool }) => ({ type: "function", ...tool })),
    },
    { model: "ngram", input: "What is two and two?", temperature: 0, max_output_tokens: 20 },
  ],
  "/v1/messages": [
    {
      model: "ngram",
      max_tokens: 90,
      messages,
      temperature: 0,
      tools: ["get_weather", "get_time"].map((name) => ({ name, input_schema: weather })),
    },
    {
      model: "ngram",
      max_tokens: 40,
      messages: [{ role: "user", content: "What is two and two?" }],
      temperature: 0,
    },
  ],
  "/v1/messages/count_tokens": [{ model: "ngram", messages }],
  "/tokenize": [{ model: "ngram", prompt: "Schnee", return_token_strs: true }],
  "/detokenize": [{ model: "ngram", tokens: [65, 66] }],
  "/api/distribution": [{ model: "ngram", text: "Die", top: 3 }],
  "/api/tools/call": [{ name: "calculator", arguments: '{"expression":"6*7"}' }],
};

describe("the OpenAPI document", () => {
  it("describes every route there is, each under a name of its own", () => {
    const operations = Object.values(paths).flatMap((path) => Object.values(path));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(Object.keys(paths).sort()).toEqual(
      [
        ...Object.keys(requests),
        "/api/tools",
        "/health",
        "/metrics",
        "/v1/embeddings",
        "/v1/models",
        "/v1/models/{id}",
      ].sort(),
    );
  });

  it.each(Object.keys(requests))("holds what %s takes and gives, whole and in a stream", async (path) => {
    const { post } = paths[path]!;
    for (const body of requests[path]!) {
      check(post!.requestBody!.content["application/json"]!.schema, body);
      const send = (extra: object) =>
        fetch(server.url + path, { method: "POST", body: JSON.stringify({ ...body, ...extra }) });
      const { content } = post!.responses["200"];
      const whole = await send({});
      expect(whole.status).toBe(200);
      check(content["application/json"]!.schema, await whole.json());
      const event = content["text/event-stream"]?.schema;
      if (event === undefined) continue;
      const text = await (await send({ stream: true })).text();
      const lines = text.split("\n").filter((line) => line.startsWith("data: ") && line !== "data: [DONE]");
      expect(lines.length).toBeGreaterThan(2);
      for (const line of lines) check(event, JSON.parse(line.slice(6)));
    }
  });

  it.each(["/health", "/api/tools", "/v1/models", "/v1/models/{id}"])("holds what %s gives", async (path) => {
    const response = await fetch(server.url + path.replace("{id}", "ngram"));
    check(paths[path]!["get"]!.responses["200"].content["application/json"]!.schema, await response.json());
  });
});

describe("metrics", () => {
  it("count requests, tokens and times in Prometheus' format", async () => {
    await fetch(`${server.url}/v1/chat/completions`, { method: "POST", body: JSON.stringify(hello) });
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get("content-type")).toContain("version=0.0.4");
    const text = await response.text();
    expect(text).toMatch(
      /firn_requests_total\{method="POST",route="\/v1\/chat\/completions",status="200"\} \d+/,
    );
    expect(text).toMatch(/firn_tokens_total\{kind="completion"\} \d+/);
    expect(text).toMatch(/firn_time_to_first_token_seconds_count [1-9]/);
    expect(text).toContain("firn_requests_waiting 0");
    expect(text).not.toContain("Hallo");
  });
});

describe("tokens", () => {
  it("come back as the text they were", async () => {
    const send = async (path: string, body: object) =>
      (
        await fetch(server.url + path, { method: "POST", body: JSON.stringify({ model: "ngram", ...body }) })
      ).json();
    const prompt = "Grüezi 🌙 <|user_start|>";
    const { tokens, count } = (await send("/tokenize", { prompt })) as { tokens: number[]; count: number };
    expect(count).toBe(tokens.length);
    expect(await send("/detokenize", { tokens })).toEqual({ prompt });
    const bare = (await send("/tokenize", { prompt, add_special_tokens: false })) as { tokens: number[] };
    expect(bare.tokens).toEqual(tokens.slice(1));
  });
});
