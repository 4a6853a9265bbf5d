/** @file The tokenizer's files into the folder of an export. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../artifacts/index.ts";
import { FirnError, systemErrorCode } from "../../core/index.ts";

/** A tokenizer's files; the first is required. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
] as const;

/** Copies the tokenizer of `tokenizerDir`. Throws `RELEASE_TOKENIZER` when it has no `tokenizer.json`. */
export async function copyTokenizer(tokenizerDir: string, dir: string): Promise<void> {
  for (const name of TOKENIZER_FILES) {
    let content: Buffer;
    try {
      content = await readFile(join(tokenizerDir, name));
    } catch (cause) {
      if (systemErrorCode(cause) === "ENOENT" && name !== "tokenizer.json") continue;
      throw new FirnError("RELEASE_TOKENIZER", {
        expected: `a tokenizer folder with ${name}`,
        got: systemErrorCode(cause) ?? "an unreadable file",
        where: join(tokenizerDir, name),
        next: "Give the folder of the tokenizer that the model was trained with.",
        cause,
      });
    }
    await writeFileAtomic(join(dir, name), content);
  }
}
