/**
 * @file The counting models that a network has to beat: token unigram and token bigram, trained on the same
 * tokens. The bigram is interpolated Kneser–Ney (Kneser & Ney 1995; Chen & Goodman 1999, eq. 4.24) with the
 * discount n₁ / (n₁ + 2·n₂), the strongest closed-form bigram there is, so that the comparison is a fair one.
 */
import { assert } from "../core/index.ts";

/** Absolute discounting of one table of counts, interpolated with the uniform distribution over the vocabulary. */
class DiscountedCounts {
  readonly #counts: Float64Array;
  readonly #total: number;
  readonly #discount: number;
  /** Probability every token gets from the uniform part. */
  readonly #floor: number;

  constructor(counts: Float64Array) {
    this.#counts = counts;
    this.#total = counts.reduce((sum, count) => sum + count, 0);
    this.#discount = discountOf(counts);
    const types = counts.reduce((seen, count) => seen + (count > 0 ? 1 : 0), 0);
    const left = this.#total === 0 ? 1 : (this.#discount * types) / this.#total;
    this.#floor = left / counts.length;
  }

  probability(token: number): number {
    if (this.#total === 0) return this.#floor;
    return Math.max(this.#counts[token]! - this.#discount, 0) / this.#total + this.#floor;
  }
}

/** n₁ / (n₁ + 2·n₂) over how many entries were counted once and twice; ½ where that is no discount at all. */
function discountOf(counts: Iterable<number>): number {
  let once = 0;
  let twice = 0;
  for (const count of counts) {
    if (count === 1) once += 1;
    else if (count === 2) twice += 1;
  }
  return once > 0 && twice > 0 ? once / (once + 2 * twice) : 0.5;
}

/** Counts token pairs of framed documents; `finish` makes the models. */
export class NgramCounter {
  readonly #vocabSize: number;
  readonly #unigrams: Float64Array;
  readonly #bigrams = new Map<number, number>();

  constructor(vocabSize: number) {
    this.#vocabSize = vocabSize;
    this.#unigrams = new Float64Array(vocabSize);
  }

  /** Adds one document: `<s>`, text, `</s>`. The first token is given, never predicted. */
  add(ids: ArrayLike<number>): void {
    for (let i = 1; i < ids.length; i++) {
      const previous = ids[i - 1]!;
      const token = ids[i]!;
      assert(
        previous < this.#vocabSize && token < this.#vocabSize,
        "token ids lie below the vocabulary size",
      );
      this.#unigrams[token]! += 1;
      const pair = previous * this.#vocabSize + token;
      this.#bigrams.set(pair, (this.#bigrams.get(pair) ?? 0) + 1);
    }
  }

  finish(): NgramModel {
    return new NgramModel(this.#vocabSize, this.#unigrams, this.#bigrams);
  }
}

/** Unigram and bigram probabilities; every token of the vocabulary has a positive probability in both. */
export class NgramModel {
  readonly #vocabSize: number;
  readonly #unigram: DiscountedCounts;
  /** How many different tokens each token was seen after. */
  readonly #continuation: DiscountedCounts;
  readonly #bigrams: ReadonlyMap<number, number>;
  readonly #discount: number;
  /** How often each token was followed by something, and by how many different tokens. */
  readonly #followed: Float64Array;
  readonly #followers: Float64Array;

  constructor(vocabSize: number, unigrams: Float64Array, bigrams: ReadonlyMap<number, number>) {
    this.#vocabSize = vocabSize;
    this.#unigram = new DiscountedCounts(unigrams);
    this.#bigrams = bigrams;
    this.#discount = discountOf(bigrams.values());
    this.#followed = new Float64Array(vocabSize);
    this.#followers = new Float64Array(vocabSize);
    const contexts = new Float64Array(vocabSize);
    for (const [pair, count] of bigrams) {
      const previous = Math.floor(pair / vocabSize);
      this.#followed[previous]! += count;
      this.#followers[previous]! += 1;
      contexts[pair % vocabSize]! += 1;
    }
    this.#continuation = new DiscountedCounts(contexts);
  }

  unigramProbability(token: number): number {
    return this.#unigram.probability(token);
  }

  bigramProbability(previous: number, token: number): number {
    const lower = this.#continuation.probability(token);
    const followed = this.#followed[previous]!;
    if (followed === 0) return lower;
    const count = this.#bigrams.get(previous * this.#vocabSize + token) ?? 0;
    const kept = Math.max(count - this.#discount, 0) / followed;
    return kept + ((this.#discount * this.#followers[previous]!) / followed) * lower;
  }

  /** Σ −log2 p of a framed document after its first token, in bits, by both models. */
  documentBits(ids: readonly number[]): { unigram: number; bigram: number } {
    let unigram = 0;
    let bigram = 0;
    for (let i = 1; i < ids.length; i++) {
      unigram -= Math.log2(this.unigramProbability(ids[i]!));
      bigram -= Math.log2(this.bigramProbability(ids[i - 1]!, ids[i]!));
    }
    return { unigram, bigram };
  }
}
