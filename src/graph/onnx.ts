/**
 * @file Writes a graph as an ONNX `ModelProto` (onnx/onnx.proto, IR version 9, opset 18 + com.microsoft 1), in
 * Protocol Buffers' wire format: field tag = number·8 + wire type (0 varint, 2 length-delimited, 5 32-bit).
 */
import type { Attribute, Constant, Graph, Node, Value } from "./graph.ts";

const TENSOR_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
/** `TensorProto.DataLocation`. */
const EXTERNAL = 1;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** Collects the fields of one protobuf message. */
class Message {
  readonly #chunks: Uint8Array[] = [];

  static encodeVarint(value: number | bigint): Uint8Array {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      bytes.push(rest === 0n ? low : low | 0x80);
    } while (rest !== 0n);
    return Uint8Array.from(bytes);
  }

  varint(field: number, value: number | bigint): this {
    this.#chunks.push(Message.encodeVarint(field * 8), Message.encodeVarint(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#chunks.push(Message.encodeVarint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#chunks.push(Message.encodeVarint(field * 8 + 2), Message.encodeVarint(value.length), value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#chunks.reduce((total, chunk) => total + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }
}

function attributeMessage(name: string, value: Attribute): Message {
  const message = new Message().string(1, name);
  if (typeof value === "number") return message.varint(3, value).varint(20, ATTRIBUTE_TYPE.int);
  if (typeof value === "string") return message.string(4, value).varint(20, ATTRIBUTE_TYPE.string);
  if ("float" in value) return message.float(2, value.float).varint(20, ATTRIBUTE_TYPE.float);
  for (const item of value) message.varint(8, item);
  return message.varint(20, ATTRIBUTE_TYPE.ints);
}

function nodeMessage(node: Node, index: number): Message {
  const message = new Message();
  for (const input of node.inputs) message.string(1, input.name);
  for (const output of node.outputs) message.string(2, output.name);
  message.string(3, `${node.type}_${index}`).string(4, node.type);
  for (const [name, value] of Object.entries(node.attributes))
    message.message(5, attributeMessage(name, value));
  if (node.domain !== "") message.string(7, node.domain);
  return message;
}

/** Where the numbers of a tensor lie that are kept in a file beside the model. */
export interface ExternalData {
  /** The file's name, relative to the model's folder. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

function tensorMessage({ name, dtype, shape }: Value): Message {
  const message = new Message();
  for (const size of shape) message.varint(1, size);
  return message.varint(2, TENSOR_TYPE[dtype]).string(8, name);
}

function constantMessage(constant: Constant): Message {
  const { buffer, byteOffset, byteLength } = constant.data;
  return tensorMessage(constant).bytes(9, new Uint8Array(buffer, byteOffset, byteLength));
}

function externalMessage(value: Value, data: ExternalData): Message {
  const message = tensorMessage(value);
  for (const [key, text] of Object.entries(data))
    message.message(13, new Message().string(1, key).string(2, String(text)));
  return message.varint(14, EXTERNAL);
}

function valueInfoMessage(name: string, value: Value): Message {
  const shape = new Message();
  for (const [axis, size] of value.shape.entries()) {
    const label = value.axes?.[axis];
    const dimension = new Message();
    shape.message(1, typeof label === "string" ? dimension.string(2, label) : dimension.varint(1, size));
  }
  const tensor = new Message().varint(1, TENSOR_TYPE[value.dtype]).message(2, shape);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}

/**
 * The caller's names for the values it fetches. A value takes the output's name where it can; a graph input, a
 * constant or a value fetched twice needs an Identity node instead.
 */
function nameOutputs(graph: Graph): { renamed: Map<string, string>; copies: Node[] } {
  const produced = new Set(graph.nodes.flatMap((node) => node.outputs.map((output) => output.name)));
  const renamed = new Map<string, string>();
  const copies: Node[] = [];
  for (const { name, value } of graph.outputs) {
    if (produced.has(value.name) && !renamed.has(value.name)) renamed.set(value.name, name);
    else
      copies.push({
        type: "Identity",
        domain: "",
        inputs: [value],
        outputs: [{ ...value, name }],
        attributes: {},
      });
  }
  return { renamed, copies };
}

/**
 * The bytes of an ONNX model with the graph's inputs and outputs under their own names. Inputs named in `external` become
 * constants whose numbers lie in a file beside the model.
 */
export function encodeOnnx(
  graph: Graph,
  name: string,
  external: ReadonlyMap<string, ExternalData> = new Map(),
): Uint8Array {
  const { renamed, copies } = nameOutputs(graph);
  const rename = (value: Value): Value => ({ ...value, name: renamed.get(value.name) ?? value.name });
  const body = new Message();
  [...graph.nodes, ...copies].forEach((node, index) => {
    const named = { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
    body.message(1, nodeMessage(named, index));
  });
  body.string(2, name);
  for (const constant of graph.constants) body.message(5, constantMessage(constant));
  for (const input of graph.inputs) {
    const data = external.get(input.name);
    if (data === undefined) body.message(11, valueInfoMessage(input.name, input));
    else body.message(5, externalMessage(input, data));
  }
  for (const output of graph.outputs) body.message(12, valueInfoMessage(output.name, output.value));
  const opset = (domain: string, version: number): Message => {
    const message = new Message();
    if (domain !== "") message.string(1, domain);
    return message.varint(2, version);
  };
  return new Message()
    .varint(1, 9)
    .string(2, "firn")
    .message(7, body)
    .message(8, opset("", 18))
    .message(8, opset("com.microsoft", 1))
    .finish();
}
