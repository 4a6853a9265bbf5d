/**
 * @file The Apertus decoder as a specification: slow, plain loops in float64, one function per formula. The ONNX
 * graph and the exported files are held against it; nothing else should call it.
 * Source: Apertus technical report §2.1; Hugging Face `modular_apertus.py`; Megatron-LM `activations.py` (xIELU).
 */
import { assert } from "../core/index.ts";
import { XIELU_BETA } from "../graph/index.ts";
import { type ModelConfig, parameterSpecs } from "./config.ts";
import { ropeFrequencies } from "./rope.ts";

/** Upper clamp of the negative branch's exponent, a constant of every Apertus model. */
export const XIELU_EPS = -1e-6;

/** ln(1 + eˣ), without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/**
 * xIELU (Huang & Schlag, arXiv 2411.13010), with the raw trained scalars α̃ₚ and α̃ₙ:
 * x > 0: softplus(α̃ₚ)·x² + β·x; else (β + softplus(α̃ₙ))·(e^min(x, ε) − 1 − x) + β·x.
 */
export function xielu(x: number, rawAlphaP: number, rawAlphaN: number): number {
  if (x > 0) return softplus(rawAlphaP) * x * x + XIELU_BETA * x;
  return (XIELU_BETA + softplus(rawAlphaN)) * (Math.expm1(Math.min(x, XIELU_EPS)) - x) + XIELU_BETA * x;
}

/** Rows of numbers: `rows[t][i]`. */
type Rows = Float64Array[];

/** y = W·x for every row x; `weight` is [out, in], row-major. */
function linear(rows: Rows, weight: Float32Array, outSize: number): Rows {
  return rows.map((x) => {
    const y = new Float64Array(outSize);
    for (let out = 0; out < outSize; out++) {
      let sum = 0;
      for (let i = 0; i < x.length; i++) sum += weight[out * x.length + i]! * x[i]!;
      y[out] = sum;
    }
    return y;
  });
}

/** x / √(mean(x²) + ε) · weight. */
function rmsNorm(x: Float64Array, weight: Float32Array, eps: number): Float64Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const inverse = 1 / Math.sqrt(squares / x.length + eps);
  return x.map((value, i) => value * inverse * weight[i]!);
}

/** Rotates component pairs (i, i + half) by position × frequency i. */
function rotate(x: Float64Array, position: number, frequencies: Float64Array): Float64Array {
  const half = x.length / 2;
  const y = new Float64Array(x.length);
  for (let i = 0; i < half; i++) {
    const cos = Math.cos(position * frequencies[i]!);
    const sin = Math.sin(position * frequencies[i]!);
    y[i] = x[i]! * cos - x[i + half]! * sin;
    y[i + half] = x[i + half]! * cos + x[i]! * sin;
  }
  return y;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Attention of one head at row `t`: over the rows up to `t` of the same segment. */
function attend(query: Float64Array, keys: Rows, values: Rows, t: number, segments: ArrayLike<number>) {
  const visible: number[] = [];
  for (let s = 0; s <= t; s++) if (segments[s] === segments[t]) visible.push(s);
  const scores = visible.map((s) => dot(query, keys[s]!) / Math.sqrt(query.length));
  const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const total = exponentials.reduce((a, b) => a + b, 0);
  const out = new Float64Array(query.length);
  visible.forEach((s, index) => {
    const share = exponentials[index]! / total;
    for (let i = 0; i < out.length; i++) out[i]! += share * values[s]![i]!;
  });
  return out;
}

/** A weight of the model by its Hugging Face name, checked for size. */
type Weight = (name: string) => Float32Array;

function attention(
  config: ModelConfig,
  weight: Weight,
  layer: number,
  hidden: Rows,
  positions: ArrayLike<number>,
  segments: ArrayLike<number>,
): Rows {
  const { heads, kvHeads, headDim, normEps } = config;
  const prefix = `model.layers.${layer}.self_attn`;
  const frequencies = ropeFrequencies(headDim, config.ropeTheta, config.ropeScaling);
  /** Head `head` of every row. */
  const split = (rows: Rows, head: number): Rows =>
    rows.map((row) => row.subarray(head * headDim, (head + 1) * headDim));
  // QK-norm over each head vector, with one weight vector for all heads, before the rotation.
  const normAndRotate = (rows: Rows, normWeight: Float32Array): Rows =>
    rows.map((row, t) => rotate(rmsNorm(row, normWeight, normEps), positions[t]!, frequencies));
  const q = linear(hidden, weight(`${prefix}.q_proj.weight`), heads * headDim);
  const k = linear(hidden, weight(`${prefix}.k_proj.weight`), kvHeads * headDim);
  const v = linear(hidden, weight(`${prefix}.v_proj.weight`), kvHeads * headDim);
  const joined = hidden.map(() => new Float64Array(heads * headDim));
  for (let head = 0; head < heads; head++) {
    const kvHead = Math.floor(head / (heads / kvHeads));
    const queries = normAndRotate(split(q, head), weight(`${prefix}.q_norm.weight`));
    const keys = normAndRotate(split(k, kvHead), weight(`${prefix}.k_norm.weight`));
    const values = split(v, kvHead);
    queries.forEach((query, t) => joined[t]!.set(attend(query, keys, values, t, segments), head * headDim));
  }
  return linear(joined, weight(`${prefix}.o_proj.weight`), config.hiddenSize);
}

function feedForward(config: ModelConfig, weight: Weight, layer: number, hidden: Rows): Rows {
  const prefix = `model.layers.${layer}.mlp`;
  const alphaP = weight(`${prefix}.act_fn.alpha_p`)[0]!;
  const alphaN = weight(`${prefix}.act_fn.alpha_n`)[0]!;
  const up = linear(hidden, weight(`${prefix}.up_proj.weight`), config.ffnSize);
  const activated = up.map((row) => row.map((x) => xielu(x, alphaP, alphaN)));
  return linear(activated, weight(`${prefix}.down_proj.weight`), config.hiddenSize);
}

const add = (a: Rows, b: Rows): Rows => a.map((row, t) => row.map((value, i) => value + b[t]![i]!));

/**
 * The logits of every position, row-major [ids.length × vocabSize].
 * @param weights float32 tensors by Hugging Face name (`parameterSpecs`); matrices [out, in].
 * @param ids token ids, several documents one after another.
 * @param positions each token's position in its document: starts again at 0 with every document.
 * @param segments each token's document number: a token sees only earlier tokens of its own document.
 */
export function referenceLogits(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  ids: ArrayLike<number>,
  positions: ArrayLike<number>,
  segments: ArrayLike<number>,
): Float64Array {
  assert(
    ids.length === positions.length && ids.length === segments.length,
    "one position and segment per token",
  );
  for (const { name, shape } of parameterSpecs(config)) {
    const size = shape.reduce((product, length) => product * length, 1);
    assert(weights.get(name)?.length === size, `weight ${name} does not have ${size} elements`);
  }
  const weight: Weight = (name) => weights.get(name)!;
  const { hiddenSize, vocabSize, normEps } = config;
  const normed = (rows: Rows, name: string): Rows => rows.map((row) => rmsNorm(row, weight(name), normEps));

  const embeddings = weight("model.embed_tokens.weight");
  let x: Rows = Array.from(ids, (id) => {
    assert(Number.isInteger(id) && id >= 0 && id < vocabSize, `token id ${id} is outside the vocabulary`);
    return Float64Array.from(embeddings.subarray(id * hiddenSize, (id + 1) * hiddenSize));
  });
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const attentionInput = normed(x, `${prefix}.attention_layernorm.weight`);
    x = add(x, attention(config, weight, layer, attentionInput, positions, segments));
    const feedForwardInput = normed(x, `${prefix}.feedforward_layernorm.weight`);
    x = add(x, feedForward(config, weight, layer, feedForwardInput));
  }
  const rows = linear(normed(x, "model.norm.weight"), weight("lm_head.weight"), vocabSize);
  const logits = new Float64Array(ids.length * vocabSize);
  rows.forEach((row, t) => logits.set(row, t * vocabSize));
  return logits;
}

/** Natural-log probabilities of one row of logits. */
export function logSoftmax(logits: Float64Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = logits.reduce((sum, value) => sum + Math.exp(value - largest), 0);
  const shift = largest + Math.log(total);
  return logits.map((value) => value - shift);
}
