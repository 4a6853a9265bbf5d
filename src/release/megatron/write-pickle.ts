/** @file Writes pickles of protocol 2. Source: CPython `Lib/pickletools.py` (the opcodes). */
import { assert } from "../../core/index.ts";
import { PersistentId, type Pickle, PickleFloat, PickleGlobal, PickleObject, PickleTuple } from "./pickle.ts";

class Writer {
  readonly #parts: Buffer[] = [];

  op(code: string, ...operand: Buffer[]): void {
    this.#parts.push(Buffer.from(code, "latin1"), ...operand);
  }

  text(value: string): void {
    const bytes = Buffer.from(value, "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    this.op("X", length, bytes);
  }

  number(value: number): void {
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31 && !Object.is(value, -0)) {
      const operand = Buffer.alloc(4);
      operand.writeInt32LE(value);
      this.op("J", operand);
    } else if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      const operand = Buffer.alloc(9, 8);
      operand.writeBigInt64LE(BigInt(value), 1);
      this.op("\x8a", operand);
    } else {
      this.float(value);
    }
  }

  float(value: number): void {
    const operand = Buffer.alloc(8);
    operand.writeDoubleBE(value);
    this.op("G", operand);
  }

  global(name: string): void {
    const dot = name.lastIndexOf(".");
    this.op(`c${name.slice(0, dot)}\n${name.slice(dot + 1)}\n`);
  }

  entries(items: ReadonlyMap<Pickle, Pickle>): void {
    if (items.size === 0) return;
    this.op("(");
    for (const [key, item] of items) {
      this.value(key);
      this.value(item);
    }
    this.op("u");
  }

  tuple(items: readonly Pickle[]): void {
    this.op("(");
    for (const item of items) this.value(item);
    this.op("t");
  }

  value(value: Pickle): void {
    if (value === null) this.op("N");
    else if (typeof value === "boolean") this.op(value ? "\x88" : "\x89");
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "bigint") this.number(Number(value));
    else if (typeof value === "string") this.text(value);
    else if (value instanceof PickleFloat) this.float(value.value);
    else if (value instanceof PickleGlobal) this.global(value.name);
    else if (value instanceof PickleTuple) this.tuple(value.items);
    else if (value instanceof PersistentId) {
      this.value(value.id);
      this.op("Q");
    } else if (value instanceof Map) {
      this.op("}");
      this.entries(value);
    } else if (value instanceof PickleObject) this.object(value);
    else if (Array.isArray(value)) {
      this.op("](");
      for (const item of value) this.value(item);
      this.op("e");
    } else assert(false, "bytes are not written");
  }

  object({ global, args, state, items }: PickleObject): void {
    this.global(global);
    this.tuple(args);
    this.op("R");
    this.entries(items);
    if (state === null) return;
    this.value(state);
    this.op("b");
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** `value` as a pickle of protocol 2. */
export function writePickle(value: Pickle): Buffer {
  const writer = new Writer();
  writer.op("\x80\x02");
  writer.value(value);
  writer.op(".");
  return writer.done();
}
