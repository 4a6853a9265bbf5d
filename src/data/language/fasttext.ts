/**
 * @file What a fastText model says about a text, number for number as fastText 0.9.2 says it: the same tokens, the same
 * hashes (with their sign extension), sums in single precision in the same order. The functions at the end say what the sums
 * are; the kernel makes the same ones faster where it holds the model.
 */
import { CENTROIDS, type FastTextTables, type Matrix } from "./fasttext-file.ts";
import { FastTextKernel } from "./fasttext-kernel.ts";

/** One answer. */
export interface FastTextPrediction {
  /** As in the model, with its `__label__`. */
  readonly label: string;
  /** fastText's probability: e^log(p + 10⁻⁵), which may be a little above 1. */
  readonly probability: number;
}

const BEGIN = 0x3c; // <
const END = 0x3e; // >
const END_OF_LINE = Buffer.from("</s>");
const LABEL_PREFIX = Buffer.from("__label__");
const UNDERSCORE = 0x5f;
const NO_WORD = -1;
const round = Math.fround;

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 9 && byte <= 13) || byte === 0;

const HASH_START = 2_166_136_261 | 0;

/** FNV-1a over bytes taken as signed, as fastText has it. */
const hashByte = (hash: number, byte: number): number => Math.imul(hash ^ ((byte << 24) >> 24), 16_777_619);

function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = HASH_START;
  for (let i = from; i < to; i++) hash = hashByte(hash, bytes[i]!);
  return hash;
}

const END_OF_LINE_HASH = hashBytes(END_OF_LINE, 0, END_OF_LINE.length);

function isEndOfLine(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== END_OF_LINE.length) return false;
  for (let i = 0; i < END_OF_LINE.length; i++) if (bytes[from + i] !== END_OF_LINE[i]) return false;
  return true;
}

const SIGMOID_STEPS = 512;
const SIGMOID_RANGE = 8;
/** fastText's own table of the logistic function. */
const SIGMOID = Float32Array.from({ length: SIGMOID_STEPS + 1 }, (_, i) => {
  const x = round(round((i * 2 * SIGMOID_RANGE) / SIGMOID_STEPS) - SIGMOID_RANGE);
  return 1 / (1 + round(Math.exp(-x)));
});

function sigmoid(x: number): number {
  if (x < -SIGMOID_RANGE) return 0;
  if (x > SIGMOID_RANGE) return 1;
  return SIGMOID[Math.trunc(round(((x + SIGMOID_RANGE) * SIGMOID_STEPS) / SIGMOID_RANGE / 2))]!;
}

const safeLog = (x: number): number => round(Math.log(x + 1e-5));

/** The Huffman tree over labels by their counts (`HierarchicalSoftmaxLoss::buildTree`); children of node osz + i. */
function buildTree(counts: readonly number[]): Int32Array {
  const leaves = counts.length;
  const weight = new Float64Array(2 * leaves - 1).fill(1e15);
  for (const [i, count] of counts.entries()) weight[i] = count;
  const children = new Int32Array(2 * Math.max(0, leaves - 1));
  let leaf = leaves - 1;
  let node = leaves;
  for (let made = leaves; made < 2 * leaves - 1; made++) {
    for (let side = 0; side < 2; side++) {
      const child = leaf >= 0 && weight[leaf]! < weight[node]! ? leaf-- : node++;
      children[(made - leaves) * 2 + side] = child;
    }
    const [left, right] = [children[(made - leaves) * 2]!, children[(made - leaves) * 2 + 1]!];
    weight[made] = weight[left]! + weight[right]!;
  }
  return children;
}

/** A model, ready to be asked. Not for several threads at once; each makes its own from the same tables. */
export class FastText {
  readonly labels: readonly string[];
  readonly #tables: FastTextTables;
  /** Open addressing: word + 1, 0 = free. */
  readonly #slots: Int32Array;
  readonly #kernel: FastTextKernel | undefined;
  readonly #hidden: Float32Array;
  readonly #scores: Float32Array;
  readonly #tree: Int32Array | undefined;
  /** Rows of the n-grams of each word, computed when first met. */
  readonly #subwords: (Int32Array | undefined)[] = [];
  #rows = new Int32Array(1 << 12);
  #count = 0;
  #word = Buffer.alloc(256);
  #line = Buffer.alloc(1 << 14);

  /** `useKernel: false` makes every sum in TypeScript. */
  constructor(tables: FastTextTables, { useKernel = true }: { readonly useKernel?: boolean } = {}) {
    this.#tables = tables;
    this.labels = tables.labels;
    let size = 16;
    while (size < tables.words * 2) size *= 2;
    this.#slots = new Int32Array(size);
    for (let word = 0; word < tables.words; word++) {
      const [from, to] = [tables.wordOffsets[word]!, tables.wordOffsets[word + 1]!];
      let slot = hashBytes(tables.wordBytes, from, to) & (size - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = word + 1;
    }
    this.#kernel = useKernel && tables.kernel !== undefined ? FastTextKernel.open(tables.kernel) : undefined;
    this.#hidden = this.#kernel?.hidden ?? new Float32Array(tables.input.columns);
    this.#scores = this.#kernel?.scores ?? new Float32Array(tables.labels.length);
    this.#tree = tables.loss === "hierarchical" ? buildTree(tables.labelCounts) : undefined;
  }

  #find(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const { wordBytes, wordOffsets } = this.#tables;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const word = this.#slots[slot]! - 1;
      if (word < 0) return NO_WORD;
      const start = wordOffsets[word]!;
      if (wordOffsets[word + 1]! - start !== to - from) continue;
      let i = 0;
      while (i < to - from && wordBytes[start + i] === bytes[from + i]) i++;
      if (i === to - from) return word;
    }
  }

  #push(row: number): void {
    if (this.#count === this.#rows.length) {
      const larger = new Int32Array(this.#rows.length * 2);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#rows[this.#count++] = row;
  }

  #pushBucket(bucket: number): void {
    const { words, pruned } = this.#tables;
    if (pruned === undefined) {
      this.#push(words + bucket);
      return;
    }
    const row = pruned.get(bucket);
    if (row !== undefined) this.#push(words + row);
  }

  /** Rows of the character n-grams of `<word>`. */
  #pushCharacters(bytes: Uint8Array, from: number, to: number): void {
    const { minCharacters, maxCharacters, buckets } = this.#tables;
    const length = to - from + 2;
    if (this.#word.length < length) this.#word = Buffer.alloc(length * 2);
    const word = this.#word;
    word[0] = BEGIN;
    word.set(bytes.subarray(from, to), 1);
    word[length - 1] = END;
    for (let i = 0; i < length; i++) {
      if ((word[i]! & 0xc0) === 0x80) continue;
      let hash = HASH_START;
      for (let j = i, n = 1; j < length && n <= maxCharacters; n++) {
        do hash = hashByte(hash, word[j++]!);
        while (j < length && (word[j]! & 0xc0) === 0x80);
        if (n >= minCharacters && !(n === 1 && (i === 0 || j === length)))
          this.#pushBucket((hash >>> 0) % buckets);
      }
    }
  }

  #pushWord(bytes: Uint8Array, from: number, to: number, hash: number): void {
    const { maxCharacters } = this.#tables;
    const word = this.#find(bytes, from, to, hash);
    const isEnd = isEndOfLine(bytes, from, to);
    if (word === NO_WORD) {
      if (!isEnd && maxCharacters > 0) this.#pushCharacters(bytes, from, to);
      return;
    }
    let rows = this.#subwords[word];
    if (rows === undefined) {
      const start = this.#count;
      this.#push(word);
      if (!isEnd && maxCharacters > 0) this.#pushCharacters(bytes, from, to);
      rows = this.#rows.slice(start, this.#count);
      this.#subwords[word] = rows;
      return;
    }
    for (let i = 0; i < rows.length; i++) this.#push(rows[i]!);
  }

  /** Rows of the word n-grams: h ← h · 116049371 + next, in 64 bits, hashes sign-extended. */
  #pushWordNgrams(hashes: readonly number[]): void {
    const { wordNgrams, buckets } = this.#tables;
    for (let i = 0; i < hashes.length; i++) {
      let hash = BigInt.asUintN(64, BigInt(hashes[i]!));
      for (let j = i + 1; j < hashes.length && j < i + wordNgrams; j++) {
        hash = BigInt.asUintN(64, hash * 116_049_371n + BigInt(hashes[j]!));
        this.#pushBucket(Number(hash % BigInt(buckets)));
      }
    }
  }

  #addWord(bytes: Uint8Array, from: number, to: number, hash: number, hashes: number[]): void {
    if (bytes[from] === UNDERSCORE && LABEL_PREFIX.equals(bytes.subarray(from, Math.min(to, from + 9)))) {
      if (this.#find(bytes, from, to, hash) === NO_WORD) return;
    }
    this.#pushWord(bytes, from, to, hash);
    if (this.#tables.wordNgrams > 1) hashes.push(hash);
  }

  /** The rows of a line: words, their characters, their n-grams. */
  #readLine(text: string): void {
    if (this.#line.length < text.length * 3) this.#line = Buffer.alloc(text.length * 6);
    const bytes = this.#line;
    const length = bytes.write(text);
    const hashes: number[] = [];
    this.#count = 0;
    for (let at = 0; at < length; ) {
      while (at < length && isSpace(bytes[at]!)) at += 1;
      const from = at;
      let hash = HASH_START;
      while (at < length && !isSpace(bytes[at]!)) hash = hashByte(hash, bytes[at++]!);
      if (at === from || isEndOfLine(bytes, from, at)) break;
      this.#addWord(bytes, from, at, hash, hashes);
    }
    this.#addWord(END_OF_LINE, 0, END_OF_LINE.length, END_OF_LINE_HASH, hashes);
    if (this.#tables.wordNgrams > 1) this.#pushWordNgrams(hashes);
  }

  #average(): void {
    const hidden = this.#hidden.fill(0);
    const { input } = this.#tables;
    if (this.#kernel !== undefined && input.kind === "dense") this.#kernel.add(this.#rows, this.#count);
    else for (let i = 0; i < this.#count; i++) addRow(input, this.#rows[i]!, hidden);
    const share = round(1 / this.#count);
    for (let i = 0; i < hidden.length; i++) hidden[i]! *= share;
  }

  /** Fills `#scores`: probabilities, or their logarithms where the model has a tree. */
  #score(): void {
    const { output, loss } = this.#tables;
    const scores = this.#scores;
    if (this.#tree !== undefined) {
      this.#descend(2 * scores.length - 2, 0);
      return;
    }
    if (this.#kernel !== undefined && output.kind === "dense") this.#kernel.score();
    else dotRows(output, this.#hidden, scores);
    if (loss === "softmax") softmax(scores);
    else for (let label = 0; label < scores.length; label++) scores[label] = sigmoid(scores[label]!);
  }

  #descend(node: number, score: number): void {
    const leaves = this.#scores.length;
    if (node < leaves) {
      this.#scores[node] = score;
      return;
    }
    const sum = dotRow(this.#tables.output, node - leaves, this.#hidden);
    const right = round(1 / (1 + round(Math.exp(-sum))));
    this.#descend(this.#tree![(node - leaves) * 2]!, round(score + safeLog(round(1 - right))));
    this.#descend(this.#tree![(node - leaves) * 2 + 1]!, round(score + safeLog(right)));
  }

  /** A score as the probability that fastText reports. */
  #probability(score: number): number {
    return round(Math.exp(this.#tree === undefined ? safeLog(score) : score));
  }

  /** Scores of all labels; false for a line without a single row. */
  #read(text: string): boolean {
    this.#readLine(text);
    if (this.#count === 0) return false;
    this.#average();
    this.#score();
    return true;
  }

  /** The `count` likeliest labels of `text`, likeliest first. Line feeds count as spaces. */
  predict(text: string, count = 1): FastTextPrediction[] {
    if (!this.#read(text)) return [];
    const scores = this.#scores;
    const best: number[] = [];
    for (let label = 0; label < scores.length; label++) {
      const score = scores[label]!;
      if (best.length === count && score <= scores[best[count - 1]!]!) continue;
      let at = Math.min(best.length, count - 1);
      for (; at > 0 && score > scores[best[at - 1]!]!; at--) best[at] = best[at - 1]!;
      best[at] = label;
    }
    return best.map((label) => ({
      label: this.labels[label]!,
      probability: this.#probability(scores[label]!),
    }));
  }

  /** The mean of the vectors of what `text` consists of: what labels are scored by. A copy. */
  vector(text: string): Float32Array {
    this.#readLine(text);
    if (this.#count === 0) this.#hidden.fill(0);
    else this.#average();
    return this.#hidden.slice();
  }

  /** The place of the likeliest label, its probability, and the sum of those of `labels` (places). */
  compare(
    text: string,
    labels: readonly number[],
  ): { readonly best: number; readonly probability: number; readonly sum: number } | undefined {
    if (!this.#read(text)) return undefined;
    const scores = this.#scores;
    let best = 0;
    for (let label = 1; label < scores.length; label++) if (scores[label]! > scores[best]!) best = label;
    const sum = labels.reduce((total, label) => total + this.#probability(scores[label]!), 0);
    return { best, probability: this.#probability(scores[best]!), sum };
  }
}

function softmax(scores: Float32Array): void {
  let highest = scores[0]!;
  for (let i = 1; i < scores.length; i++) highest = Math.max(highest, scores[i]!);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = Math.exp(round(scores[i]! - highest));
    sum = round(sum + scores[i]!);
  }
  for (let i = 0; i < scores.length; i++) scores[i]! /= sum;
}

/** Where the centroid of part `part` with code `code` begins, and its width. */
function centroidAt(
  { parts, width, lastWidth }: { readonly parts: number; readonly width: number; readonly lastWidth: number },
  part: number,
  code: number,
): { at: number; columns: number } {
  return part === parts - 1
    ? { at: part * CENTROIDS * width + code * lastWidth, columns: lastWidth }
    : { at: (part * CENTROIDS + code) * width, columns: width };
}

function normOf(matrix: Extract<Matrix, { kind: "quantized" }>, row: number): number {
  const { norms } = matrix;
  return norms === undefined ? 1 : norms.quantizer.centroids[norms.codes[row]!]!;
}

function addRow(matrix: Matrix, row: number, vector: Float32Array): void {
  if (matrix.kind === "dense") {
    const { values, columns } = matrix;
    const at = row * columns;
    for (let i = 0; i < columns; i++) vector[i]! += values[at + i]!;
    return;
  }
  const { quantizer, codes } = matrix;
  const norm = normOf(matrix, row);
  for (let part = 0; part < quantizer.parts; part++) {
    const { at, columns } = centroidAt(quantizer, part, codes[row * quantizer.parts + part]!);
    const start = part * quantizer.width;
    for (let i = 0; i < columns; i++) vector[start + i]! += round(norm * quantizer.centroids[at + i]!);
  }
}

/** The product of every row with `vector`, into `products`. */
function dotRows(matrix: Matrix, vector: Float32Array, products: Float32Array): void {
  for (let row = 0; row < products.length; row++) products[row] = dotRow(matrix, row, vector);
}

function dotRow(matrix: Matrix, row: number, vector: Float32Array): number {
  let sum = 0;
  if (matrix.kind === "dense") {
    const { values, columns } = matrix;
    const at = row * columns;
    for (let i = 0; i < columns; i++) sum = round(sum + round(values[at + i]! * vector[i]!));
    return sum;
  }
  const { quantizer, codes } = matrix;
  for (let part = 0; part < quantizer.parts; part++) {
    const { at, columns } = centroidAt(quantizer, part, codes[row * quantizer.parts + part]!);
    const start = part * quantizer.width;
    for (let i = 0; i < columns; i++)
      sum = round(sum + round(vector[start + i]! * quantizer.centroids[at + i]!));
  }
  return round(sum * normOf(matrix, row));
}
