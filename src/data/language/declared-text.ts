/**
 * @file The identifier's teaching and testing text: documents whose language is declared, in bounded memory. It is
 * taught on documents outside the held-out set and tested on those inside.
 */
import type { DocumentRecord } from "../../artifacts/index.ts";
import type { Json } from "../../core/index.ts";
import { documentDraw } from "../steps/split.ts";
import { LanguageIdentifier } from "./identifier.ts";
import { dominantScript } from "./script.ts";
import { trainLanguageModel } from "./train-identifier.ts";

interface Piece {
  readonly draw: number;
  readonly text: string;
}

const TEST_CHARACTERS = 20_000;
const MIN_LETTERS = 20;
const SHORT = 50;
/** Longest piece taken from one document, so that a long one does not crowd out the others. */
const PIECE = 2000;

/** A label is learnt from at least this many characters … */
const MIN_TAUGHT = 200;
/** … that are at least this share of what its language has in all scripts. */
const MIN_SCRIPT_SHARE = 0.05;

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

/** Keeps the pieces with the lowest draws until they hold `limit` characters: a sample that no order changes. */
class Reservoir {
  readonly #limit: number;
  #pieces: Piece[] = [];
  #characters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(piece: Piece): void {
    this.#pieces.push(piece);
    this.#characters += piece.text.length;
    if (this.#characters > this.#limit * 4) this.#trim(this.#limit);
  }

  #trim(limit: number): void {
    this.#pieces.sort((a, b) => a.draw - b.draw || (a.text < b.text ? -1 : 1));
    let characters = 0;
    this.#pieces = this.#pieces.filter(({ text }) => {
      const fits = characters < limit;
      if (fits) characters += text.length;
      return fits;
    });
    this.#characters = characters;
  }

  texts(limit: number): string[] {
    this.#trim(limit);
    return this.#pieces.map(({ text }) => text);
  }
}

/** How well the identifier knows text that it has not seen. */
export interface IdentifierReport {
  readonly labels: number;
  readonly documents: number;
  /** Share of documents whose language is found. */
  readonly accuracy: number;
  /** Mean over labels of that share: rare languages count as much as common ones. */
  readonly macroAccuracy: number;
  /** Accuracy on the first 50 characters of the last paragraph of each document. */
  readonly shortAccuracy: number;
  /** Most frequent confusions, `declared>found`. */
  readonly confusions: readonly { readonly pair: string; readonly count: number }[];
}

/** The report, with what taught the identifier: the recipe's `sources`, or the package of that name and version. */
export interface TaughtReport extends IdentifierReport {
  readonly taughtBy: string;
}

type Samples = Map<string, Map<string, Reservoir>>;

export class DeclaredText {
  readonly #seed: number;
  readonly #trainingCharacters: number;
  /** Label → source → texts: every source of a language is heard, however small beside another. */
  readonly #teach: Samples = new Map();
  readonly #test: Samples = new Map();

  constructor(seed: number, trainingCharacters: number) {
    this.#seed = seed;
    this.#trainingCharacters = trainingCharacters;
  }

  /** Languages of which something has come that can teach. */
  get languages(): number {
    return new Set([...this.#teach.keys()].map((label) => label.slice(0, 3))).size;
  }

  /** Takes in a normalised document; ones without declared language, or of mixed scripts, are passed over. */
  add(document: DocumentRecord, heldout: boolean): void {
    if (document.declaredLanguage === null) return;
    const { script, share, letters } = dominantScript(document.text);
    if (letters < MIN_LETTERS || share < 0.6) return;
    const label = `${document.declaredLanguage}_${script}`;
    const samples = heldout ? this.#test : this.#teach;
    if (!samples.has(label)) samples.set(label, new Map());
    const sources = samples.get(label)!;
    if (!sources.has(document.source)) {
      sources.set(document.source, new Reservoir(heldout ? TEST_CHARACTERS : this.#trainingCharacters));
    }
    const draw = documentDraw(this.#seed, "identifier", document.id);
    sources.get(document.source)!.add({ draw, text: document.text.slice(0, PIECE) });
  }

  /** The identifier, learnt from the documents outside the held-out set. */
  train(): LanguageIdentifier {
    const texts = new Map<string, string[]>();
    const perLanguage = new Map<string, number>();
    for (const [label, sources] of this.#teach) {
      const share = this.#trainingCharacters / sources.size;
      const taught = [...sources.values()].flatMap((reservoir) => reservoir.texts(share));
      texts.set(label, taught);
      const language = label.slice(0, 3);
      perLanguage.set(language, (perLanguage.get(language) ?? 0) + lengthOf(taught));
    }
    // A stray document in the wrong script would found a label of its own and then confirm itself.
    for (const [label, taught] of texts) {
      const characters = lengthOf(taught);
      if (characters < MIN_TAUGHT || characters < perLanguage.get(label.slice(0, 3))! * MIN_SCRIPT_SHARE) {
        texts.delete(label);
      }
    }
    return new LanguageIdentifier(trainLanguageModel(texts));
  }

  /** Tests it on the held-out documents, in the languages that it has learnt. */
  measure(identifier: LanguageIdentifier): IdentifierReport {
    const confusions = new Map<string, number>();
    const perLabel: number[] = [];
    let documents = 0;
    let right = 0;
    let shortRight = 0;
    for (const label of [...this.#test.keys()].sort().filter((name) => identifier.labels.includes(name))) {
      const texts = [...this.#test.get(label)!.values()].flatMap((reservoir) =>
        reservoir.texts(TEST_CHARACTERS),
      );
      const language = label.slice(0, 3);
      let labelRight = 0;
      for (const text of texts) {
        const found = identifier.identify(text);
        const short = text.slice(text.lastIndexOf("\n") + 1).slice(0, SHORT);
        if (identifier.identify(short).language === language) shortRight += 1;
        if (found.language === language) labelRight += 1;
        else confusions.set(`${label}>${found.label}`, (confusions.get(`${label}>${found.label}`) ?? 0) + 1);
      }
      documents += texts.length;
      right += labelRight;
      perLabel.push(labelRight / texts.length);
    }
    const pairs = [...confusions].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 20);
    const share = (count: number): number => (documents === 0 ? 0 : count / documents);
    return {
      labels: identifier.labels.length,
      documents,
      accuracy: share(right),
      macroAccuracy:
        perLabel.length === 0 ? 0 : perLabel.reduce((sum, value) => sum + value, 0) / perLabel.length,
      shortAccuracy: share(shortRight),
      confusions: pairs.map(([pair, count]) => ({ pair, count })),
    };
  }
}

/** The report as a fact's data. */
export function identifierFact(report: TaughtReport): { readonly [key: string]: Json } {
  return { ...report, confusions: report.confusions.map(({ pair, count }) => ({ pair, count })) };
}
