/** @file `/v1/responses` through the official client. */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningServer } from "../../src/serve/index.ts";
import { post, serveNgram } from "./service.ts";

let server: RunningServer;
let client: OpenAI;
beforeAll(async () => {
  server = await serveNgram();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.close());

const weather = {
  type: "function" as const,
  name: "get_weather",
  strict: true,
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
};
const base = { model: "ngram", temperature: 0, max_output_tokens: 100 };
type Events = OpenAI.Responses.ResponseStreamEvent[];

async function events(request: OpenAI.Responses.ResponseCreateParamsNonStreaming): Promise<Events> {
  const found: Events = [];
  for await (const event of await client.responses.create({ ...request, stream: true })) found.push(event);
  return found;
}

describe("a response", () => {
  it("holds the text, and usage with its details", async () => {
    const response = await client.responses.create({ ...base, input: "Hallo!", instructions: "Be kind." });
    expect(response.output_text).toBe("Grüezi! Wie geht es dir?");
    expect(response).toMatchObject({ object: "response", status: "completed", incomplete_details: null });
    expect(response.usage).toMatchObject({
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 25,
      output_tokens_details: { reasoning_tokens: 0 },
    });
    expect(response.usage!.total_tokens).toBe(response.usage!.input_tokens + 25);
  });

  it("that the limit cut is incomplete and says why", async () => {
    const response = await client.responses.create({ ...base, input: "Hallo!", max_output_tokens: 3 });
    expect([response.status, response.incomplete_details?.reason]).toEqual([
      "incomplete",
      "max_output_tokens",
    ]);
    expect(response.output[0]).toMatchObject({ type: "message", status: "incomplete" });
  });

  it("holds tool calls as items, whose outputs are read back", async () => {
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: "How is the weather in Bern?" }];
    const first = await client.responses.create({ ...base, input, tools: [weather] });
    const call = first.output.find((item) => item.type === "function_call")!;
    expect(call).toMatchObject({ name: "get_weather", arguments: '{"city": "Bern"}', status: "completed" });
    expect(call.call_id).toMatch(/^call_/);
    expect(first.tools[0]).toMatchObject({ type: "function", name: "get_weather" });
    const second = await client.responses.create({
      ...base,
      input: [
        ...input,
        ...(first.output as OpenAI.Responses.ResponseInputItem[]),
        { type: "function_call_output", call_id: call.call_id, output: "Snow" },
      ],
      tools: [weather],
      max_output_tokens: 4,
    });
    expect(second.usage!.input_tokens).toBeGreaterThan(first.usage!.input_tokens + 20);
  });

  it("can think before it answers", async () => {
    const response = await client.responses.create({ ...base, input: "What is two and two?" });
    expect(response.output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
    expect(response.output_text).toBe("Four.");
  });

  it("fits a schema", async () => {
    const format = {
      type: "json_schema" as const,
      name: "x",
      strict: true,
      schema: { type: "object", properties: { a: { type: "boolean" } }, required: ["a"] },
    };
    const response = await client.responses.create({ ...base, input: "Hallo!", text: { format } });
    expect(typeof (JSON.parse(response.output_text) as { a: boolean }).a).toBe("boolean");
  });
});

describe("a streamed response", () => {
  it("opens, grows and closes its items in order, and ends as the whole one", async () => {
    const request = {
      ...base,
      input: "Time in Bern, and weather?",
      tools: [weather, { ...weather, name: "get_time", parameters: null }],
    };
    const found = await events(request);
    expect(found.map(({ sequence_number }) => sequence_number)).toEqual(found.map((_, i) => i));
    const types = found.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    const call = [
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
    ];
    expect(types).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      ...call,
      ...call,
      "response.completed",
    ]);
    const last = found.at(-1)!;
    const whole = await client.responses.create(request);
    const bare = (items: readonly object[]) =>
      JSON.stringify(items, (key, value: unknown) => (key === "id" || key === "call_id" ? "" : value));
    expect(last.type === "response.completed" && bare(last.response.output)).toBe(bare(whole.output));
    const deltas = found.flatMap((event) =>
      event.type === "response.output_text.delta" ? [event.delta] : [],
    );
    expect(deltas.join("")).toBe("I look. ");
  });

  it("satisfies the client's own accumulator", async () => {
    const final = await client.responses
      .stream({ ...base, input: "How is the weather in Bern?", tools: [weather] })
      .finalResponse();
    expect(final.output[0]).toMatchObject({ type: "function_call", arguments: '{"city": "Bern"}' });
    expect(final.status).toBe("completed");
  });

  it("closes the part that the limit cut", async () => {
    const found = await events({ ...base, input: "Hallo!", max_output_tokens: 3 });
    expect(found.slice(-2).map(({ type }) => type)).toEqual([
      "response.output_item.done",
      "response.incomplete",
    ]);
  });
});

describe("bad requests for responses", () => {
  it.each<[string, object, string]>([
    ["an earlier response", { previous_response_id: "resp_1" }, "previous_response_id"],
    ["cutting", { truncation: "auto" }, "truncation"],
    ["a tool this server has not", { tools: [{ type: "web_search" }] }, "tools[0].type"],
    [
      "an image",
      { input: [{ role: "user", content: [{ type: "input_image", image_url: "x" }] }] },
      "input[0]",
    ],
    ["no input", { input: undefined }, "input"],
  ])("with %s are a 400 in the API's shape", async (_, change, param) => {
    const { status, json } = await post(`${server.url}/v1/responses`, { ...base, input: "x", ...change });
    expect([status, json.error.type]).toEqual([400, "invalid_request_error"]);
    expect(json.error.param).toContain(param.split("[")[0]);
  });

  it("take nulls for what is not set", async () => {
    const nulls = {
      instructions: null,
      tools: null,
      tool_choice: null,
      text: null,
      metadata: null,
      top_p: null,
    };
    const { status } = await post(`${server.url}/v1/responses`, { ...base, input: "Hallo!", ...nulls });
    expect(status).toBe(200);
  });
});
