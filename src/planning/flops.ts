/**
 * @file Floating-point operations of training, counted as the Apertus technical report does (App. D, Fig. D.2):
 * a multiply-add is two operations, attention counts as full (not the causal half), backward costs twice the
 * forward pass; the embedding look-up, the optimizer and recomputed activations are left out.
 */
import { assert } from "../core/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { countParameters } from "./parameters.ts";

/** One forward pass over one sequence, in operations; the per-layer terms are already summed over layers. */
export interface ForwardFlops {
  /** Query and output projections: 2·s·d·(h·k) each. */
  readonly queryAndOutput: number;
  /** Key and value projections: 2·s·d·(hkv·k) each. */
  readonly keyAndValue: number;
  /** Scores and weighted values: 2·h·s²·k each. */
  readonly attention: number;
  /** 3·h·s². */
  readonly softmax: number;
  /** 4·s·(h + hkv)·k. */
  readonly qkNorm: number;
  /** Two matrices: 2·s·2·d·f. */
  readonly mlp: number;
  /** Two RMSNorms: 2·4·s·d. */
  readonly norms: number;
  /** Output matrix, once: 2·s·d·V. */
  readonly logits: number;
  readonly total: number;
}

/** Operations of one forward pass over one sequence of `sequenceLength` tokens. */
export function forwardFlops(config: ModelConfig, sequenceLength: number): ForwardFlops {
  assert(sequenceLength > 0, "a sequence has at least one token");
  const { hiddenSize: d, heads: h, kvHeads, headDim: k, ffnSize: f, vocabSize, layers } = config;
  const s = sequenceLength;
  const queryAndOutput = layers * 2 * (2 * s * d * h * k);
  const keyAndValue = layers * 2 * (2 * s * d * kvHeads * k);
  const attention = layers * 2 * (2 * h * s * s * k);
  const softmax = layers * 3 * h * s * s;
  const qkNorm = layers * 4 * s * (h + kvHeads) * k;
  const mlp = layers * 2 * s * 2 * d * f;
  const norms = layers * 2 * 4 * s * d;
  const logits = 2 * s * d * vocabSize;
  const total = queryAndOutput + keyAndValue + attention + softmax + qkNorm + mlp + norms + logits;
  return { queryAndOutput, keyAndValue, attention, softmax, qkNorm, mlp, norms, logits, total };
}

/** Training operations per token at this sequence length: three forward passes, shared out over the tokens. */
export function trainingFlopsPerToken(config: ModelConfig, sequenceLength: number): number {
  return (3 * forwardFlops(config, sequenceLength).total) / sequenceLength;
}

/** The usual short cut: six operations per parameter and token (Kaplan et al. 2020), all parameters counted. */
export function sixParameterFlopsPerToken(config: ModelConfig): number {
  return 6 * countParameters(config).total;
}
