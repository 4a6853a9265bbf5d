/** @file What can be known to be wrong with a run before any work is spent on it. */
import { FirnError } from "../core/index.ts";
import { graphParameters, type ModelConfig, parameterSpecs, type Weights } from "../model/index.ts";
import { createOptimizer, type OptimizerConfig } from "./optimizers/create-optimizer.ts";
import type { TokenDocuments } from "./packing.ts";
import { stateNamesOf } from "./update-graph.ts";

/** @throws FirnError `TRAIN_TOKEN_RANGE` if an id is not of the model's vocabulary */
export function checkIds({ ids, offsets, names }: TokenDocuments, vocabSize: number): void {
  const wrong = ids.findIndex((id) => id < 0 || id >= vocabSize);
  if (wrong < 0) return;
  const document = names.findIndex((_, i) => offsets[i + 1]! > wrong);
  throw new FirnError("TRAIN_TOKEN_RANGE", {
    expected: `token ids below the model's vocabulary size ${vocabSize}`,
    got: `id ${ids[wrong]}`,
    where: `document ${names[document]}, token ${wrong - offsets[document]!}`,
    next: "The tokens were made by another tokenizer; tokenize again or set the model's vocabulary size.",
  });
}

/** @throws FirnError `TRAIN_SEQUENCE_LENGTH` if sequences are longer than the model's context */
export function checkLength(length: number, { contextLength }: ModelConfig): void {
  if (length <= contextLength) return;
  throw new FirnError("TRAIN_SEQUENCE_LENGTH", {
    expected: `sequences of at most ${contextLength} tokens, the model's contextLength`,
    got: `${length} tokens`,
    next: "Lower `length`, or raise the model's `contextLength` (and `ropeTheta` with it).",
  });
}

/** @throws FirnError `TRAIN_WEIGHTS_OF_ANOTHER_MODEL` if a tensor is missing, of another size, or not a number */
export function checkWeights(weights: Weights, model: ModelConfig): void {
  const fail = (expected: string, got: string): never => {
    throw new FirnError("TRAIN_WEIGHTS_OF_ANOTHER_MODEL", {
      expected,
      got,
      next: "Start from weights of this shape, or give the model the shape of these weights.",
    });
  };
  for (const { name, shape } of parameterSpecs(model)) {
    const size = shape.reduce((product, length) => product * length, 1);
    const found = weights.get(name);
    const expected = `weights with ${name} [${shape.join(", ")}]`;
    if (found === undefined) return fail(expected, "none");
    if (found.length !== size) return fail(expected, `${found.length} numbers`);
    if (found.some((value) => !Number.isFinite(value)))
      fail(`finite numbers in ${name}`, "infinite ones or ones that are not a number");
  }
}

/** True if `state` is what `optimizer` keeps for `model`. */
export function stateFits(state: Weights, model: ModelConfig, optimizer: OptimizerConfig): boolean {
  const kept = createOptimizer(optimizer);
  const names = graphParameters(model).flatMap((parameter) =>
    stateNamesOf(parameter, kept).map((name) => ({ name, size: parameter.shape.reduce((a, b) => a * b, 1) })),
  );
  return state.size === names.length && names.every(({ name, size }) => state.get(name)?.length === size);
}
