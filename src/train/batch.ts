/** @file One step's tensors, laid out from pieces of documents. */
import { type GoldfishConfig, goldfishMask } from "./goldfish.ts";
import type { Packing, Piece, TokenDocuments } from "./packing.ts";

export interface BatchConfig {
  /** Tokens in a sequence. */
  readonly length: number;
  readonly padId: number;
  /** Goldfish loss; null learns every label. */
  readonly goldfish: GoldfishConfig | null;
}

/** What became of a batch's labels; the four add up to batch·length. */
export interface LabelCounts {
  readonly learnt: number;
  readonly goldfish: number;
  /** The label is in another document than its input, or is padding. */
  readonly border: number;
  /** Not the model's to say (in fine-tuning: everything but the assistant's tokens). */
  readonly withheld: number;
}

export interface Batch {
  readonly ids: Int32Array;
  readonly labels: Int32Array;
  readonly positions: Int32Array;
  readonly segments: Int32Array;
  /** 1/learnt for labels that are learnt, else 0. */
  readonly weights: Float32Array;
  readonly counts: LabelCounts;
  /** Per sequence, the documents in it. */
  readonly rows: readonly (readonly Piece[])[];
}

/**
 * A batch of `batch` sequences from number `first` on: a pure function of documents, packing and these two. Positions restart and attention
 * ends at every document; a label that belongs to another document than its input is not learnt (in Megatron's words
 * the loss is masked where the *input* is end-of-document, so `</s>` itself is learnt).
 */
export function makeBatch(
  documents: TokenDocuments,
  packing: Packing,
  config: BatchConfig,
  { first, batch }: { readonly first: number; readonly batch: number },
): Batch {
  const { length } = config;
  const rows = batch * length;
  const ids = new Int32Array(rows).fill(config.padId);
  const labels = new Int32Array(rows).fill(config.padId);
  const positions = new Int32Array(rows);
  const segments = new Int32Array(rows).fill(-1);
  const kept = new Uint8Array(rows);
  const counts = { learnt: 0, goldfish: 0, border: 0, withheld: 0 };
  const layout: Piece[][] = [];
  for (let row = 0; row < batch; row++) {
    const pieces = packing.pieces(first + row);
    layout.push(pieces);
    const base = row * length;
    let at = 0;
    pieces.forEach((piece, segment) => {
      const from = documents.offsets[piece.document]! + piece.start;
      for (let i = 0; i < piece.length; i++, at++) {
        const token = documents.ids[from + i]!;
        if (at < length) {
          ids[base + at] = token;
          positions[base + at] = i;
          segments[base + at] = segment;
        }
        if (at === 0) continue;
        labels[base + at - 1] = token;
        if (i === 0) continue;
        if (documents.learnable === undefined || documents.learnable[from + i] === 1) kept[base + at - 1] = 1;
        else counts.withheld += 1;
      }
    });
    if (config.goldfish !== null) {
      const mask = goldfishMask(labels.subarray(base, base + length), config.goldfish);
      mask.forEach((drop, i) => {
        if (drop === 1 && kept[base + i] === 1) {
          kept[base + i] = 0;
          counts.goldfish += 1;
        }
      });
    }
  }
  for (const keep of kept) counts.learnt += keep;
  counts.border = rows - counts.learnt - counts.goldfish - counts.withheld;
  const weight = counts.learnt === 0 ? 0 : 1 / counts.learnt;
  return {
    ids,
    labels,
    positions,
    segments,
    weights: Float32Array.from(kept, (keep) => keep * weight),
    counts,
    rows: layout,
  };
}
