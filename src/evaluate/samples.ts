/** @file Continuations of prompts, drawn by a seed: what the model says when nobody interrupts. */
import type { SampleRecord } from "../artifacts/index.ts";
import type { LanguageModel } from "../generate/index.ts";
import type { TextCodec } from "./text-codec.ts";

export interface SamplePrompt {
  readonly id: string;
  readonly language: string;
  readonly text: string;
}

export interface SampleOptions {
  /** Default: 40. */
  readonly maxTokens?: number;
  /** Default: 0.8. */
  readonly temperature?: number;
  /** Default: 0.9. */
  readonly topP?: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Continues every prompt after `<s>` until `</s>` or `maxTokens`. Same seed, same model: same text. */
export async function generateSamples(
  model: LanguageModel,
  codec: TextCodec,
  prompts: readonly SamplePrompt[],
  options: SampleOptions,
): Promise<SampleRecord[]> {
  const maxTokens = options.maxTokens ?? 40;
  const records: SampleRecord[] = [];
  for (const prompt of prompts) {
    options.signal?.throwIfAborted();
    const start = [codec.bosId, ...codec.encode(prompt.text)];
    const ids: number[] = [];
    let logprob = 0;
    const tokens = model.generate(start, {
      maxTokens,
      temperature: options.temperature ?? 0.8,
      topP: options.topP ?? 0.9,
      seed: options.seed,
      stopIds: [codec.eosId],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    for await (const token of tokens) {
      ids.push(token.id);
      logprob += token.logprob;
    }
    const full = ids.length >= maxTokens || start.length + ids.length >= model.contextLength;
    records.push({
      task: "samples",
      example: prompt.id,
      language: prompt.language,
      prompt: prompt.text,
      text: codec.decode(ids),
      tokens: ids.length,
      meanLogprob: ids.length === 0 ? 0 : logprob / ids.length,
      ended: full ? "length" : "stop",
    });
  }
  return records;
}
