/**
 * @file The sums of a fastText model in WebAssembly, four numbers at a time and bit for bit those of `fasttext.ts`. The tables lie
 * in the module's own memory, which threads share; each thread has a slot there to work in.
 */
import { KERNEL_BASE64 } from "./fasttext-kernel.data.ts";

/** Where everything lies in the shared memory. Plain data, so that workers can be given it. */
export interface KernelTables {
  readonly memory: WebAssembly.Memory;
  readonly columns: number;
  readonly labels: number;
  /** Labels in blocks of sixteen, in each their numbers column after column. */
  readonly packedAt: number;
  /** Rows of the input, where they are not quantized. */
  readonly inputAt: number;
}

const PAGE = 65_536;
const MOST_PAGES = 65_536;
/** Threads that can work on one model; further ones do without the kernel. */
const SLOTS = 64;
/** Rows that are added in one call. */
const CHUNK_ROWS = 4096;
const LANES = 16;
/** In front of the slots: how many are taken. */
const SLOTS_AT = 64;

const roundUp = (bytes: number): number => Math.ceil(bytes / 64) * 64;
const blocksOf = (labels: number): number => Math.ceil(labels / LANES);

/** Bytes of a slot: row numbers, the hidden layer, scores. */
function slotLayout(columns: number, labels: number): { hiddenAt: number; scoresAt: number; bytes: number } {
  const hiddenAt = CHUNK_ROWS * 4;
  const scoresAt = hiddenAt + roundUp(columns * 4);
  return { hiddenAt, scoresAt, bytes: scoresAt + blocksOf(labels) * LANES * 4 };
}

/**
 * Memory for a model with room for `inputBytes` of rows (0 where they are quantized); `undefined` where 4 GiB, or what the
 * system gives, are too little.
 */
export function allocateKernel(
  columns: number,
  labels: number,
  inputBytes: number,
): KernelTables | undefined {
  const packedAt = SLOTS_AT + SLOTS * slotLayout(columns, labels).bytes;
  const inputAt = packedAt + blocksOf(labels) * LANES * columns * 4;
  const pages = Math.ceil((inputAt + inputBytes) / PAGE);
  if (pages > MOST_PAGES) return undefined;
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    return { memory, columns, labels, packedAt, inputAt };
  } catch {
    return undefined;
  }
}

/** Puts the rows of the output, one a label, into blocks. */
export function packOutput(kernel: KernelTables, values: Float32Array): void {
  const { memory, columns, labels, packedAt } = kernel;
  const packed = new Float32Array(memory.buffer, packedAt, blocksOf(labels) * LANES * columns);
  for (let label = 0; label < labels; label++) {
    const block = Math.floor(label / LANES) * LANES * columns;
    for (let column = 0; column < columns; column++)
      packed[block + column * LANES + (label % LANES)] = values[label * columns + column]!;
  }
}

interface KernelExports {
  add(rows: number, count: number, table: number, hidden: number, width: number): void;
  score(packed: number, blocks: number, hidden: number, width: number, scores: number): void;
}

/** One thread's use of the kernel. */
export class FastTextKernel {
  readonly hidden: Float32Array;
  readonly scores: Float32Array;
  readonly #tables: KernelTables;
  readonly #exports: KernelExports;
  readonly #rows: Int32Array;

  private constructor(tables: KernelTables, slot: number) {
    const { memory, columns, labels } = tables;
    const { hiddenAt, scoresAt, bytes } = slotLayout(columns, labels);
    const at = SLOTS_AT + slot * bytes;
    this.#tables = tables;
    this.#rows = new Int32Array(memory.buffer, at, CHUNK_ROWS);
    this.hidden = new Float32Array(memory.buffer, at + hiddenAt, columns);
    this.scores = new Float32Array(memory.buffer, at + scoresAt, labels);
    const module = new WebAssembly.Module(Buffer.from(KERNEL_BASE64, "base64"));
    const { exports } = new WebAssembly.Instance(module, { firn: { memory } });
    this.#exports = exports as unknown as KernelExports;
  }

  /** `undefined` when every slot is taken. */
  static open(tables: KernelTables): FastTextKernel | undefined {
    const slot = Atomics.add(new Int32Array(tables.memory.buffer, 0, 1), 0, 1);
    return slot < SLOTS ? new FastTextKernel(tables, slot) : undefined;
  }

  /** Adds rows of the input to `hidden`, one after the other. */
  add(rows: Int32Array, count: number): void {
    const { inputAt, columns } = this.#tables;
    for (let from = 0; from < count; from += CHUNK_ROWS) {
      const to = Math.min(count, from + CHUNK_ROWS);
      this.#rows.set(rows.subarray(from, to));
      this.#exports.add(this.#rows.byteOffset, to - from, inputAt, this.hidden.byteOffset, columns * 4);
    }
  }

  /** Fills `scores` with the products of every label's row and `hidden`. */
  score(): void {
    const { packedAt, labels, columns } = this.#tables;
    const { hidden, scores } = this;
    this.#exports.score(packedAt, blocksOf(labels), hidden.byteOffset, columns * 4, scores.byteOffset);
  }
}
