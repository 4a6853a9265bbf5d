/**
 * @file Byte-pair training (Sennrich et al., 2016), with Hugging Face's `BpeTrainer` as the yardstick: again and
 * again the most frequent adjacent pair becomes a token. Of equally frequent pairs the one with the smaller left
 * token goes first, then the one with the smaller right token, where bytes are ordered by their character in the
 * byte-level alphabet and come before merged tokens, which are ordered by age. When two pairs spell the same
 * token, the second is a second way to the first's id. The order in which text was counted does not matter.
 *
 * With several groups of pieces (languages) each merge serves the group that is compressed worst as things stand:
 * the pair that is most frequent there is merged everywhere (Foroutan et al., "Parity-Aware Byte-Pair Encoding",
 * 2025, arXiv 2508.04796, with bytes per token as the measure of compression).
 */
import { spellBytes } from "./byte-alphabet.ts";
import { BYTE_ORDER } from "./byte-order.ts";
import { PairCorpus } from "./pair-corpus.ts";
import { PairHeap } from "./pair-heap.ts";
import type { PieceCounts } from "./count-pieces.ts";

export interface TrainOptions {
  /** Train until there are this many tokens, the 256 bytes included. */
  readonly tokens: number;
  /** Pairs that occur less often (in the group that is served) are left alone. */
  readonly minFrequency: number;
  /** No token gets longer than this. Default: no limit. */
  readonly maxTokenBytes?: number;
  readonly signal?: AbortSignal;
  /** Called now and then with the number of tokens so far. */
  readonly onProgress?: (tokens: number) => void;
}

/** What training found. Tokens 0–255 are the bytes in the order of `BYTE_ORDER`, later ones in order of age. */
export interface TrainedMerges {
  readonly tokens: readonly Uint8Array[];
  /** Rule i joins tokens `left[i]` and `right[i]` to `joined[i]`. */
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly joined: readonly number[];
}

const NONE = -1;
const MERGES_BETWEEN_BREATHS = 256;

/** The token that `left` and `right` spell together: a known one, or the next id. */
class TokenNames {
  readonly tokens: Uint8Array[] = BYTE_ORDER.map((byte) => Uint8Array.of(byte));
  readonly #idOf = new Map(this.tokens.map((token, id) => [spellBytes(token), id]));

  join(left: number, right: number): number {
    const a = this.tokens[left]!;
    const b = this.tokens[right]!;
    const token = new Uint8Array(a.length + b.length);
    token.set(a);
    token.set(b, a.length);
    const spelt = spellBytes(token);
    const known = this.#idOf.get(spelt);
    if (known !== undefined) return known;
    this.#idOf.set(spelt, this.tokens.length);
    return this.tokens.push(token) - 1;
  }
}

/** Which pair is next: the most frequent one of the group that is compressed worst. */
class NextPair {
  readonly #corpus: PairCorpus;
  readonly #heaps: readonly PairHeap[];
  readonly #minimum: number;
  /** Groups in which no pair is frequent enough. */
  readonly #exhausted = new Set<number>();

  constructor(corpus: PairCorpus, minimum: number) {
    this.#corpus = corpus;
    this.#heaps = Array.from({ length: corpus.tally.groups }, () => new PairHeap(corpus));
    this.#minimum = minimum;
    for (let entry = 0; entry < corpus.tally.size; entry++) this.#enter(entry);
  }

  /** The next pair, or −1 when no group has one. */
  take(): number {
    for (;;) {
      const group = this.#worstGroup();
      if (group === NONE) return NONE;
      const entry = this.#heaps[group]!.pop(this.#minimum);
      if (entry !== NONE) return this.#corpus.tally.pairOf(entry);
      this.#exhausted.add(group);
    }
  }

  /** Takes up what the latest merge made more frequent. */
  update(): void {
    for (const entry of this.#corpus.tally.raised) this.#enter(entry);
  }

  #enter(entry: number): void {
    const { tally } = this.#corpus;
    const count = tally.counts[entry]!;
    if (count < this.#minimum) return;
    const group = tally.groupOf(entry);
    this.#heaps[group]!.push(entry, count);
    this.#exhausted.delete(group);
  }

  /** The group with the fewest bytes per token that has pairs left, the first of equals. */
  #worstGroup(): number {
    const { bytes, tokens } = this.#corpus;
    let worst = NONE;
    let fewest = Number.POSITIVE_INFINITY;
    for (let group = 0; group < this.#heaps.length; group++) {
      const bytesPerToken = tokens[group] === 0 ? 1 : bytes[group]! / tokens[group]!;
      if (bytesPerToken >= fewest || this.#exhausted.has(group)) continue;
      fewest = bytesPerToken;
      worst = group;
    }
    return worst;
  }
}

/**
 * Trains on counted pieces. Time grows with the occurrences that are merged, not with the length of pieces or the
 * size of the vocabulary; memory is 20 bytes per byte of distinct piece and about 60 per distinct pair.
 * Stops early when no pair is frequent enough. Yields to the event loop while it works.
 */
export async function trainMerges(counts: PieceCounts, options: TrainOptions): Promise<TrainedMerges> {
  const longest = options.maxTokenBytes ?? Number.POSITIVE_INFINITY;
  const corpus = new PairCorpus(counts);
  const next = new NextPair(corpus, Math.max(options.minFrequency, Number.MIN_VALUE));
  const names = new TokenNames();
  const left: number[] = [];
  const right: number[] = [];
  const joined: number[] = [];
  while (names.tokens.length < options.tokens) {
    const pair = next.take();
    if (pair === NONE) break;
    const a = corpus.leftOf(pair);
    const b = corpus.rightOf(pair);
    if (corpus.lengths[a]! + corpus.lengths[b]! > longest) continue;
    const token = names.join(a, b);
    left.push(a);
    right.push(b);
    joined.push(token);
    corpus.merge(pair, token);
    next.update();
    if (left.length % MERGES_BETWEEN_BREATHS === 0) {
      options.onProgress?.(names.tokens.length);
      await new Promise((resolve) => setTimeout(resolve, 0));
      options.signal?.throwIfAborted();
    }
  }
  return { tokens: names.tokens, left, right, joined };
}
