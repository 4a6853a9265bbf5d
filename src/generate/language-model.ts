/**
 * @file The one interface behind which every model speaks: ours in ONNX Runtime, GGUF files in llama.cpp, and
 * (later) anything with an OpenAI-compatible address. Tokens in, tokens and natural-log probabilities out; text
 * is the tokenizer's business.
 */
import type { LogitChangeOptions } from "./logit-changes.ts";
import type { TokenConstraint } from "./token-constraint.ts";

/** A token and the natural logarithm of its probability. */
export interface TokenChoice {
  readonly id: number;
  readonly logprob: number;
}

export interface GeneratedToken extends TokenChoice {
  /** The likeliest tokens at this position, best first, when `topLogprobs` asked for them. */
  readonly top: readonly TokenChoice[];
}

/** How the next token is chosen. */
export interface SamplingSettings extends LogitChangeOptions {
  /** 0 takes the likeliest token. Default: 0.8 (Apertus model card). */
  readonly temperature?: number | undefined;
  /** Keep the smallest set of tokens with this much probability. Default: 0.9 (Apertus model card). */
  readonly topP?: number | undefined;
  /** Keep this many tokens; 0 keeps all. Default: 0. */
  readonly topK?: number | undefined;
  /** Keep only tokens at least this share as likely as the likeliest; 0 keeps all. Default: 0. */
  readonly minP?: number | undefined;
  /** Same seed, same prompt, same model: same tokens. Default: 0. */
  readonly seed?: number | undefined;
}

export interface GenerateOptions extends SamplingSettings {
  readonly maxTokens: number;
  /** Generation ends before yielding any of these. */
  readonly stopIds?: readonly number[];
  /** How many alternatives to report at each position. Default: 0. */
  readonly topLogprobs?: number;
  /** Only tokens it allows are chosen; generation ends when it is complete. It belongs to this generation alone. */
  readonly constraint?: TokenConstraint;
  /** Told once, before the first token: how many tokens of the prompt an earlier generation had read already. */
  readonly onPrompt?: (prompt: { readonly cachedTokens: number }) => void;
  readonly signal?: AbortSignal;
}

export interface LanguageModel {
  /** What people call it, e.g. `nano`. */
  readonly name: string;
  readonly vocabSize: number;
  /** Longest prompt plus answer, in tokens. */
  readonly contextLength: number;
  /**
   * For each sequence: at index i the natural-log probability of token i given tokens 0 … i−1; index 0 is 0.
   * Sequences are scored exactly as given (no token is added).
   */
  score(sequences: readonly (readonly number[])[]): Promise<Float64Array[]>;
  /** For every position of `ids`, of those from `from` on (default 0), the `top` likeliest next tokens, best first. */
  distributions(ids: readonly number[], top: number, from?: number): Promise<TokenChoice[][]>;
  /** Continues `prompt`; ends at a stop token, at `maxTokens`, when the constraint is complete or the context full. */
  generate(prompt: readonly number[], options: GenerateOptions): AsyncGenerator<GeneratedToken, void, void>;
  /** A vector of length 1 for each sequence: what the model has understood at its last token. Not every engine can. */
  embed?(sequences: readonly (readonly number[])[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}
