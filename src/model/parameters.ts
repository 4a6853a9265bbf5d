/**
 * @file How the decoder's parameters live while a graph runs: as on disk, but with q, k and v of a layer stacked into
 * one matrix, so that one product computes all three. Stacking is joining rows, so both directions are plain copies.
 */
import { FirnError, randomStream } from "../core/index.ts";
import { sizeOf } from "../graph/index.ts";
import { type ModelConfig, parameterSpecs } from "./config.ts";

/** One tensor of the running graph and the checkpoint tensors it is made of, in row order. */
export interface GraphParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly { readonly name: string; readonly size: number }[];
  /** Weight decay applies to matrices only (Megatron's default: no decay for one-dimensional parameters). */
  readonly decays: boolean;
}

/** Parameters by name, as flat arrays in row-major order. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** Xielu's raw alphas at the start: softplus⁻¹ of 0.8 and of 0.8 − 0.5 (swiss-ai/Megatron-LM `activations.py`). */
const INITIAL_ALPHA_P = Math.log(Math.exp(0.8) - 1);
const INITIAL_ALPHA_N = Math.log(Math.exp(0.8 - 0.5) - 1);

/** The decoder's graph parameters in the order of the network. */
export function graphParameters(config: ModelConfig): GraphParameter[] {
  const parameters: GraphParameter[] = [];
  const specs = parameterSpecs(config);
  for (let i = 0; i < specs.length; i++) {
    const spec = specs[i]!;
    const stacked = spec.name.endsWith("q_proj.weight") ? specs.slice(i, i + 3) : [spec];
    i += stacked.length - 1;
    const parts = stacked.map(({ name, shape }) => ({ name, size: sizeOf(shape) }));
    const name = stacked.length === 3 ? spec.name.replace("q_proj", "qkv_proj") : spec.name;
    const rows = stacked.reduce((sum, { shape }) => sum + shape[0]!, 0);
    parameters.push({ name, shape: [rows, ...spec.shape.slice(1)], parts, decays: spec.shape.length >= 2 });
  }
  return parameters;
}

/** Stacks checkpoint tensors into graph parameters; a missing or misshapen tensor is an error. */
export function stackWeights(
  config: ModelConfig,
  weights: Weights,
  where: string,
): Map<string, Float32Array> {
  const stacked = new Map<string, Float32Array>();
  for (const parameter of graphParameters(config)) {
    const data = new Float32Array(sizeOf(parameter.shape));
    let at = 0;
    for (const { name, size } of parameter.parts) {
      const part = weights.get(name);
      if (part?.length !== size) {
        throw new FirnError("MODEL_WEIGHTS_MISMATCH", {
          expected: `a tensor ${name} of ${size} numbers`,
          got: part === undefined ? "none" : `${part.length} numbers`,
          where,
          next: "Use weights that belong to this model configuration.",
        });
      }
      data.set(part, at);
      at += size;
    }
    stacked.set(parameter.name, data);
  }
  return stacked;
}

/** Takes graph parameters apart into checkpoint tensors (views, not copies). */
export function unstackWeights(config: ModelConfig, stacked: Weights): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const parameter of graphParameters(config)) {
    const data = stacked.get(parameter.name)!;
    let at = 0;
    for (const { name, size } of parameter.parts) {
      weights.set(name, data.subarray(at, at + size));
      at += size;
    }
  }
  return weights;
}

/**
 * Fresh weights under their checkpoint names: normal with `initStd`; the two output projections of a block with
 * initStd/√(2·layers) (Megatron `scaled_init_method_normal`); norms 1; xIELU's alphas so that both are 0.8.
 */
export function initialWeights(config: ModelConfig, seed: number): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const { name, shape } of parameterSpecs(config)) {
    const size = sizeOf(shape);
    if (name.endsWith("alpha_p")) weights.set(name, Float32Array.of(INITIAL_ALPHA_P));
    else if (name.endsWith("alpha_n")) weights.set(name, Float32Array.of(INITIAL_ALPHA_N));
    else if (shape.length === 1) weights.set(name, new Float32Array(size).fill(1));
    else {
      const projectsOut = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight");
      const std = projectsOut ? config.initStd / Math.sqrt(2 * config.layers) : config.initStd;
      const random = randomStream(seed, "initialise", name);
      weights.set(
        name,
        Float32Array.from({ length: size }, () => random.normal() * std),
      );
    }
  }
  return weights;
}
