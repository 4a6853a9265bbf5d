/** @file A language model that says what a test tells it to, for what cannot be left to chance: calls of tools. */
import type { GeneratedToken, GenerateOptions, LanguageModel } from "../../src/generate/index.ts";
import type { ServedModel } from "../../src/serve/index.ts";
import { byteCodec, encodeMarked, NgramModel } from "./ngram-model.ts";

/** Reads the prompt, byte by byte as text, and returns the answer; marks such as `<|tools_prefix|>` are special tokens. */
export type Script = (prompt: string) => string;

class ScriptedModel extends NgramModel implements LanguageModel {
  readonly #script: Script;

  constructor(script: Script) {
    super([], { order: 1, contextLength: 4096 });
    this.#script = script;
  }

  override async *generate(
    prompt: readonly number[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedToken, void, void> {
    const text = new TextDecoder().decode(Uint8Array.from(prompt.filter((id) => id < 256)));
    options.onPrompt?.({ cachedTokens: 0 });
    for (const id of encodeMarked(this.#script(text)).slice(0, options.maxTokens)) {
      await new Promise((resolve) => setImmediate(resolve));
      options.signal?.throwIfAborted();
      if (options.stopIds?.includes(id) === true || options.constraint?.complete === true) return;
      if (options.constraint?.allows(id) === false)
        throw new Error(`the grammar does not allow token ${id} of the script`);
      options.constraint?.accept(id);
      yield { id, logprob: 0, top: [] };
    }
  }
}

export function scripted(id: string, script: Script): ServedModel {
  return { id, model: new ScriptedModel(script), chat: byteCodec, created: 1_700_000_000 };
}
