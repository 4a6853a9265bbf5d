/** @file `firn chat`: a conversation in the terminal; with piped input, one answer per line. */
import { createInterface } from "node:readline/promises";
import { z } from "zod";
import { FirnError } from "../../core/index.ts";
import { type ChatMessage, tokenizerCodec } from "../../serve/index.ts";
import type { CommandCall } from "../command.ts";
import { type OpenedModel, openModel } from "../find-model.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { integerOption, numberOption, parseOptions, storeOption } from "../options.ts";

const schema = z.object({
  store: storeOption,
  system: z.string().min(1).optional(),
  temperature: numberOption(0, 5).default(0.8),
  topP: numberOption(0.001, 1).default(0.9),
  maxTokens: integerOption(1, 65_536).default(256),
  seed: integerOption(0, 4_294_967_295).default(0),
  threads: machineOptions.threads,
});
type Options = z.infer<typeof schema>;

/** The conversation's ids, with the oldest turns left out until an answer of some length fits. */
function fit(opened: OpenedModel, messages: readonly ChatMessage[]): number[] {
  const codec = tokenizerCodec(opened.tokenizer);
  const system = messages.filter(({ role }) => role === "system");
  let turns = messages.filter(({ role }) => role !== "system");
  const room = Math.floor(opened.model.contextLength * 0.75);
  for (;;) {
    const ids = codec.renderChat([...system, ...turns]);
    if (ids.length <= room) return ids;
    if (turns.length <= 1) {
      throw new FirnError("CLI_MESSAGE_TOO_LONG", {
        expected: `a message of at most about ${room} tokens`,
        got: `${ids.length} tokens with the chat format`,
        next: "Write a shorter message.",
      });
    }
    turns = turns.slice(turns[1]?.role === "assistant" ? 2 : 1);
  }
}

/** Generates one answer, giving its text out piece by piece. */
async function answer(
  opened: OpenedModel,
  messages: readonly ChatMessage[],
  options: Options,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<string> {
  const { model, tokenizer } = opened;
  const ids = fit(opened, messages);
  const decoder = tokenizer.streamDecoder({ skipSpecial: true });
  let text = "";
  const put = (piece: string): void => {
    text += piece;
    say(piece);
  };
  const tokens = model.generate(ids, {
    maxTokens: options.maxTokens,
    temperature: options.temperature,
    topP: options.topP,
    seed: options.seed + messages.length,
    stopIds: tokenizerCodec(tokenizer).stopIds,
    signal,
  });
  for await (const { id } of tokens) put(decoder.push(id));
  put(decoder.end());
  return text;
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const { terminal, signal } = call;
  const { threads } = machineUse(options);
  const opened = await openModel(call.arguments[0], { store: options.store, threads, sequences: 1 });
  const messages: ChatMessage[] =
    options.system === undefined ? [] : [{ role: "system", content: options.system }];
  const input = createInterface({ input: process.stdin, terminal: false });
  const prompt = (): void => {
    if (terminal.interactive) terminal.writeStatus(terminal.style("bold", "you  "));
  };
  const onAbort = (): void => input.close();
  signal.addEventListener("abort", onAbort, { once: true });
  const transcript: { readonly user: string; readonly assistant: string }[] = [];
  try {
    if (terminal.interactive) terminal.writeStatus(`${opened.name}; Ctrl-D ends.\n`);
    prompt();
    for await (const line of input) {
      const content = line.trim();
      if (content !== "") {
        messages.push({ role: "user", content });
        if (terminal.interactive) terminal.writeStatus(terminal.style("bold", `${"model".padEnd(5)}`));
        const live = terminal.interactive && !call.json;
        const text = await answer(opened, messages, options, signal, (piece) => {
          if (live) terminal.writeStatus(piece);
        });
        if (live) terminal.writeStatus("\n");
        else if (!call.json) terminal.print(text);
        messages.push({ role: "assistant", content: text });
        transcript.push({ user: content, assistant: text });
      }
      prompt();
    }
    if (call.json) call.printJson({ model: opened.name, turns: transcript });
  } finally {
    signal.removeEventListener("abort", onAbort);
    input.close();
    await opened.model.close();
  }
}
