/** @file `/v1/messages` through Anthropic's official client. */
import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningServer } from "../../src/serve/index.ts";
import { ngram, serveNgram } from "./service.ts";

let server: RunningServer;
let client: Anthropic;
beforeAll(async () => {
  server = await serveNgram({ models: [ngram(), ngram("short", 48)], limits: { bodyBytes: 20_000 } });
  client = new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.close());

const weather: Anthropic.Tool = {
  name: "get_weather",
  description: "The weather of a place.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const ask = (content: string) => ({
  model: "ngram",
  max_tokens: 100,
  temperature: 0,
  messages: [{ role: "user" as const, content }],
});
type Request = Anthropic.MessageCreateParamsNonStreaming;

/** The message whole and as the client puts it together from a stream. */
async function both(request: Request) {
  const whole = await client.messages.create(request);
  const final = await client.messages.stream(request).finalMessage();
  const bare = ({ content, stop_reason, stop_sequence, usage }: Anthropic.Message) => ({
    stop_reason,
    stop_sequence,
    output_tokens: usage.output_tokens,
    input_tokens: usage.input_tokens,
    content: content.map((block) => {
      if (block.type === "tool_use") return { type: block.type, name: block.name, input: block.input };
      return block.type === "text" ? { type: block.type, text: block.text } : block;
    }),
  });
  expect(bare(final)).toEqual(bare(whole));
  return whole;
}

describe("a message", () => {
  it.each<[string, Partial<Request>, string, string | null]>([
    ["end_turn", ask("Hallo!"), "end_turn", null],
    ["max_tokens", { ...ask("Hallo!"), max_tokens: 3 }, "max_tokens", null],
    ["stop_sequence", { ...ask("Hallo!"), stop_sequences: ["geht", "Wie"] }, "stop_sequence", "Wie"],
    ["tool_use", { ...ask("How is the weather in Bern?"), tools: [weather] }, "tool_use", null],
    [
      "tool_use",
      { ...ask("How is the weather in Bern?"), tools: [weather], tool_choice: { type: "any" } },
      "tool_use",
      null,
    ],
    [
      "tool_use",
      {
        ...ask("How is the weather in Bern?"),
        tools: [weather],
        tool_choice: { type: "tool", name: "get_weather" },
      },
      "tool_use",
      null,
    ],
  ])("says %s, streamed or not", async (_, request, reason, sequence) => {
    const message = await both(request as Request);
    expect([message.stop_reason, message.stop_sequence]).toEqual([reason, sequence]);
  });

  it("holds text, calls and usage", async () => {
    const message = await both({
      ...ask("Time in Bern, and weather?"),
      system: [{ type: "text", text: "Be kind." }],
      tools: [weather, { name: "get_time", input_schema: { type: "object" } }],
    });
    expect(message.content).toMatchObject([
      { type: "text", text: "I look. " },
      { type: "tool_use", name: "get_time", input: {} },
      { type: "tool_use", name: "get_weather", input: { city: "Bern" } },
    ]);
    expect(message.usage.cache_read_input_tokens).toBe(0);
  });

  it("reads tool results back, several and as blocks", async () => {
    const question = ask("How is the weather in Bern?");
    const first = await client.messages.create({ ...question, tools: [weather] });
    const use = first.content.find((block) => block.type === "tool_use")!;
    const result = {
      type: "tool_result" as const,
      tool_use_id: use.id,
      content: [{ type: "text" as const, text: "Snow" }],
    };
    const messages: Anthropic.MessageParam[] = [
      ...question.messages,
      { role: "assistant", content: first.content as Anthropic.ContentBlockParam[] },
      { role: "user", content: [result, { type: "text", text: "Hallo!" }] },
    ];
    const second = await both({ ...question, messages, tools: [weather] });
    expect(second.content).toMatchObject([{ type: "text", text: "Grüezi! Wie geht es dir?" }]);
    const counted = await client.messages.countTokens({ model: "ngram", messages, tools: [weather] });
    expect(counted.input_tokens).toBe(second.usage.input_tokens);
  });

  it("shows thoughts as blocks of their own", async () => {
    const message = await both(ask("What is two and two?"));
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "Two and two ❄" },
      { type: "text", text: "Four." },
    ]);
  });

  it("fits a schema", async () => {
    const schema = {
      type: "object",
      properties: { a: { type: "boolean" } },
      required: ["a"],
      additionalProperties: false,
    };
    const message = await both({
      ...ask("Hallo!"),
      output_config: { format: { type: "json_schema", schema } },
    });
    const [block] = message.content;
    expect(typeof (JSON.parse(block?.type === "text" ? block.text : "") as { a: boolean }).a).toBe("boolean");
  });
});

describe("errors of messages", () => {
  it.each<[string, Partial<Request>, new (...values: never[]) => Error, string]>([
    ["an unknown model", { model: "none" }, Anthropic.NotFoundError, "not_found_error"],
    [
      "no max_tokens",
      { max_tokens: undefined as unknown as number },
      Anthropic.BadRequestError,
      "invalid_request_error",
    ],
    [
      "a prompt longer than the context",
      { model: "short", messages: [{ role: "user", content: "x".repeat(90) }] },
      Anthropic.BadRequestError,
      "invalid_request_error",
    ],
    ["a body that is too large", { system: "x".repeat(30_000) }, Anthropic.APIError, "request_too_large"],
    [
      "an image",
      {
        messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url: "http://x" } }] }],
      },
      Anthropic.BadRequestError,
      "invalid_request_error",
    ],
  ])("for %s have Anthropic's shape", async (_, change, kind, type) => {
    const error: unknown = await client.messages
      .create({ ...ask("x"), ...change })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(kind);
    expect((error as { error: object }).error).toMatchObject({ type: "error", error: { type } });
    expect((error as { error: { request_id: string } }).error.request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("in the middle of a stream end it with an error event", async () => {
    const slow = await serveNgram({ models: [ngram("slow", 512, 20)], limits: { requestSeconds: 0.2 } });
    try {
      const there = new Anthropic({ baseURL: slow.url, apiKey: "none", maxRetries: 0 });
      const final = there.messages.stream({ ...ask("Hallo!"), model: "slow" }).finalMessage();
      await expect(final).rejects.toThrow(/took longer/);
    } finally {
      await slow.close();
    }
  });
});
