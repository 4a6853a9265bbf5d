/**
 * @file Which documents stand in which training sequence. Both rules are pure functions of (documents, seed, sequence
 * number), so any step can be laid out without replaying the earlier ones, on any number of workers.
 */
import { FirnError, randomStream } from "../core/index.ts";

/** A corpus as one array of token ids with the borders of its documents. */
export interface TokenDocuments {
  readonly ids: Int32Array;
  /** Document i is ids[offsets[i] … offsets[i+1]). */
  readonly offsets: ArrayLike<number>;
  /** Document ids, for the record of who was seen when. */
  readonly names: readonly string[];
  /** 1 where a token may be learnt as a label; all of them if left out. Same length as `ids`. */
  readonly learnable?: Uint8Array;
  /** Per document, for losses by source and by language and in bits per byte: source, language, UTF-8 bytes. */
  readonly sources?: readonly string[];
  readonly languages?: readonly (string | null)[];
  readonly bytes?: readonly number[];
}

/** A run of one document's tokens inside a sequence. */
export interface Piece {
  readonly document: number;
  /** Token offset inside the document. */
  readonly start: number;
  readonly length: number;
}

export interface Packing {
  /** Sequences in one pass over the corpus. */
  readonly sequencesPerEpoch: number;
  /** Tokens that no sequence of an epoch holds (the remainder after the last full one). */
  readonly droppedTokensPerEpoch: number;
  /** Sequences at which the mix of sources changes; none if it never does. */
  readonly changesAt?: readonly number[];
  /** What stands in sequence `index` (counted over all epochs): at most length + 1 tokens, the last one a label only. */
  pieces(index: number): Piece[];
}

function documentLength(documents: TokenDocuments, document: number): number {
  return documents.offsets[document + 1]! - documents.offsets[document]!;
}

/** Keeps the last few epochs' orders, which every sequence of an epoch shares. */
function memoizeEpoch<T>(make: (epoch: number) => T): (epoch: number) => T {
  const kept = new Map<number, T>();
  return (epoch) => {
    let value = kept.get(epoch);
    if (value === undefined) {
      value = make(epoch);
      if (kept.size >= 2) kept.delete(kept.keys().next().value!);
      kept.set(epoch, value);
    }
    return value;
  };
}

function tooSmall(tokens: number, length: number, source?: string): FirnError {
  return new FirnError("TRAIN_CORPUS_TOO_SMALL", {
    expected: `at least ${length + 1} tokens (one sequence)`,
    got: `${tokens} tokens`,
    ...(source === undefined ? {} : { where: `source ${source}` }),
    next: "Add documents, or lower the recipe's sequence length.",
  });
}

/**
 * Pretraining's rule (Megatron `GPTDataset`): each epoch shuffles the documents, joins them into one stream, cuts it
 * into sequences of `length` + 1 tokens that overlap by one, and shuffles the sequences. `repeats[i]` is how often
 * document i stands in an epoch. With `source` it is the order of one source among others, unrelated to theirs.
 */
export function packStream(
  documents: TokenDocuments,
  repeats: Uint16Array,
  length: number,
  seed: number,
  source?: string,
): Packing {
  const labels = source === undefined ? [] : [source];
  let total = 0;
  for (let i = 0; i < repeats.length; i++) total += repeats[i]! * documentLength(documents, i);
  const sequencesPerEpoch = Math.floor((total - 1) / length);
  if (sequencesPerEpoch < 1) throw tooSmall(total, length, source);

  const layout = memoizeEpoch((epoch) => {
    const list: number[] = [];
    for (let i = 0; i < repeats.length; i++) for (let r = 0; r < repeats[i]!; r++) list.push(i);
    const documentOrder = Uint32Array.from(randomStream(seed, "documents", ...labels, epoch).shuffle(list));
    const starts = new Float64Array(documentOrder.length + 1);
    documentOrder.forEach((document, i) => {
      starts[i + 1] = starts[i]! + documentLength(documents, document);
    });
    const sequences = Array.from({ length: sequencesPerEpoch }, (_, i) => i);
    const sequenceOrder = Uint32Array.from(
      randomStream(seed, "sequences", ...labels, epoch).shuffle(sequences),
    );
    return { documentOrder, starts, sequenceOrder };
  });

  const pieces = (index: number): Piece[] => {
    const { documentOrder, starts, sequenceOrder } = layout(Math.floor(index / sequencesPerEpoch));
    const from = sequenceOrder[index % sequencesPerEpoch]! * length;
    const to = from + length + 1;
    let low = 0;
    let high = documentOrder.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= from) low = middle;
      else high = middle - 1;
    }
    const found: Piece[] = [];
    for (let i = low; i < documentOrder.length && starts[i]! < to; i++) {
      const start = Math.max(0, from - starts[i]!);
      const end = Math.min(starts[i + 1]!, to) - starts[i]!;
      if (end > start) found.push({ document: documentOrder[i]!, start, length: end - start });
    }
    return found;
  };
  return { sequencesPerEpoch, droppedTokensPerEpoch: total - 1 - sequencesPerEpoch * length, pieces };
}

/**
 * Fine-tuning's rule: whole documents only, packed longest first into the first sequence with room (first-fit
 * decreasing); each epoch shuffles the sequences. A document longer than a sequence is an error, never cut.
 */
export function packWhole(documents: TokenDocuments, length: number, seed: number): Packing {
  const count = documents.names.length;
  const order = Array.from({ length: count }, (_, i) => i);
  order.sort((a, b) => documentLength(documents, b) - documentLength(documents, a) || a - b);
  const bins: { room: number; pieces: Piece[] }[] = [];
  for (const document of order) {
    const size = documentLength(documents, document);
    if (size > length + 1) {
      throw new FirnError("TRAIN_DOCUMENT_TOO_LONG", {
        expected: `conversations of at most ${length + 1} tokens`,
        got: `${size} tokens`,
        where: documents.names[document]!,
        next: "Shorten it, or raise the recipe's fine-tuning sequence length.",
      });
    }
    let bin = bins.find(({ room }) => room >= size);
    if (bin === undefined) {
      bin = { room: length + 1, pieces: [] };
      bins.push(bin);
    }
    bin.room -= size;
    bin.pieces.push({ document, start: 0, length: size });
  }
  if (bins.length === 0) throw tooSmall(0, length);
  const layout = memoizeEpoch((epoch) =>
    Uint32Array.from(randomStream(seed, "sequences", epoch).shuffle(bins.map((_, i) => i))),
  );
  return {
    sequencesPerEpoch: bins.length,
    droppedTokensPerEpoch: 0,
    pieces: (index) => bins[layout(Math.floor(index / bins.length))[index % bins.length]!]!.pieces,
  };
}
