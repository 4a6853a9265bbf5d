/** @file The typed renderer and the Jinja template say the same of every conversation, for any program that reads one. */
import { Template } from "@huggingface/jinja";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { ChatMessage, ChatOptions } from "../../src/tokenizer/chat-messages.ts";
import { chatTemplate } from "../../src/tokenizer/chat-template.ts";
import { renderChat } from "../../src/tokenizer/render-chat.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { chatOptions, conversation } from "./conversations.ts";
import { realTexts, trainedPair } from "./judge.ts";

const RUNS = 500;
let tokenizer: Tokenizer;
let template: Template;

beforeAll(async () => {
  ({ ours: tokenizer } = await trainedPair(await realTexts(60)));
  template = new Template(chatTemplate(tokenizer.systemText));
});

function jinja(messages: readonly unknown[], options: ChatOptions): string {
  return template.render({
    bos_token: "<s>",
    messages,
    enable_thinking: options.deliberation ?? false,
    tools: options.tools ?? [],
    add_generation_prompt: options.addGenerationPrompt ?? false,
    close_conversation: options.close ?? options.addGenerationPrompt !== true,
  });
}

/** What the assistant wrote in a conversation of plain texts without tools' answers. */
function assistantText(messages: readonly ChatMessage[], closed: boolean): string {
  return messages
    .map((message, i) => {
      if (message.role !== "assistant") return "";
      const calls = (message.tool_calls ?? []).map(
        ({ function: call }) => `{"${call.name}": ${call.arguments}}`,
      );
      const last = i === messages.length - 1;
      const ends = last ? closed : messages[i + 1]!.role === "user";
      return [
        typeof message.content === "string" ? message.content : "",
        calls.length > 0 ? `<|tools_prefix|>[${calls.join(", ")}]<|tools_suffix|>` : "",
        ends ? "<|assistant_end|>" : "",
      ].join("");
    })
    .join("");
}

describe.each([false, true])("the chat template (assistant blocks: %s)", (blocks) => {
  it("renders what the typed renderer renders", () => {
    fc.assert(
      fc.property(conversation(blocks), chatOptions, (messages, options) => {
        expect(renderChat(tokenizer, messages, options).text).toBe(jinja(messages, options));
      }),
      { numRuns: RUNS },
    );
  });

  it("renders tools that come wrapped, as OpenAI's interface sends them", () => {
    fc.assert(
      fc.property(conversation(blocks), chatOptions, (messages, options) => {
        const wrapped = (options.tools ?? []).map((tool) => ({ type: "function", function: tool }));
        expect(jinja(messages, { ...options, tools: wrapped as never })).toBe(jinja(messages, options));
      }),
      { numRuns: 100 },
    );
  });

  it("becomes ids that decode to the text, with a role marker only where a turn begins or ends", () => {
    fc.assert(
      fc.property(conversation(blocks), chatOptions, (messages, options) => {
        const { ids, text, assistantMask } = renderChat(tokenizer, messages, options);
        expect(tokenizer.decode(ids)).toBe(text);
        expect(assistantMask.length).toBe(ids.length);
        const count = (name: string): number => ids.filter((id) => id === tokenizer.idOf(name)).length;
        const users = messages.filter(({ role }) => role === "user").length;
        expect([count("<|user_start|>"), count("<|user_end|>")]).toEqual([users, users]);
        expect([count("<s>"), count("<|system_start|>"), count("<|system_end|>")]).toEqual([1, 1, 1]);
        expect(count("</s>")).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });
});

it("masks exactly what the assistant wrote", () => {
  fc.assert(
    fc.property(conversation(false), chatOptions, (drawn, options) => {
      const messages = drawn.filter(({ role }) => role !== "tool");
      const { ids, assistantMask } = renderChat(tokenizer, messages, options);
      const own = ids.filter((_, i) => assistantMask[i] === 1);
      const closed = options.addGenerationPrompt !== true && options.close !== false;
      expect(tokenizer.decode(own)).toBe(assistantText(messages, closed));
    }),
    { numRuns: RUNS },
  );
});

it("writes a call's arguments whether a program passes them as text or as an object", () => {
  const messages = (args: unknown): unknown[] => [
    { role: "user", content: "?" },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ type: "function", function: { name: "f", arguments: args } }],
    },
  ];
  const rendered = jinja(messages({ a: [1, "b"] }), {});
  expect(rendered).toContain('<|tools_prefix|>[{"f": {"a": [1, "b"]}}]<|tools_suffix|>');
  expect(jinja(messages('{"a": [1, "b"]}'), {})).toBe(rendered);
});
