/**
 * @file From examples, counterexamples and a sample of the corpus to a classifier. Half of the sample stands in for
 * counterexamples where there are none, the other half gives the thresholds, so that none is measured on what it was
 * taught.
 */
import { randomStream, sha256, type Work } from "../../core/index.ts";
import { documentDraw } from "../steps/split.ts";
import type { TrainingConfig } from "./config.ts";
import { type Embedding, PIECE } from "./embedding.ts";
import { type Example, type Head, type KeyedText, scoreText, scoreVector, trainHead } from "./head.ts";
import { type HeadReport, type LanguageHead, PIECES } from "./model.ts";

/** A threshold is the quantile of at least this many scores. */
const MIN_SCORES = 20;
/** The items with the lowest draws, at most `limit`: a sample that no order changes. */
class LowestDraws {
  readonly #limit: number;
  readonly #characters: number;
  #items: (KeyedText & { readonly draw: number })[] = [];

  constructor(limit: number, characters: number) {
    this.#limit = limit;
    this.#characters = characters;
  }

  add(draw: number, { text, key }: KeyedText): void {
    this.#items.push({ draw, text: text.slice(0, this.#characters), key });
    if (this.#items.length > this.#limit * 2) this.texts();
  }

  texts(): readonly KeyedText[] {
    this.#items.sort((a, b) => a.draw - b.draw || (a.text < b.text ? -1 : 1));
    this.#items.splice(this.#limit);
    return this.#items;
  }
}

interface LanguageTexts {
  readonly positives: LowestDraws;
  readonly negatives: LowestDraws;
  /** Documents of the corpus: to stand in for counterexamples, and to be scored. */
  readonly drawn: LowestDraws;
  readonly scored: LowestDraws;
}

/** Where a score lies so that `share` of the scores are below it. */
function quantile(scores: readonly number[], share: number): number {
  const sorted = Float64Array.from(scores).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** Probability that a positive scores above a negative (Mann–Whitney), ties counting half. */
export function areaUnderCurve(positives: readonly number[], negatives: readonly number[]): number | null {
  if (positives.length === 0 || negatives.length === 0) return null;
  let wins = 0;
  for (const p of positives) for (const n of negatives) wins += p > n ? 1 : p === n ? 0.5 : 0;
  return wins / (positives.length * negatives.length);
}

function measureHead(head: Head, trained: readonly Example[], tested: readonly Example[]): HeadReport {
  const scores = tested.map(({ vector }) => scoreVector(head, vector));
  const of = (label: boolean): number[] => scores.filter((_, i) => tested[i]!.label === label);
  const right = scores.filter((score, i) => score > 0.5 === tested[i]!.label).length;
  const rounded = (value: number): number => Number(value.toFixed(4));
  const auc = areaUnderCurve(of(true), of(false));
  return {
    positives: trained.filter(({ label }) => label).length,
    negatives: trained.filter(({ label }) => !label).length,
    tested: tested.length,
    accuracy: tested.length === 0 ? null : rounded(right / tested.length),
    auc: auc === null ? null : rounded(auc),
  };
}

/** Collects text, then trains. `purpose` tells the random numbers of one classifier from another's. */
export class ClassifierTrainer {
  readonly #config: TrainingConfig;
  readonly #seed: number;
  readonly #purpose: keyof typeof PIECES;
  readonly #languages = new Map<string, LanguageTexts>();
  #withVector = 0;
  #withoutVector = 0;

  constructor(config: TrainingConfig, seed: number, purpose: keyof typeof PIECES) {
    this.#config = config;
    this.#seed = seed;
    this.#purpose = purpose;
  }

  #of(language: string): LanguageTexts {
    let texts = this.#languages.get(language);
    if (texts === undefined) {
      const make = (pieces: number): LowestDraws => new LowestDraws(this.#config.maxExamples, pieces * PIECE);
      texts = {
        positives: make(1),
        negatives: make(1),
        drawn: make(1),
        scored: make(PIECES[this.#purpose]),
      };
      this.#languages.set(language, texts);
    }
    return texts;
  }

  /** Texts that training and thresholds looked at with and without a vector. */
  get lookUps(): { readonly withVector: number; readonly withoutVector: number } {
    return { withVector: this.#withVector, withoutVector: this.#withoutVector };
  }

  /** `key`: see `Embedding.embed`. */
  addExample(language: string, id: string, text: string, label: boolean, key?: string): void {
    const { positives, negatives } = this.#of(language);
    const draw = documentDraw(this.#seed, this.#purpose, id);
    (label ? positives : negatives).add(draw, { text, key: key ?? sha256(text) });
  }

  /** Takes in a document of the corpus. */
  addDocument(language: string, id: string, text: string, key?: string): void {
    const { drawn, scored } = this.#of(language);
    const draw = documentDraw(this.#seed, `${this.#purpose} corpus`, id);
    (draw < 0.5 ? drawn : scored).add(draw, { text, key: key ?? sha256(text) });
  }

  /** What the embedding knows of `texts`. */
  #embedded(texts: readonly KeyedText[], embedding: Embedding, label: boolean): Example[] {
    return texts.flatMap(({ text, key }) => {
      const vector = embedding.embed(text, key);
      this.#count(vector !== undefined);
      return vector === undefined ? [] : [{ vector, label }];
    });
  }

  #count(found: boolean): void {
    if (found) this.#withVector += 1;
    else this.#withoutVector += 1;
  }

  #examples(texts: LanguageTexts, embedding: Embedding): Example[] {
    const { minExamples } = this.#config;
    const positives = this.#embedded(texts.positives.texts(), embedding, true);
    const given = texts.negatives.texts();
    const counterexamples = given.length > 0 ? given : texts.drawn.texts().slice(0, positives.length);
    if (Math.min(positives.length, counterexamples.length) < minExamples) return [];
    const negatives = this.#embedded(counterexamples, embedding, false);
    return negatives.length < minExamples ? [] : [...positives, ...negatives];
  }

  /**
   * A head for every language with enough examples, 80 % of which teach, 10 % choose the epoch and 10 % test.
   *
   * @param below share of the corpus that the threshold has below it
   */
  train(embedding: Embedding, below: number, work: Work): Map<string, LanguageHead> {
    const heads = new Map<string, LanguageHead>();
    const task = work.report.task(`train ${this.#purpose} classifier`, this.#languages.size, "languages");
    let done = 0;
    for (const [language, texts] of [...this.#languages].sort(([a], [b]) => (a < b ? -1 : 1))) {
      work.signal.throwIfAborted();
      const examples = this.#examples(texts, embedding);
      done += 1;
      task.update(done);
      if (examples.length === 0) continue;
      randomStream(this.#seed, this.#purpose, language).shuffle(examples);
      const [teach, choose] = [Math.floor(examples.length * 0.8), Math.floor(examples.length * 0.9)];
      const trained = examples.slice(0, teach);
      const head = trainHead(
        trained,
        examples.slice(teach, choose),
        this.#config,
        this.#seed,
        `${this.#purpose} ${language}`,
      );
      const report = measureHead(head, trained, examples.slice(choose));
      heads.set(language, { head, report, ...this.#threshold(head, texts, embedding, below) });
    }
    task.finish(`${heads.size} languages`);
    return heads;
  }

  #threshold(
    head: Head,
    { scored }: Pick<LanguageTexts, "scored">,
    embedding: Embedding,
    below: number,
  ): { threshold: number | null; sampled: number } {
    const pieces = PIECES[this.#purpose];
    const scores = scored.texts().flatMap((text) => {
      const score = scoreText(head, embedding, text, pieces);
      this.#count(score !== undefined);
      return score ?? [];
    });
    const threshold = scores.length < MIN_SCORES ? null : quantile(scores, below);
    return { threshold, sampled: scores.length };
  }

  /** `known` with thresholds of this corpus, where it has enough documents of the language. */
  recalibrate(
    known: ReadonlyMap<string, LanguageHead>,
    embedding: Embedding,
    below: number,
  ): Map<string, LanguageHead> {
    return new Map(
      [...known].map(([language, entry]) => {
        const measured = this.#threshold(entry.head, this.#of(language), embedding, below);
        return [language, measured.threshold === null ? entry : { ...entry, ...measured }];
      }),
    );
  }
}
