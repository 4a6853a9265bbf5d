/**
 * @file Which token comes next, given logits: temperature, then top-k, top-p and min-p, in the order of transformers.
 * A model may hand over only its best logits and a summary of the rest; the choice is exact all the same, or
 * the sampler says that it has to see more.
 */
import type { TokenChoice } from "./language-model.ts";
import type { LogitChanges } from "./logit-changes.ts";

/** A token and its raw logit. */
export interface TokenLogit {
  readonly id: number;
  readonly logit: number;
}

/** What is known about the logits of one position. */
export interface LogitView {
  /** The best tokens and any others of interest, best first. At least one. */
  readonly known: readonly TokenLogit[];
  /** Number of tokens that are not in `known`. */
  readonly hidden: number;
  /** No hidden token has a larger logit. */
  readonly hiddenMax: number;
  /** Σ exp(logit − largest logit) over all tokens, hidden ones included. */
  readonly totalWeight: number;
}

export interface SamplingOptions {
  readonly temperature: number;
  readonly topP: number;
  /** 0 keeps all. */
  readonly topK: number;
  /** Of the tokens that are left, only those at least this share as likely as the likeliest; 0 keeps all. */
  readonly minP: number;
  /** What changes the logits. Tokens that it raises must be among the known. */
  readonly changes?: Pick<LogitChanges, "of">;
  /** The choice is among these tokens alone. Default: all. */
  readonly allows?: (id: number) => boolean;
}

/** Rounding slack of a float32 sum over a vocabulary in any order, relative. */
const SUM_SLACK = 1e-4;

/** What to take from a logit to make it a natural-log probability. */
export function logNormaliser({ known, totalWeight }: LogitView): number {
  return known[0]!.logit + Math.log(totalWeight);
}

/** Natural-log probabilities of the known tokens, in their order. */
export function knownLogprobs(view: LogitView): TokenChoice[] {
  const shift = logNormaliser(view);
  return view.known.map(({ id, logit }) => ({ id, logprob: logit - shift }));
}

/**
 * The most that the hidden tokens can weigh at `temperature`, in units of exp((largest logit) / temperature).
 * With w = exp(logit − largest) ≤ 1 and a = 1/temperature: for a ≥ 1, Σ wᵃ ≤ Σ w · max(w)ᵃ⁻¹; for a < 1 the
 * power is concave, so Σ wᵃ ≤ n · (Σ w / n)ᵃ.
 */
function hiddenWeightBound(view: LogitView, largest: number, temperature: number): number {
  if (view.hidden === 0) return 0;
  const seen = view.known.reduce((sum, { logit }) => sum + Math.exp(logit - largest), 0);
  const rest = Math.max(view.totalWeight - seen, 0) + SUM_SLACK * view.totalWeight;
  const power = 1 / temperature;
  if (power >= 1) return rest * Math.exp((view.hiddenMax - largest) * (power - 1));
  return view.hidden * (rest / view.hidden) ** power;
}

/** How many of the leading `weights` are needed to reach `share` of `total`; undefined if all are too few. */
function countToReach(weights: readonly number[], share: number, total: number): number | undefined {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i]!;
    if (sum >= share * total) return i + 1;
  }
  return undefined;
}

/**
 * The id of the next token, chosen with the uniform number `uniform` in [0, 1); undefined when the hidden tokens
 * could change the choice, so that the caller must look at more of them.
 */
export function sampleToken(view: LogitView, options: SamplingOptions, uniform: number): number | undefined {
  const { temperature, topP, topK, minP, changes, allows } = options;
  const allowed = allows === undefined ? view.known : view.known.filter(({ id }) => allows(id));
  const ranked =
    changes === undefined
      ? allowed
      : allowed
          .map(({ id, logit }) => ({ id, logit: changes.of(id, logit) }))
          .sort((a, b) => b.logit - a.logit || a.id - b.id);
  // Below the best hidden token the ranking of the known ones is not the ranking of all.
  const safe = view.hidden === 0 ? ranked : ranked.filter(({ logit }) => logit >= view.hiddenMax);
  const best = safe[0];
  if (best === undefined) return undefined;
  if (temperature === 0) return best.id;

  const weigh = (list: readonly TokenLogit[]): number[] =>
    list.map(({ logit }) => Math.exp((logit - best.logit) / temperature));
  const sum = (list: readonly number[]): number => list.reduce((total, weight) => total + weight, 0);
  let weights: number[];
  let least: number;
  let most: number;
  if (topK > 0) {
    if (safe.length < Math.min(topK, ranked.length + view.hidden)) return undefined;
    weights = weigh(safe.slice(0, topK));
    least = most = sum(weights);
  } else {
    const largest = view.known[0]!.logit;
    const bound = hiddenWeightBound(view, largest, temperature);
    weights = weigh(safe);
    least = sum(weigh(ranked));
    // A best token that a bias pushed far down makes the factor infinite.
    most = bound === 0 ? least : least + bound * Math.exp((largest - best.logit) / temperature);
  }
  const share = Math.min(topP, 1);
  const next = Math.exp((view.hiddenMax - best.logit) / temperature);
  // Those likely enough stand first; they are all of them once no hidden token can be one.
  const likely = weights.findIndex((weight) => weight < minP);
  const likelyCount = likely === -1 ? weights.length : likely;
  const allLikely = view.hidden === 0 || topK > 0 || next < minP;
  const fewest = countToReach(weights, share, least);
  const draw = (kept: number): number =>
    // Only rounding can keep a sum below its own total.
    safe[indexAt(weights, uniform * sum(weights.slice(0, kept))) ?? kept - 1]!.id;
  if (allLikely && (fewest === undefined || fewest >= likelyCount)) return draw(likelyCount);
  if (fewest !== undefined && fewest === countToReach(weights, share, most))
    return draw(Math.min(fewest, likelyCount));
  if (minP > 0) return undefined;
  // Where the nucleus ends is out of view, but it weighs at least `share` of all, and less than one more token over that:
  // if both ends of that range point at the same token, so does its true weight.
  const low = indexAt(weights, uniform * share * least);
  const high = indexAt(weights, uniform * Math.min(most, share * most + next));
  return low !== undefined && low === high ? safe[low]!.id : undefined;
}

/** The index at which the running sum of `weights` exceeds `target`; undefined beyond all of them. */
function indexAt(weights: readonly number[], target: number): number | undefined {
  let passed = 0;
  for (let i = 0; i < weights.length; i++) {
    passed += weights[i]!;
    if (target < passed) return i;
  }
  return undefined;
}
