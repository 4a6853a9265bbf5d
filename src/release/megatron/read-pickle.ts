/**
 * @file Reads pickles of protocol 2 to 5, as far as checkpoints use them. Source: CPython `Lib/pickletools.py` (the opcodes).
 * Anything else, and anything cut short, is `NotAPickle`; memory is bounded by the pickle's own length.
 */
import { NotAPickle, PersistentId, type Pickle, PickleGlobal, PickleObject, PickleTuple } from "./pickle.ts";

const MARK = Symbol("mark");
type Slot = Pickle | typeof MARK;

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, Pickle>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #take(length: number): Buffer {
    if (length < 0 || this.#at + length > this.#bytes.length)
      throw new NotAPickle("a pickle that is cut short");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) throw new NotAPickle("a name without an end");
    return this.#take(end - this.#at + 1)
      .toString("utf8")
      .slice(0, -1);
  }

  #pop(): Pickle {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw new NotAPickle("a value that is not there");
    return value;
  }

  #toMark(): Pickle[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw new NotAPickle("an end without a beginning");
    const values = this.#stack.splice(at) as Pickle[];
    return values.slice(1);
  }

  #length(bytes: 1 | 4 | 8): number {
    const value = this.#take(bytes);
    if (bytes === 1) return value.readUInt8();
    return bytes === 4 ? value.readUInt32LE() : Number(value.readBigUInt64LE());
  }

  #globalName(): string {
    const name = this.#pop();
    const module = this.#pop();
    if (typeof name !== "string" || typeof module !== "string")
      throw new NotAPickle("a class without a name");
    return `${module}.${name}`;
  }

  #make(): void {
    const args = this.#pop();
    const global = this.#pop();
    if (!(global instanceof PickleGlobal) || !(args instanceof PickleTuple))
      throw new NotAPickle("an object of no class");
    this.#stack.push(new PickleObject(global.name, args.items));
  }

  #setItems(values: readonly Pickle[]): void {
    const target = this.#stack.at(-1);
    const items = target instanceof Map ? target : target instanceof PickleObject ? target.items : undefined;
    if (items === undefined || values.length % 2 !== 0) throw new NotAPickle("entries of no dictionary");
    for (let i = 0; i < values.length; i += 2) items.set(values[i]!, values[i + 1]!);
  }

  #append(values: readonly Pickle[]): void {
    const target = this.#stack.at(-1);
    if (!Array.isArray(target)) throw new NotAPickle("elements of no list");
    for (const value of values) target.push(value);
  }

  #long(length: number): number | bigint {
    const bytes = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    if (length > 0 && bytes[length - 1]! > 127) value -= 1n << BigInt(8 * length);
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }

  /** Carries out one opcode; true at the end of the pickle. */
  #step(): boolean {
    const stack = this.#stack;
    const op = String.fromCharCode(this.#take(1)[0]!);
    switch (op) {
      case "\x80":
        if (this.#take(1)[0]! > 5) throw new NotAPickle("a newer pickle protocol");
        break;
      case "\x95":
        this.#take(8);
        break;
      case ".":
        return true;
      case "(":
        stack.push(MARK);
        break;
      case "N":
        stack.push(null);
        break;
      case "\x88":
        stack.push(true);
        break;
      case "\x89":
        stack.push(false);
        break;
      case "K":
        stack.push(this.#take(1).readUInt8());
        break;
      case "M":
        stack.push(this.#take(2).readUInt16LE());
        break;
      case "J":
        stack.push(this.#take(4).readInt32LE());
        break;
      case "\x8a":
        stack.push(this.#long(this.#length(1)));
        break;
      case "G":
        stack.push(this.#take(8).readDoubleBE());
        break;
      case "X":
        stack.push(this.#take(this.#length(4)).toString("utf8"));
        break;
      case "\x8c":
        stack.push(this.#take(this.#length(1)).toString("utf8"));
        break;
      case "C":
        stack.push(Buffer.from(this.#take(this.#length(1))));
        break;
      case "B":
        stack.push(Buffer.from(this.#take(this.#length(4))));
        break;
      case ")":
        stack.push(new PickleTuple([]));
        break;
      case "t":
        stack.push(new PickleTuple(this.#toMark()));
        break;
      case "\x85":
      case "\x86":
      case "\x87": {
        const items = Array.from({ length: op.charCodeAt(0) - 0x84 }, () => this.#pop());
        stack.push(new PickleTuple(items.toReversed()));
        break;
      }
      case "}":
        stack.push(new Map());
        break;
      case "]":
        stack.push([]);
        break;
      case "s": {
        const value = this.#pop();
        this.#setItems([this.#pop(), value]);
        break;
      }
      case "u":
        this.#setItems(this.#toMark());
        break;
      case "a":
        this.#append([this.#pop()]);
        break;
      case "e":
        this.#append(this.#toMark());
        break;
      case "c":
        stack.push(new PickleGlobal(`${this.#line()}.${this.#line()}`));
        break;
      case "\x93":
        stack.push(new PickleGlobal(this.#globalName()));
        break;
      case "R":
      case "\x81":
        this.#make();
        break;
      case "b": {
        const state = this.#pop();
        const target = stack.at(-1);
        if (!(target instanceof PickleObject)) throw new NotAPickle("a state of no object");
        target.state = state;
        break;
      }
      case "Q":
        stack.push(new PersistentId(this.#pop()));
        break;
      case "q":
        this.#remember(this.#length(1));
        break;
      case "r":
        this.#remember(this.#length(4));
        break;
      case "\x94":
        this.#remember(this.#memo.size);
        break;
      case "h":
        stack.push(this.#recall(this.#length(1)));
        break;
      case "j":
        stack.push(this.#recall(this.#length(4)));
        break;
      default:
        throw new NotAPickle(`opcode 0x${op.charCodeAt(0).toString(16)} at byte ${this.#at - 1}`);
    }
    return false;
  }

  #remember(key: number): void {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw new NotAPickle("nothing to remember");
    this.#memo.set(key, value);
  }

  #recall(key: number): Pickle {
    const value = this.#memo.get(key);
    if (value === undefined) throw new NotAPickle("something that was not said before");
    return value;
  }

  read(): Pickle {
    while (!this.#step());
    return this.#pop();
  }
}

/** The value of a pickle. Throws `NotAPickle`. */
export function readPickle(bytes: Buffer): Pickle {
  return new Reader(bytes).read();
}
