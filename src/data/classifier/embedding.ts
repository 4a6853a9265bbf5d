/**
 * @file A text as a vector of fixed length: what a classifier's head looks at. The default needs no model: words, pairs
 * of words and runs of four characters are hashed into it with signs (Weinberger et al. 2009), so that it knows style,
 * spelling and topic words and no meaning.
 */
import { sha256 } from "../../core/index.ts";
import { FastText } from "../language/fasttext.ts";
import type { FastTextTables } from "../language/fasttext-file.ts";
import { foldText } from "../language/ngrams.ts";
import { type VectorIndex, Vectors } from "./vector-index.ts";

/** One of several rivals: anything that turns text into numbers. */
export interface Embedding {
  readonly dimensions: number;
  /** Whether a vector stands for a whole text, and not for a piece of it. */
  readonly whole: boolean;
  /**
   * The vector of the beginning of `text`: mean square 1, or all zero for a text without letters; `undefined` where nobody
   * has computed it. `key` is the SHA-256 of the text as its source has it, of `text` itself unless given.
   */
  embed(text: string, key?: string): Float32Array | undefined;
  close?(): void;
}

/** UTF-16 units of a text that one vector stands for, as Apertus' classifiers look at 512 tokens at a time. */
export const PIECE = 2000;
const GRAM = 4;

function normalise(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  if (sum === 0) return vector;
  const scale = Math.sqrt(vector.length / sum);
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale;
  return vector;
}

/** Hashed words, pairs of words and character 4-grams. */
export class HashedEmbedding implements Embedding {
  readonly dimensions: number;
  readonly whole = false;

  constructor(dimensions: number) {
    this.dimensions = dimensions;
  }

  embed(text: string): Float32Array {
    const vector = new Float32Array(this.dimensions);
    const folded = foldText(text.slice(0, PIECE));
    const add = (hash: number, weight: number): void => {
      let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      mixed ^= mixed >>> 16;
      vector[(mixed >>> 1) % this.dimensions]! += (mixed & 1) === 0 ? weight : -weight;
    };
    let word = 0x811c9dc5;
    let last = 1;
    for (let i = 1; i < folded.length; i++) {
      const unit = folded.charCodeAt(i);
      if (unit !== 32) word = Math.imul(word ^ unit, 0x01000193);
      else if (folded.charCodeAt(i - 1) !== 32) {
        add(word, 2);
        add(Math.imul(last, 0x9e3779b1) ^ word, 1);
        last = word;
        word = 0x811c9dc5;
      }
      if (i + 1 < GRAM) continue;
      let gram = GRAM;
      for (let j = i - GRAM + 1; j <= i; j++) gram = Math.imul(gram ^ folded.charCodeAt(j), 0x01000193);
      add(gram, 1);
    }
    // What comes often says less each time.
    for (let i = 0; i < vector.length; i++)
      vector[i] = Math.sign(vector[i]!) * Math.log1p(Math.abs(vector[i]!));
    return normalise(vector);
  }
}

/** The sentence vector of a fastText model. */
export class FastTextEmbedding implements Embedding {
  readonly dimensions: number;
  readonly whole = false;
  readonly #model: FastText;

  constructor(tables: FastTextTables) {
    this.#model = new FastText(tables);
    this.dimensions = tables.input.columns;
  }

  embed(text: string): Float32Array {
    return normalise(this.#model.vector(text.slice(0, PIECE)));
  }
}

/** Vectors that another program computed of whole texts, such as those of a transformer (FineWeb2-HQ: XLM-RoBERTa). */
export class VectorEmbedding implements Embedding {
  readonly dimensions: number;
  readonly whole = true;
  readonly #vectors: Vectors;

  constructor(index: VectorIndex) {
    this.#vectors = new Vectors(index);
    this.dimensions = index.dimensions;
  }

  embed(text: string, key: string = sha256(text)): Float32Array | undefined {
    const vector = this.#vectors.find(key);
    return vector && normalise(vector);
  }

  close(): void {
    this.#vectors.close();
  }
}
