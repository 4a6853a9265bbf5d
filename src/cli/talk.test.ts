import { describe, expect, it } from "vitest";
import { calculator, type ServedModel, type Tool, Toolbox } from "../serve/index.ts";
import { scripted } from "../../test/serve/scripted-model.ts";
import { ngram } from "../../test/serve/service.ts";
import { talk, type TalkOptions } from "./talk.ts";

const called = (name: string, args: object): string =>
  `<|tools_prefix|>[{"${name}": ${JSON.stringify(args)}}]<|tools_suffix|>`;

/** Calls the calculator for every question, and then says what it has read. */
const model = scripted("scripted", (prompt) => {
  if (prompt.includes("endlessly")) return called("calculator", { expression: "1 + 1" });
  // The chat format of the test's model puts results in brackets.
  const result = /\[([^\]]*)\]$/.exec(prompt)?.[1];
  if (result !== undefined) return `I have read: ${result}`;
  if (prompt.endsWith("shout")) return called("shout", { text: "a\u001b[2K\u202eb" });
  return called("calculator", { expression: "6 * 7" });
});

/** What `lines` lead to, and what was shown and printed. */
async function converse(lines: readonly string[], options: Partial<TalkOptions> = {}) {
  const shown: string[] = [];
  const printed: string[] = [];
  const turns = await talk({
    served: model,
    toolbox: new Toolbox([calculator]),
    allowAll: false,
    system: undefined,
    sampling: { temperature: 0, topP: 1, maxTokens: 200, seed: 0 },
    lines: from(lines),
    terminal: {
      print: (text) => void printed.push(text),
      writeStatus: (text) => void shown.push(text),
      live: false,
      interactive: true,
      columns: () => 80,
      style: (_, text) => text,
    },
    silent: false,
    signal: new AbortController().signal,
    ...options,
  });
  return { turns, shown: shown.join(""), printed };
}

async function* from(lines: readonly string[]): AsyncGenerator<string, undefined, void> {
  yield* lines;
  return undefined;
}

const piped = (shown: string[] = [], printed: string[] = []): TalkOptions["terminal"] => ({
  print: (text) => void printed.push(text),
  writeStatus: (text) => void shown.push(text),
  live: false,
  interactive: false,
  columns: () => 80,
  style: (_, text) => text,
});

describe("a conversation in the terminal", () => {
  it("answers line by line without tools, the same for the same seed", async () => {
    const served: ServedModel = ngram();
    const { turns, shown } = await converse(["Hallo!", "", "Hello!"], { served, toolbox: new Toolbox([]) });
    expect(turns).toEqual([
      { user: "Hallo!", assistant: "Grüezi! Wie geht es dir?" },
      { user: "Hello!", assistant: "Hello! How are you?" },
    ]);
    expect(shown).toContain("model Grüezi! Wie geht es dir?\n");
  });

  it("shows each call and runs it when it is allowed", async () => {
    const { turns, shown } = await converse(["6 times 7?", "perhaps", "y"]);
    expect(turns).toEqual([
      {
        user: "6 times 7?",
        assistant: "I have read: 42",
        calls: [
          {
            name: "calculator",
            arguments: '{"expression":"6 * 7"}',
            allowed: true,
            result: "42",
            isError: false,
          },
        ],
      },
    ]);
    expect(shown).toContain('calls calculator {"expression":"6 * 7"}');
    // What is neither yes nor no is asked again.
    expect(shown.match(/run it\?/g)).toHaveLength(2);
    expect(shown).toContain("gives 42\nmodel I have read: 42\n");
    // Where the transcript alone is wanted, whoever is asked sees what about all the same.
    const silent = await converse(["6 times 7?", "y"], { silent: true });
    expect(silent.shown).toContain('calls calculator {"expression":"6 * 7"}');
    expect(silent.shown).not.toContain("I have read");
  });

  it.each([[["n"]], [[]]])(
    "tells the model when it is refused, by %j or the end of input",
    async (replies) => {
      const { turns } = await converse(["6 times 7?", ...replies]);
      expect(turns[0]!.assistant).toMatch(/^I have read: The user has refused this call/);
      expect(turns[0]!.calls).toMatchObject([{ allowed: false, result: null }]);
    },
  );

  it("asks no more about a tool that is always allowed, and goes on at most eight rounds", async () => {
    const { turns, shown } = await converse(["go on endlessly", "always"]);
    expect(turns[0]!.calls).toHaveLength(8);
    expect(shown.match(/run it\?/g)).toHaveLength(1);
    expect(shown).toContain("waits for you");
  });

  it("refuses calls where nobody can be asked, unless all are allowed beforehand", async () => {
    const shown: string[] = [];
    const printed: string[] = [];
    const refused = await converse(["6 times 7?"], { terminal: piped(shown, printed) });
    expect(refused.turns[0]!.calls).toMatchObject([{ allowed: false }]);
    expect(shown.join("")).toContain("--allow-tools");
    expect(printed).toEqual([refused.turns[0]!.assistant]);
    const allowed = await converse(["6 times 7?"], { terminal: piped(), allowAll: true });
    expect(allowed.turns[0]!.assistant).toBe("I have read: 42");
  });

  it("shows what a call holds, whatever the model does to hide it", async () => {
    const shout: Tool = {
      name: "shout",
      description: "",
      parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
      origin: "town",
      call: () => Promise.resolve({ text: "\u001b[31mred\u0007", isError: true, citations: [] }),
    };
    const { shown } = await converse(["shout", "y"], { toolbox: new Toolbox([shout]) });
    expect(shown).toContain('calls shout (of town) {"text":"a\\u001b[2K\\u202eb"}');
    expect(shown).toContain("fails \\u001b[31mred\\u0007");
    expect(shown).not.toMatch(/[\u001b\u0007\u202e]/);
  });

  it("says what does not fit, with the tools' declarations counted", async () => {
    const small = ngram("small", 60);
    const long = converse(["x".repeat(60)], { served: small, toolbox: new Toolbox([]) });
    await expect(long).rejects.toMatchObject({ code: "SERVE_MESSAGE_TOO_LONG" });
    // Older turns go first.
    const { turns } = await converse(["Hallo!", "Hello!"], { served: small, toolbox: new Toolbox([]) });
    expect(turns).toHaveLength(2);
  });

  it("says that a model without a format for tools has none", async () => {
    const mute = { ...ngram(), chat: { ...ngram().chat, callMarks: undefined } };
    await expect(converse(["Hallo!"], { served: mute })).rejects.toMatchObject({ code: "SERVE_NO_ANSWER" });
  });
});
