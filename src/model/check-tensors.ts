/**
 * @file Do these tensors belong to this model? Asked from the headers alone, before gigabytes are read: every parameter is
 * there in its shape, and nothing is there that the model would leave out.
 */
import { FirnError } from "../core/index.ts";
import { type ModelConfig, parameterSpecs } from "./config.ts";

/** A tensor as a file's header describes it. */
export interface DescribedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/**
 * Buffers that stand beside the parameters and hold constants of every Apertus: xIELU's β and ε, and the rotary
 * frequencies that old versions of transformers wrote.
 */
const CONSTANT = /\.mlp\.act_fn\.(beta|eps)$|\.rotary_emb\.inv_freq$/;

const FLOATS: ReadonlySet<string> = new Set(["F32", "BF16", "F16"]);

/**
 * @param where the folder, for the message
 * @throws FirnError `MODEL_WEIGHTS_MISMATCH`
 */
export function checkTensors(
  config: ModelConfig,
  tensors: ReadonlyMap<string, DescribedTensor>,
  where: string,
): void {
  const fail = (expected: string, got: string): never => {
    throw new FirnError("MODEL_WEIGHTS_MISMATCH", {
      expected,
      got,
      where,
      next: "Use weights that belong to the config.json beside them.",
    });
  };
  const known = new Set<string>();
  for (const { name, shape } of parameterSpecs(config)) {
    known.add(name);
    const found = tensors.get(name);
    if (found === undefined) return fail(`a tensor ${name}`, "none");
    if (found.shape.join() !== shape.join()) {
      fail(`${name} of shape [${shape.join(", ")}]`, `[${found.shape.join(", ")}]`);
    }
    if (!FLOATS.has(found.dtype)) fail(`${name} as F32, BF16 or F16`, found.dtype);
  }
  for (const name of tensors.keys()) {
    if (!known.has(name) && !CONSTANT.test(name)) fail("only the tensors of an Apertus model", name);
  }
}
