/** @file What weights say to a few prompts: asked before and after training, and while it goes on. */
import type { SampleRecord } from "../artifacts/index.ts";
import { generateSamples } from "../evaluate/index.ts";
import { OnnxModel } from "../generate/index.ts";
import type { ModelConfig, Weights } from "../model/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { textCodec } from "./text-codec.ts";

/** What is asked, and how it is answered. */
export interface SampleQuestions {
  readonly prompts: readonly { readonly language: string; readonly text: string }[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
}

/** Prompt plus answer of a sample, in tokens. */
const SAMPLE_CONTEXT = 96;

/** @param work `threads` inside the model's sessions; `signal` stops between two tokens */
export async function sampleWeights(
  { config, weights, tokenizer }: { config: ModelConfig; weights: Weights; tokenizer: Tokenizer },
  { prompts, maxTokens, temperature, seed }: SampleQuestions,
  { name, threads, signal }: { name: string; threads: number; signal: AbortSignal },
): Promise<SampleRecord[]> {
  const speaker = new OnnxModel(config, weights, { name, threads, length: SAMPLE_CONTEXT });
  try {
    return await generateSamples(
      speaker,
      textCodec(tokenizer),
      prompts.map(({ language, text }, i) => ({ id: `prompt-${i + 1}`, language, text })),
      { maxTokens, temperature, seed, signal },
    );
  } finally {
    await speaker.close();
  }
}
