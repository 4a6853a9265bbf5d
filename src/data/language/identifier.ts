/**
 * @file Which language and script a text is written in: multinomial naive Bayes over character n-grams, smoothed
 * towards the distribution over all languages (Dirichlet prior; Zhai & Lafferty 2004, eq. 6).
 *
 * A label's log-likelihood relative to "some language" is, over the n-grams g of the text that the model knows,
 * Σ log((c(g,l) + μ·q(g)) / (μ·q(g))) − n·log((N(l) + μ) / μ), with c the training counts, N(l) their sum, q the mean
 * distribution. Neighbouring n-grams overlap, so the sum counts the same evidence several times; it is divided by
 * `overlap` before it becomes a probability.
 */
import { z } from "zod";
import { assert, FirnError } from "../../core/index.ts";
import { foldText, gramHashes, LONGEST_GRAM } from "./ngrams.ts";
import { dominantScript } from "./script.ts";

/** The model as trained: counts per n-gram and label, n-grams sorted by hash. */
export interface LanguageModelCounts {
  /** `deu_Latn`, sorted. */
  readonly labels: readonly string[];
  /** Hash of each n-gram, ascending. */
  readonly grams: Uint32Array;
  /** Entries of n-gram i are `offsets[i]` to `offsets[i + 1]`. */
  readonly offsets: Uint32Array;
  /** Label of each entry. */
  readonly entryLabels: Uint16Array;
  /** Count of each entry. */
  readonly entryCounts: Uint16Array;
}

/** What the identifier says about a text. */
export interface Identification {
  /** `<language>_<script>`, or `und` when there is too little to go by. */
  readonly label: string;
  /** ISO 639-3, or `und`. */
  readonly language: string;
  /** ISO 15924, from the characters alone. */
  readonly script: string;
  /** Probability among the model's labels, in [0, 1]; 0 for `und`. */
  readonly score: number;
  /** Share of the text's n-grams that the model has seen in any language. */
  readonly known: number;
}

/** Strength of the prior, in n-grams; chosen by cross-validation on training text. */
const MU = 4000;
/** How often the same evidence is counted; chosen on training text so that probabilities mean what they say. */
const OVERLAP = 12;
/** Below this share of known n-grams the text is in no language of the model. */
const MIN_KNOWN = 0.35;
const MIN_GRAMS = 8;
/** Only so much of a text is read … */
const IDENTIFIED_CHARACTERS = 1000;
/** … and less when, looking every 200 characters or so, one label has this probability. */
const BEYOND_DOUBT = 0.999;
const GRAMS_BETWEEN_LOOKS = 200 * LONGEST_GRAM;

const fileSchema = z.strictObject({
  format: z.literal("firn-language-model-1"),
  labels: z.array(z.string().regex(/^[a-z]{3}_[A-Z][a-z]{3}$/)).max(65_535),
  grams: z.base64(),
  lengths: z.base64(),
  entryLabels: z.base64(),
  entryCounts: z.base64(),
});

/** Little-endian bytes of typed arrays; every platform Node.js runs on is little-endian. */
function encode(array: Uint16Array | Uint32Array): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
}

function decode16(text: string): Uint16Array {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  return new Uint16Array(bytes.buffer, 0, bytes.length >> 1);
}

function decode32(text: string): Uint32Array {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  return new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
}

export class LanguageIdentifier {
  readonly labels: readonly string[];
  readonly #counts: LanguageModelCounts;
  /** Open addressing: n-gram index + 1, 0 = free. */
  readonly #slots: Uint32Array;
  readonly #mask: number;
  /** log((c + μq) / (μq)) per entry. */
  readonly #weights: Float32Array;
  /** log((N + μ) / μ) per label. */
  readonly #costs: Float64Array;
  readonly #totals: Float64Array;
  readonly #sums: Float64Array;
  readonly #scores: Float64Array;

  constructor(counts: LanguageModelCounts) {
    const { labels, grams, offsets, entryLabels, entryCounts } = counts;
    this.labels = labels;
    this.#counts = counts;
    this.#sums = new Float64Array(labels.length);
    this.#scores = new Float64Array(labels.length);
    let size = 16;
    while (size < grams.length * 2) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Uint32Array(size);
    for (let i = 0; i < grams.length; i++) {
      let slot = grams[i]! & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = i + 1;
    }
    const totals = new Float64Array(labels.length);
    this.#totals = totals;
    for (let e = 0; e < entryLabels.length; e++) totals[entryLabels[e]!]! += entryCounts[e]!;
    this.#costs = totals.map((total) => Math.log1p(total / MU));
    this.#weights = new Float32Array(entryLabels.length);
    for (let i = 0; i < grams.length; i++) {
      // q(g): the mean over labels of the share that g has in each, so that large labels do not define "language".
      let q = 0;
      for (let e = offsets[i]!; e < offsets[i + 1]!; e++) q += entryCounts[e]! / totals[entryLabels[e]!]!;
      const prior = (MU * q) / labels.length;
      for (let e = offsets[i]!; e < offsets[i + 1]!; e++)
        this.#weights[e] = Math.log1p(entryCounts[e]! / prior);
    }
  }

  /** The model's tables in memory that threads can share. */
  shareCounts(): LanguageModelCounts {
    const { labels, grams, offsets, entryLabels, entryCounts } = this.#counts;
    const share32 = (array: Uint32Array): Uint32Array => {
      const shared = new Uint32Array(new SharedArrayBuffer(array.byteLength));
      shared.set(array);
      return shared;
    };
    const share16 = (array: Uint16Array): Uint16Array => {
      const shared = new Uint16Array(new SharedArrayBuffer(array.byteLength));
      shared.set(array);
      return shared;
    };
    return {
      labels,
      grams: share32(grams),
      offsets: share32(offsets),
      entryLabels: share16(entryLabels),
      entryCounts: share16(entryCounts),
    };
  }

  #find(hash: number): number {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const index = this.#slots[slot]!;
      if (index === 0) return -1;
      if (this.#counts.grams[index - 1] === hash) return index - 1;
    }
  }

  /** Turns the sums in `#sums` into probabilities in `#scores`; returns the index of the highest. */
  #normalise(known: number): number {
    const scores = this.#scores;
    let best = 0;
    for (let label = 0; label < scores.length; label++) {
      scores[label] = this.#sums[label]! - known * this.#costs[label]!;
      if (scores[label]! > scores[best]!) best = label;
    }
    const highest = scores[best]!;
    let sum = 0;
    for (let label = 0; label < scores.length; label++) {
      scores[label] = Math.exp((scores[label]! - highest) / OVERLAP);
      sum += scores[label]!;
    }
    for (let label = 0; label < scores.length; label++) scores[label]! /= sum;
    return best;
  }

  /** Fills `#scores` with the probability of every label; stops reading once one of them is beyond doubt. */
  #score(text: string): { best: number; known: number; grams: number } {
    const { offsets, entryLabels } = this.#counts;
    const sums = this.#sums.fill(0);
    const hashes = gramHashes(foldText(text.slice(0, IDENTIFIED_CHARACTERS * 4)), IDENTIFIED_CHARACTERS);
    let known = 0;
    for (let i = 0; i < hashes.length; i++) {
      if (i > 0 && i % GRAMS_BETWEEN_LOOKS === 0) {
        const best = this.#normalise(known);
        if (this.#scores[best]! > BEYOND_DOUBT) return { best, known, grams: i };
      }
      const gram = this.#find(hashes[i]!);
      if (gram < 0) continue;
      known += 1;
      for (let e = offsets[gram]!; e < offsets[gram + 1]!; e++) sums[entryLabels[e]!]! += this.#weights[e]!;
    }
    return { best: this.#normalise(known), known, grams: hashes.length };
  }

  /** The language and script of `text`, from its first 1,000 characters. */
  identify(text: string): Identification {
    return this.identifyAgainst(text, undefined).found;
  }

  /** Like `identify`; also the probability of the language that the source declares, all its scripts together. */
  identifyAgainst(
    text: string,
    declaredLanguage: string | undefined,
  ): { found: Identification; declaredScore: number | undefined } {
    const { script } = dominantScript(text);
    const unknown = { label: "und", language: "und", script, score: 0 };
    if (this.labels.length === 0) return { found: { ...unknown, known: 0 }, declaredScore: undefined };
    const { best, known, grams } = this.#score(text);
    const share = grams === 0 ? 0 : known / grams;
    let declaredScore: number | undefined;
    if (declaredLanguage !== undefined) {
      for (const [i, label] of this.labels.entries()) {
        if (label.startsWith(declaredLanguage)) declaredScore = (declaredScore ?? 0) + this.#scores[i]!;
      }
    }
    if (grams < MIN_GRAMS || share < MIN_KNOWN) return { found: { ...unknown, known: share }, declaredScore };
    const label = this.labels[best]!;
    const found = { label, language: label.slice(0, 3), script, score: this.#scores[best]!, known: share };
    return { found, declaredScore };
  }

  /**
   * How alike two labels are: the share of n-grams that their distributions have in common, Σ min(p, q), in [0, 1].
   */
  overlap(a: string, b: string): number {
    const [first, second] = [this.labels.indexOf(a), this.labels.indexOf(b)];
    const { grams, offsets, entryLabels, entryCounts } = this.#counts;
    let sum = 0;
    for (let i = 0; i < grams.length; i++) {
      let p = 0;
      let q = 0;
      for (let e = offsets[i]!; e < offsets[i + 1]!; e++) {
        if (entryLabels[e] === first) p = entryCounts[e]! / this.#totals[first]!;
        if (entryLabels[e] === second) q = entryCounts[e]! / this.#totals[second]!;
      }
      sum += Math.min(p, q);
    }
    return sum;
  }

  /** The model as one JSON text; the same model is always the same text. */
  toJson(): string {
    const { labels, grams, offsets, entryLabels, entryCounts } = this.#counts;
    const lengths = new Uint16Array(grams.length);
    for (let i = 0; i < grams.length; i++) lengths[i] = offsets[i + 1]! - offsets[i]!;
    return JSON.stringify({
      format: "firn-language-model-1",
      labels,
      grams: encode(grams),
      lengths: encode(lengths),
      entryLabels: encode(entryLabels),
      entryCounts: encode(entryCounts),
    });
  }

  /**
   * Reads what `toJson` wrote.
   *
   * @throws FirnError `DATA_LANGUAGE_MODEL_BROKEN`
   */
  static fromJson(text: string, where: string): LanguageIdentifier {
    const broken = (got: string, cause?: unknown): FirnError =>
      new FirnError("DATA_LANGUAGE_MODEL_BROKEN", {
        expected: "a language model written by Firn",
        got,
        where,
        next: "Build the documents again; the model is trained with them.",
        cause,
      });
    let file: z.infer<typeof fileSchema>;
    try {
      file = fileSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw broken("something else", cause);
    }
    const grams = decode32(file.grams);
    const lengths = decode16(file.lengths);
    const entryLabels = decode16(file.entryLabels);
    const entryCounts = decode16(file.entryCounts);
    const offsets = new Uint32Array(grams.length + 1);
    for (let i = 0; i < grams.length; i++) offsets[i + 1] = offsets[i]! + (lengths[i] ?? 0);
    const sane =
      lengths.length === grams.length &&
      entryLabels.length === offsets[grams.length] &&
      entryCounts.length === entryLabels.length &&
      entryLabels.every((label) => label < file.labels.length) &&
      entryCounts.every((count) => count > 0);
    if (!sane) throw broken("tables that do not fit together");
    assert(entryLabels.length < 2 ** 31, "the language model is small");
    return new LanguageIdentifier({ labels: file.labels, grams, offsets, entryLabels, entryCounts });
  }
}
