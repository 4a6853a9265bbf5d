/**
 * @file A symbolic graph: values with static shapes, nodes in execution order, and a tape of differentiable
 * operators. Nothing is computed here; `onnx.ts` writes the graph down and the engine runs it.
 */
import { assert } from "../core/index.ts";

export type DataType = "float32" | "int32" | "int64" | "bool";

/** A tensor that will exist when the graph runs. */
export interface Value {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
  /** Names of axes whose length is known only when the graph runs; `shape` then holds an example. For inputs and outputs. */
  readonly axes?: readonly (string | null)[];
}

export type Attribute = number | string | readonly number[] | { readonly float: number };

export interface Node {
  readonly type: string;
  /** `""` for standard ONNX operators, `com.microsoft` for ONNX Runtime's own. */
  readonly domain: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: { readonly [name: string]: Attribute };
}

export interface Constant extends Value {
  readonly data: Float32Array | Int32Array | BigInt64Array;
}

/** One use of a differentiable operator; `backward` adds the nodes of its gradient to the graph. */
export interface TapeEntry {
  readonly operator: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /**
   * Given the gradients of the outputs (undefined where nothing depends on that output), returns the gradients
   * of the inputs (undefined where an input has none, such as token ids). `needs[i]` is false when nobody
   * will use the gradient of input i, so that it need not be built.
   */
  backward(
    gradients: readonly (Value | undefined)[],
    needs: readonly boolean[],
  ): readonly (Value | undefined)[];
}

/** The number of elements in a tensor of `shape`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly constants: Constant[] = [];
  readonly tape: TapeEntry[] = [];
  #counter = 0;
  readonly #constantsByContent = new Map<string, Constant>();

  /** Declares a tensor that the caller will feed. */
  input(name: string, dtype: DataType, shape: readonly number[], axes?: readonly (string | null)[]): Value {
    assert(!this.inputs.some((value) => value.name === name), `graph input ${name} is declared twice`);
    const value: Value = axes === undefined ? { name, dtype, shape } : { name, dtype, shape, axes };
    this.inputs.push(value);
    return value;
  }

  /** Names a value that the caller will fetch. */
  output(name: string, value: Value): void {
    assert(!this.outputs.some((output) => output.name === name), `graph output ${name} is declared twice`);
    this.outputs.push({ name, value });
  }

  /** A tensor of fixed numbers; equal constants are stored once. */
  constant(data: Float32Array | Int32Array | BigInt64Array, shape: readonly number[]): Constant {
    assert(
      sizeOf(shape) === data.length,
      `constant of ${data.length} numbers cannot have shape [${shape.join(",")}]`,
    );
    const dtype = data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "int64";
    const key = data.length <= 64 ? `${dtype}[${shape.join(",")}]${data.join(",")}` : undefined;
    const known = key === undefined ? undefined : this.#constantsByContent.get(key);
    if (known !== undefined) return known;
    const constant: Constant = { name: `c${this.constants.length}`, dtype, shape, data };
    this.constants.push(constant);
    if (key !== undefined) this.#constantsByContent.set(key, constant);
    return constant;
  }

  /** A float32 scalar. */
  scalar(value: number): Constant {
    return this.constant(Float32Array.of(value), []);
  }

  /** Appends a node; the caller states the shapes of its outputs. */
  node(
    type: string,
    inputs: readonly Value[],
    outputs: readonly { readonly dtype: DataType; readonly shape: readonly number[] }[],
    attributes: { readonly [name: string]: Attribute } = {},
    domain = "",
  ): Value[] {
    const values = outputs.map(({ dtype, shape }) => ({ name: `v${this.#counter++}`, dtype, shape }));
    this.nodes.push({ type, domain, inputs, outputs: values, attributes });
    return values;
  }

  /** Records a differentiable operator, so that `gradients` can walk back through it. */
  record(entry: TapeEntry): void {
    this.tape.push(entry);
  }
}
