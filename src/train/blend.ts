/**
 * @file Sequences from several sources in given proportions that change over the run, as in Apertus' five data stages
 * (technical report §2.4, Table 6). Each sequence comes from one source; which one is decided as Megatron-LM decides it
 * (`build_blending_indices`): always the source that lags furthest behind its share.
 */
import { FirnError, nearestName } from "../core/index.ts";
import { type Packing, packStream, type TokenDocuments } from "./packing.ts";

/** From `fromTokens` on, sources weigh so much; a source that is not named is not used. */
export interface DataStage {
  readonly fromTokens: number;
  readonly weights: Readonly<Record<string, number>>;
}

function checkStages(stages: readonly DataStage[], known: readonly string[]): void {
  stages.forEach(({ fromTokens, weights }, i) => {
    const wrong = i === 0 ? fromTokens !== 0 : fromTokens <= stages[i - 1]!.fromTokens;
    if (wrong) {
      throw new FirnError("TRAIN_DATA_STAGES", {
        expected: "data stages in order, the first from 0 tokens on",
        got: `fromTokens ${fromTokens}`,
        where: `dataStages[${i}]`,
        next: "Order the stages by `fromTokens`.",
      });
    }
    const stray = Object.keys(weights).find((source) => !known.includes(source));
    if (stray !== undefined) {
      const near = nearestName(stray, known);
      throw new FirnError("TRAIN_DATA_STAGES", {
        expected: `sources of the corpus (${known.join(", ")})`,
        got: stray,
        where: `dataStages[${i}].weights`,
        next: near === undefined ? "Name a source of the recipe." : `Did you mean ${near}?`,
      });
    }
    if (!Object.values(weights).some((weight) => weight > 0)) {
      throw new FirnError("TRAIN_DATA_STAGES", {
        expected: "a source with a weight above 0",
        got: "none",
        where: `dataStages[${i}].weights`,
        next: "Give a source a weight.",
      });
    }
  });
}

/** Which source each of `count` sequences comes from; 0 is the first of `shares`. */
function blend(shares: readonly number[], into: Uint16Array): void {
  const taken = new Float64Array(shares.length);
  for (let i = 0; i < into.length; i++) {
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let source = 0; source < shares.length; source++) {
      const lag = shares[source]! * Math.max(i, 1) - taken[source]!;
      if (shares[source]! > 0 && lag > most) [best, most] = [source, lag];
    }
    into[i] = best;
    taken[best]! += 1;
  }
}

/**
 * The packing of a run of `sequences` sequences. Each source has its own order of documents and its own epochs
 * (`packStream`; `repeats` is how often a document stands in one), and goes on where it stood when a stage ends, so that nothing is seen again before everything was.
 *
 * @throws FirnError `TRAIN_DATA_STAGES`; `TRAIN_CORPUS_TOO_SMALL` for a source that does not fill a sequence
 */
export function packBlend(
  documents: TokenDocuments & { readonly sources: readonly string[]; readonly repeats?: readonly number[] },
  stages: readonly DataStage[],
  shape: { readonly length: number; readonly sequences: number; readonly seed: number },
): Packing {
  const known = [...new Set(documents.sources)].sort();
  checkStages(stages, known);
  const used = known.filter((source) => stages.some(({ weights }) => (weights[source] ?? 0) > 0));
  const packings = used.map((source) => {
    const repeats = Uint16Array.from(documents.sources, (other, i) =>
      other === source ? (documents.repeats?.[i] ?? 1) : 0,
    );
    return packStream(documents, repeats, shape.length, shape.seed, source);
  });
  const sourceOf = new Uint16Array(shape.sequences);
  const begins = stages.map(({ fromTokens }) =>
    Math.min(shape.sequences, Math.ceil(fromTokens / shape.length)),
  );
  stages.forEach(({ weights }, i) => {
    const total = used.reduce((sum, source) => sum + (weights[source] ?? 0), 0);
    const shares = used.map((source) => (weights[source] ?? 0) / total);
    blend(shares, sourceOf.subarray(begins[i], begins[i + 1] ?? shape.sequences));
  });
  // How many sequences of its source come before each: the number of the sequence inside its source.
  const numbers = new Uint32Array(shape.sequences);
  const counts = new Uint32Array(used.length);
  for (let i = 0; i < shape.sequences; i++) {
    const source = sourceOf[i]!;
    numbers[i] = counts[source]!;
    counts[source]! += 1;
  }
  return {
    sequencesPerEpoch: packings.reduce((sum, { sequencesPerEpoch }) => sum + sequencesPerEpoch, 0),
    droppedTokensPerEpoch: packings.reduce((sum, packing) => sum + packing.droppedTokensPerEpoch, 0),
    changesAt: begins.slice(1).filter((index) => index < shape.sequences),
    // Past the planned end (after bad data was skipped) the order begins again.
    pieces: (index) => {
      const at = index % shape.sequences;
      const source = sourceOf[at]!;
      const round = Math.floor(index / shape.sequences);
      return packings[source]!.pieces(numbers[at]! + round * counts[source]!);
    },
  };
}
