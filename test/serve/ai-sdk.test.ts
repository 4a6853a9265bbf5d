/** @file The service through Vercel's `ai` SDK, which is strict where the official client is lenient. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningServer } from "../../src/serve/index.ts";
import { serveNgram } from "./service.ts";

let server: RunningServer;
let provider: ReturnType<typeof createOpenAICompatible>;
beforeAll(async () => {
  server = await serveNgram();
  provider = createOpenAICompatible({
    name: "firn",
    baseURL: `${server.url}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
});
afterAll(() => server.close());

const weather = tool({
  description: "The weather of a place.",
  inputSchema: jsonSchema<{ city: string }>({
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  }),
  execute: ({ city }) => Promise.resolve(`Snow in ${city}`),
});
const ask = (prompt: string) => ({ model: provider("ngram"), prompt, temperature: 0, maxRetries: 0 });

describe("the ai SDK", () => {
  it("generates text", async () => {
    const { text, finishReason, usage } = await generateText(ask("Hallo!"));
    expect([text, finishReason]).toEqual(["Grüezi! Wie geht es dir?", "stop"]);
    expect(usage).toMatchObject({ inputTokens: 10, outputTokens: 25, totalTokens: 35 });
  });

  it("streams text, with a reason and usage", async () => {
    const result = streamText(ask("Hallo!"));
    let text = "";
    for await (const piece of result.textStream) text += piece;
    expect(text).toBe("Grüezi! Wie geht es dir?");
    expect(await result.finishReason).toBe("stop");
    expect((await result.usage).outputTokens).toBe(25);
  });

  it("calls tools and sends back what they return, streamed or not", async () => {
    const request = {
      ...ask("How is the weather in Bern?"),
      tools: { get_weather: weather },
      maxOutputTokens: 60,
    };
    const { steps } = await generateText({ ...request, stopWhen: stepCountIs(2) });
    expect(steps[0]!.finishReason).toBe("tool-calls");
    expect(steps[0]!.toolResults).toMatchObject([{ toolName: "get_weather", output: "Snow in Bern" }]);
    expect(steps.length).toBe(2);
    const streamed = streamText(request);
    await streamed.consumeStream();
    expect(await streamed.toolCalls).toMatchObject([{ toolName: "get_weather", input: { city: "Bern" } }]);
  });

  it("generates objects that fit a schema", async () => {
    const schema = jsonSchema<{ language: string }>({
      type: "object",
      properties: { language: { type: "string", enum: ["German", "French"] } },
      required: ["language"],
      additionalProperties: false,
    });
    const { object } = await generateObject({ ...ask("Hallo!"), schema });
    expect(["German", "French"]).toContain(object.language);
  });

  it("embeds where the model can, and is told where it cannot", async () => {
    const model = provider.embeddingModel("ngram");
    await expect(embedMany({ model, values: ["a"], maxRetries: 0 })).rejects.toThrow(
      /does not offer embeddings/,
    );
  });
});
