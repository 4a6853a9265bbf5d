/** @file `firn pull`: a model from the Hugging Face Hub, resumed, checked and pinned. */
import path from "node:path";
import { z } from "zod";
import { hubAccess, parseHubAddress, pullRepository } from "../../artifacts/index.ts";
import { FirnError, formatBytes, formatCount } from "../../core/index.ts";
import { parameterCount } from "../../model/index.ts";
import { openWeightsFolder } from "../../release/index.ts";
import type { CommandCall } from "../command.ts";
import { integerOption, parseOptions } from "../options.ts";
import { MODELS_DIR } from "../pulled-folder.ts";
import { shownPath } from "../shown-path.ts";

const patterns = z.array(z.string().min(1).max(1000)).default([]);
const schema = z.object({
  revision: z.string().min(1).optional(),
  include: patterns,
  exclude: patterns,
  parallel: integerOption(1, 32).default(4),
  out: z.string().min(1).optional(),
});

/** Owner, name and revision, however the repository was written. */
function addressOf(word: string) {
  const text = word.replace(/^hf:\/\//, "").replace(/^https:\/\/huggingface\.co\//, "");
  return parseHubAddress(`hf://${text}`, "models");
}

/** What the folder is good for, in words. */
async function prospects(dir: string): Promise<string[]> {
  const shown = shownPath(dir);
  try {
    const { config, tensors } = await openWeightsFolder(dir);
    await tensors.close();
    return [
      `An Apertus model of ${formatCount(parameterCount(config))} parameters. To talk to it:`,
      `  npx firn export ${shown} --to gguf --type q4_k`,
      `  npx firn chat ${shown}`,
    ];
  } catch (error) {
    if (!(error instanceof FirnError)) throw error;
    return [`Not a whole model of Apertus shape, so nothing else can be done with it here (${error.code}).`];
  }
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const word = call.arguments[0]!;
  const address = addressOf(word);
  const { kind, repository } = address;
  if (address.path !== "") {
    throw new FirnError("CLI_USAGE", {
      expected: "owner/name or owner/name@revision",
      got: word,
      next: `To fetch one file: npx firn pull ${repository} --include ${address.path}`,
    });
  }
  const dir = path.resolve(options.out ?? path.join(MODELS_DIR, repository));
  const named = options.revision ?? (word.includes("@") ? address.revision : undefined);
  const record = await pullRepository({
    address: { kind, repository },
    ...(named === undefined ? {} : { revision: named }),
    access: hubAccess(process.env),
    dir,
    include: options.include,
    exclude: options.exclude,
    parallel: options.parallel,
    report: call.report,
    signal: call.signal,
  });
  const files = Object.values(record.files);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (call.json) {
    call.printJson({
      out: dir,
      repository,
      commit: record.commit,
      licence: record.licence,
      files: files.length,
      bytes,
    });
    return;
  }
  call.terminal.print(
    `${repository} at ${record.commit}: ${files.length} files, ${formatBytes(bytes)}, licence ${record.licence ?? "not stated"}`,
  );
  call.terminal.print(`In ${dir}`);
  for (const line of await prospects(dir)) call.terminal.print(line);
}
