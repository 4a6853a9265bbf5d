/** @file Tool calls and bound answers through the official client: each mistake that other servers shipped is one test. */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningServer } from "../../src/serve/index.ts";
import { hello, post, serveNgram } from "./service.ts";

let server: RunningServer;
let client: OpenAI;
beforeAll(async () => {
  server = await serveNgram();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.close());

const weather: OpenAI.ChatCompletionFunctionTool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a place.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const time: OpenAI.ChatCompletionFunctionTool = { type: "function", function: { name: "get_time" } };
const ask = (content: string) => ({
  model: "ngram",
  messages: [{ role: "user" as const, content }],
  temperature: 0,
  tools: [weather, time],
  max_tokens: 200,
});
type Request = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "stream">;
interface Call {
  readonly name: string;
  readonly arguments: string;
}

async function streamed(request: Request): Promise<OpenAI.ChatCompletionChunk[]> {
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true }))
    chunks.push(chunk);
  return chunks;
}

/** The reason and the calls of an answer, asked for whole and in pieces; both must be the same. */
async function outcome(request: Request) {
  const whole = (await client.chat.completions.create(request)).choices[0]!;
  const final = (await client.chat.completions.stream(request).finalChatCompletion()).choices[0]!;
  const calls = (whole.message.tool_calls ?? []).flatMap((call): Call[] =>
    call.type === "function" ? [call.function] : [],
  );
  expect(final.finish_reason).toBe(whole.finish_reason);
  expect(final.message.content ?? "").toBe(whole.message.content ?? "");
  const pieces = (final.message.tool_calls ?? []).map((call) => call.function);
  expect(pieces.map(({ name, arguments: text }) => ({ name, arguments: text }))).toEqual(calls);
  return { reason: whole.finish_reason, content: whole.message.content, calls };
}

const bern = { name: "get_weather", arguments: '{"city": "Bern"}' };
const clock = { name: "get_time", arguments: "{}" };
const named = { type: "function" as const, function: { name: "get_weather" } };

describe("finish_reason", () => {
  it.each<[string, Partial<Request>, string, number]>([
    ["stop without a call, though tools are offered", ask("Hallo!"), "stop", 0],
    ["tool_calls when the model chose to call", ask("How is the weather in Bern?"), "tool_calls", 1],
    ["tool_calls when a call was required", { ...ask("Hallo!"), tool_choice: "required" }, "tool_calls", 1],
    [
      "stop when the client named the tool",
      { ...ask("How is the weather in Bern?"), tool_choice: named },
      "stop",
      1,
    ],
    ["stop when calls are forbidden", { ...ask("Hallo!"), tool_choice: "none" }, "stop", 0],
    [
      "length when the limit cut a call",
      { ...ask("How is the weather in Bern?"), max_tokens: 25 },
      "length",
      1,
    ],
    ["length when the limit cut a text", { ...ask("Hallo!"), max_tokens: 3 }, "length", 0],
    ["stop at a stop string", { ...ask("Hallo!"), stop: "Wie" }, "stop", 0],
    ["stop at the end of a text", { ...hello }, "stop", 0],
  ])("is %s, streamed or not", async (_, request, reason, calls) => {
    const found = await outcome({ seed: 1, max_tokens: 200, ...request } as Request);
    expect(found.reason).toBe(reason);
    if (reason !== "tool_calls") expect(found.calls.length).toBe(calls);
    else expect(found.calls.length).toBeGreaterThan(0);
  });
});

describe("tool calls", () => {
  it("hold the arguments the model wrote, and no content beside them", async () => {
    const found = await outcome(ask("How is the weather in Bern?"));
    expect(found).toEqual({ reason: "tool_calls", content: null, calls: [bern] });
  });

  it("can be several in one answer, after a text", async () => {
    const found = await outcome(ask("Time in Bern, and weather?"));
    expect(found).toEqual({ reason: "tool_calls", content: "I look. ", calls: [clock, bern] });
    const one = await outcome({ ...ask("Time in Bern, and weather?"), parallel_tool_calls: false });
    expect(one.calls).toEqual([clock]);
  });

  it("stream id, type and name once, and arguments in pieces that join to JSON", async () => {
    const chunks = await streamed(ask("Time in Bern, and weather?"));
    const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    const first = deltas.filter((delta) => delta.id !== undefined);
    expect(first.map(({ index, type, function: f }) => [index, type, f?.name])).toEqual([
      [0, "function", "get_time"],
      [1, "function", "get_weather"],
    ]);
    expect(first.every(({ id }) => /^call_[0-9a-f]{24}$/.test(id ?? ""))).toBe(true);
    expect(new Set(first.map(({ id }) => id)).size).toBe(2);
    const rest = deltas.filter((delta) => delta.id === undefined);
    for (const delta of rest) {
      expect(Object.keys(delta).sort()).toEqual(["function", "index"]);
      expect(Object.keys(delta.function!)).toEqual(["arguments"]);
    }
    const pieces = (index: number) => rest.filter((delta) => delta.index === index);
    expect(pieces(1).length).toBeGreaterThan(3);
    expect(
      pieces(1)
        .map((delta) => delta.function?.arguments)
        .join(""),
    ).toBe(bern.arguments);
  });

  it("fit their schemas whatever the model would rather say", async () => {
    const parameters = {
      type: "object",
      properties: {
        unit: { enum: ["kelvin", "celsius"] },
        days: { type: "integer", minimum: 1, maximum: 9 },
        exact: { type: ["boolean", "null"] },
      },
      required: ["unit", "days", "exact"],
      additionalProperties: false,
    };
    const forecast = { type: "function" as const, function: { name: "forecast", parameters, strict: true } };
    for (let seed = 0; seed < 4; seed++) {
      const request = {
        ...ask("Hello!"),
        tools: [forecast],
        tool_choice: "required" as const,
        seed,
        temperature: 2,
      };
      const { calls } = await outcome({ ...request, parallel_tool_calls: false });
      const values = JSON.parse(calls[0]!.arguments) as Record<string, unknown>;
      expect(Object.keys(values)).toEqual(["unit", "days", "exact"]);
      expect(["kelvin", "celsius"]).toContain(values["unit"]);
      expect(values["days"]).toBeGreaterThanOrEqual(1);
      expect(values["days"]).toBeLessThanOrEqual(9);
      expect([true, false, null]).toContain(values["exact"]);
    }
  });

  it("do not come when they are forbidden, however much the model wants to", async () => {
    const { calls } = await outcome({
      ...ask("How is the weather in Bern?"),
      tool_choice: "none",
      max_tokens: 30,
    });
    expect(calls).toEqual([]);
  });

  it("of a tool without parameters have empty arguments", async () => {
    const choice = { type: "function" as const, function: { name: "get_time" } };
    const { calls } = await outcome({ ...ask("Hallo!"), tool_choice: choice });
    expect(calls.map((call) => [call.name, JSON.parse(call.arguments)])).toEqual([["get_time", {}]]);
  });

  it("are read back with what the tool returned, nulls included", async () => {
    const first = await client.chat.completions.create(ask("How is the weather in Bern?"));
    const [call] = first.choices[0]!.message.tool_calls!;
    const answer = await client.chat.completions.create({
      ...ask("How is the weather in Bern?"),
      messages: [
        { role: "user", content: "How is the weather in Bern?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [call!],
          refusal: null,
          audio: null,
          function_call: null,
        },
        { role: "tool", tool_call_id: call!.id, content: [{ type: "text", text: "Snow" }] },
      ],
      max_tokens: 5,
    });
    expect(answer.choices[0]!.finish_reason).toMatch(/length|stop|tool_calls/);
    expect(answer.usage!.prompt_tokens).toBeGreaterThan(first.usage!.prompt_tokens + 20);
  });

  it.each<[string, object, string]>([
    ["two tools of one name", { tools: [time, time] }, "tools"],
    [
      "a choice of a tool that is not there",
      { tool_choice: { type: "function", function: { name: "x" } } },
      "tool_choice",
    ],
    ["a required call without tools", { tools: [], tool_choice: "required" }, "tool_choice"],
    [
      "a name the format could not hold",
      { tools: [{ type: "function", function: { name: 'a"b' } }] },
      "tools[0].function.name",
    ],
    ["a tool that is no function", { tools: [{ type: "web_search" }] }, "tools[0].type"],
    [
      "a strict schema that cannot be enforced",
      {
        tools: [
          {
            type: "function",
            function: {
              name: "f",
              strict: true,
              parameters: { type: "object", properties: { a: { type: "string", pattern: "(?=x)" } } },
            },
          },
        ],
      },
      "tools",
    ],
    ["legacy functions", { functions: [{ name: "f" }] }, "functions"],
    [
      "a schema that is none",
      { response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: 5 } } } },
      "response_format",
    ],
    [
      "a schema that nothing meets",
      {
        response_format: {
          type: "json_schema",
          json_schema: { name: "x", schema: { type: "string", pattern: "^a$", minLength: 2 } },
        },
      },
      "response_format",
    ],
  ])("with %s are a 400 that names the field", async (_, change, param) => {
    const { status, json } = await post(`${server.url}/v1/chat/completions`, { ...ask("Hallo!"), ...change });
    expect([status, json.error.param]).toEqual([400, param]);
  });
});

describe("bound answers", () => {
  it("are JSON objects for json_object, whatever the model would rather say", async () => {
    for (let seed = 0; seed < 4; seed++) {
      const completion = await client.chat.completions.create({
        ...hello,
        temperature: 1,
        seed,
        response_format: { type: "json_object" },
        max_tokens: 450,
      });
      const choice = completion.choices[0]!;
      if (choice.finish_reason === "length") continue;
      expect(typeof JSON.parse(choice.message.content ?? "")).toBe("object");
    }
  });

  it("fit a schema, and stop when it is satisfied", async () => {
    const schema = {
      type: "object",
      properties: { language: { enum: ["German", "French"] }, sure: { type: "boolean" } },
      required: ["language", "sure"],
      additionalProperties: false,
    };
    const completion = await client.chat.completions.create({
      ...hello,
      response_format: { type: "json_schema", json_schema: { name: "guess", schema, strict: true } },
    });
    const choice = completion.choices[0]!;
    expect(choice.finish_reason).toBe("stop");
    const value = JSON.parse(choice.message.content ?? "") as { language: string; sure: boolean };
    expect(["German", "French"]).toContain(value.language);
    expect(typeof value.sure).toBe("boolean");
  });

  it("keep the model's own log probabilities", async () => {
    const completion = await client.chat.completions.create({
      ...hello,
      response_format: { type: "json_schema", json_schema: { name: "x", schema: { const: "Zz" } } },
      logprobs: true,
      top_logprobs: 1,
    });
    const { content } = completion.choices[0]!.logprobs!;
    expect(content!.map(({ token }) => token).join("")).toBe('"Zz"');
    expect(content![1]!.logprob).toBeLessThan(content![1]!.top_logprobs[0]!.logprob);
  });
});

describe("thoughts", () => {
  it("are told apart from the answer and counted", async () => {
    const request = { ...hello, messages: [{ role: "user" as const, content: "What is two and two?" }] };
    const completion = await client.chat.completions.create(request);
    expect(completion.choices[0]!.message).toMatchObject({
      content: "Four.",
      reasoning_content: "Two and two ❄",
    });
    expect(completion.usage!.completion_tokens_details!.reasoning_tokens).toBeGreaterThan(10);
    const deltas = (await streamed(request)).map(
      (chunk) => chunk.choices[0]!.delta as { reasoning_content?: string },
    );
    expect(deltas.map((delta) => delta.reasoning_content ?? "").join("")).toBe("Two and two ❄");
  });
});
