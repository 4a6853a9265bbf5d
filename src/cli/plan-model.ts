/** @file What a model in a folder takes to run: its size in every format, and the memory of a conversation. */
import { existsSync } from "node:fs";
import path from "node:path";
import { formatBytes, formatInteger, formatTable } from "../core/index.ts";
import { readModelConfig } from "../model/index.ts";
import { countParameters, forwardFlops, kvCacheBytesPerToken } from "../planning/index.ts";
import { ggufBytes, type GgufFileType } from "../release/index.ts";
import type { CommandCall } from "./command.ts";
import { GGUF_FORMATS } from "./export-formats.ts";
import { pulledFolder } from "./pulled-folder.ts";
import { shownPath } from "./shown-path.ts";

/** Tokens of a long conversation, for the example in the table. */
const CONVERSATION_TOKENS = 8192;

/** The folder that `name` means, if it is one with a model in it. */
export async function modelFolder(name: string): Promise<string | undefined> {
  const dir = (await pulledFolder(name)) ?? path.resolve(name);
  return existsSync(path.join(dir, "config.json")) ? dir : undefined;
}

/** Prints the model's size, and what each format takes. Reads config.json only. */
export async function planModel(call: CommandCall, dir: string): Promise<void> {
  const config = await readModelConfig(dir);
  const parameters = countParameters(config);
  const tokens = Math.min(CONVERSATION_TOKENS, config.contextLength);
  const cache = kvCacheBytesPerToken(config);
  const flopsPerToken = forwardFlops(config, 1).total;
  const formats = GGUF_FORMATS.map((type) => {
    const bytes = ggufBytes(config, type.toUpperCase() as GgufFileType);
    return { type, bytes, memory: bytes + cache * tokens };
  });
  if (call.json) {
    call.printJson({
      model: dir,
      parameters: parameters.total,
      nonEmbedding: parameters.nonEmbedding,
      contextLength: config.contextLength,
      cacheBytesPerToken: cache,
      flopsPerToken,
      formats,
    });
    return;
  }
  const { terminal } = call;
  terminal.print(`${path.basename(dir)}: ${formatInteger(parameters.total)} parameters`);
  terminal.print(
    `${formatInteger(parameters.nonEmbedding)} without embeddings; ${config.layers} layers; context ${formatInteger(config.contextLength)} tokens`,
  );
  terminal.print(
    `One token: ${flopsPerToken.toExponential(2).replace("e+", "e")} operations, ${formatBytes(cache)} of key/value cache (2·L·hkv·k·2 bytes)\n`,
  );
  const rows = formats.map(({ type, bytes, memory }) => [type, formatBytes(bytes), formatBytes(memory)]);
  terminal.print(
    formatTable(["format", "on the disk", `in memory with ${formatInteger(tokens)} tokens`], rows),
  );
  terminal.print(`\nTo run it here: npx firn export ${shownPath(dir)} --to gguf --type q4_k`);
}
