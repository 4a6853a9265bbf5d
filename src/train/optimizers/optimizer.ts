/** @file What every optimizer is to the trainer: the state it keeps per parameter, and one update in graph operators. */
import type { Graph, Value } from "../../graph/index.ts";
import type { GraphParameter } from "../../model/index.ts";

/** Values that one parameter's update reads. */
export interface UpdateInputs {
  readonly learningRate: Value;
  /** Factor on every gradient that brings the global norm to at most the clipping bound. */
  readonly clip: Value;
  /** The optimizer's own numbers of this step, by `scalarNames`. */
  readonly scalars: Readonly<Record<string, Value>>;
  /** The parameter as it is, its gradient before clipping, and its state by `stateNames`; all of one shape. */
  readonly value: Value;
  readonly gradient: Value;
  readonly state: Readonly<Record<string, Value>>;
}

/**
 * The parameter and its state after the step. Each must be the output of an elementwise operator that reads the old one
 * last, so that it can be written over it (`assertInPlace`).
 */
export interface Updated {
  readonly value: Value;
  readonly state: Readonly<Record<string, Value>>;
}

export interface Optimizer {
  /** Scalars that change from step to step, besides the learning rate and the clipping factor. */
  readonly scalarNames: readonly string[];
  /** Their values at `step`, counted from 1. */
  scalars(step: number): Readonly<Record<string, number>>;
  /** What is kept for `parameter` between steps: tensors of its shape that start at zero. */
  stateNames(parameter: GraphParameter): readonly string[];
  /** Adds one parameter's update to `graph`. */
  update(graph: Graph, parameter: GraphParameter, inputs: UpdateInputs): Updated;
}
