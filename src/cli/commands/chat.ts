/** @file `firn chat`: a conversation in the terminal; with piped input, one answer per line. */
import { createInterface } from "node:readline/promises";
import { z } from "zod";
import { Toolbox, tokenizerCodec } from "../../serve/index.ts";
import type { CommandCall } from "../command.ts";
import { openModel } from "../find-model.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { integerOption, numberOption, parseOptions, storeOption } from "../options.ts";
import { frontOptions, openTools } from "../serve-front.ts";
import { talk } from "../talk.ts";

const schema = z.object({
  store: storeOption,
  system: z.string().min(1).optional(),
  temperature: numberOption(0, 5).default(0.8),
  topP: numberOption(0.001, 1).default(0.9),
  maxTokens: integerOption(1, 65_536).default(256),
  seed: integerOption(0, 4_294_967_295).default(0),
  tools: z.boolean().default(false),
  documents: frontOptions.documents,
  mcp: frontOptions.mcp,
  allowTools: z.boolean().default(false),
  threads: machineOptions.threads,
});

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const { terminal, signal } = call;
  const { threads } = machineUse(options);
  const wanted = options.tools || options.documents !== undefined || options.mcp !== undefined;
  const opened = await openModel(call.arguments[0], { store: options.store, threads, sequences: 1 });
  try {
    const { tools, close } = wanted ? await openTools(options, call) : NO_TOOLS;
    // From here on nothing is waited for before the first line is: lines that nobody waits for would be lost.
    const input = createInterface({ input: process.stdin, terminal: false });
    const onAbort = (): void => input.close();
    signal.addEventListener("abort", onAbort, { once: true });
    const created = Math.floor(opened.time.getTime() / 1000);
    try {
      const turns = await talk({
        served: { id: opened.name, model: opened.model, chat: tokenizerCodec(opened.tokenizer), created },
        toolbox: new Toolbox(tools),
        allowAll: options.allowTools,
        system: options.system,
        sampling: options,
        lines: input[Symbol.asyncIterator](),
        terminal,
        silent: call.json,
        signal,
      });
      if (call.json) call.printJson({ model: opened.name, turns });
    } finally {
      signal.removeEventListener("abort", onAbort);
      input.close();
      await close();
    }
  } finally {
    await opened.model.close();
  }
}

const NO_TOOLS = { tools: [], close: () => Promise.resolve() };
