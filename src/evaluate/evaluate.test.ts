/** @file Evaluation tasks on a small but honest language model: a bigram over bytes, with no training but counting. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EvaluationRecord, readEvaluations, summariseEvaluation } from "../artifacts/index.ts";
import { type Json, randomStream, silentReporter, type Work } from "../core/index.ts";
import type { GeneratedToken, GenerateOptions, LanguageModel, TokenChoice } from "../generate/index.ts";
import {
  chooseLanguageLines,
  documentBits,
  evaluateModel,
  fitText,
  frameDocument,
  generateSamples,
  identifyByLikelihood,
  NgramCounter,
  type NgramModel,
  packHeldOut,
  type ParallelDocument,
  renderEvaluation,
  scoringWindows,
  selectHeldOut,
  type TextCodec,
} from "./index.ts";

const BOS = 256;
const EOS = 257;
const VOCABULARY = 258;

const bytes: TextCodec = {
  encode: (text) => [...Buffer.from(text)],
  decode: (ids) => Buffer.from(ids).toString(),
  bosId: BOS,
  eosId: EOS,
};

/** A bigram model over bytes behind the interface of all models; its context length only limits sequences. */
class ByteBigram implements LanguageModel {
  readonly name = "byte-bigram";
  readonly vocabSize = VOCABULARY;
  readonly contextLength: number;
  readonly calls: number[] = [];
  readonly #ngrams: NgramModel;

  constructor(ngrams: NgramModel, contextLength: number) {
    this.#ngrams = ngrams;
    this.contextLength = contextLength;
  }

  async score(sequences: readonly (readonly number[])[]): Promise<Float64Array[]> {
    this.calls.push(sequences.length);
    return sequences.map((ids) => {
      if (ids.length > this.contextLength) throw new RangeError("sequence longer than the context");
      return Float64Array.from(ids, (id, i) =>
        i === 0 ? 0 : Math.log(this.#ngrams.bigramProbability(ids[i - 1]!, id)),
      );
    });
  }

  #next(previous: number, top: number): TokenChoice[] {
    return Array.from({ length: VOCABULARY }, (_, id) => ({
      id,
      logprob: Math.log(this.#ngrams.bigramProbability(previous, id)),
    }))
      .sort((a, b) => b.logprob - a.logprob)
      .slice(0, top);
  }

  async distributions(ids: readonly number[], top: number): Promise<TokenChoice[][]> {
    return ids.map((id) => this.#next(id, top));
  }

  async *generate(
    prompt: readonly number[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedToken, void, void> {
    const random = randomStream(options.seed ?? 0, "byte-bigram");
    let previous = prompt.at(-1)!;
    for (let count = 0; count < options.maxTokens; count++) {
      const choices = this.#next(previous, VOCABULARY);
      let left = random.float();
      const choice = choices.find(({ logprob }) => (left -= Math.exp(logprob)) < 0) ?? choices[0]!;
      if (options.stopIds?.includes(choice.id) === true) return;
      yield { ...choice, top: [] };
      previous = choice.id;
    }
  }

  async close(): Promise<void> {}
}

const GERMAN =
  "Alle Menschen sind frei und gleich an Würde und Rechten geboren.\nSie sind mit Vernunft begabt.";
const ENGLISH =
  "All human beings are born free and equal in dignity and rights.\nThey are endowed with reason.";
const GREEK =
  "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια.\nΕίναι προικισμένοι με λογική.";

function document(language: string, article: number, text: string): ParallelDocument {
  return {
    id: `udhr/${language}#${article}`,
    language,
    source: "udhr",
    text,
    parallelKey: `article-${article}`,
  };
}

const TRAINING = [document("deu", 1, GERMAN), document("eng", 1, ENGLISH), document("ell", 1, GREEK)];
const HELD_OUT = [
  document("deu", 2, "Jeder Mensch hat das Recht auf Leben, Freiheit und Sicherheit der Person."),
  document("eng", 2, "Everyone has the right to life, liberty and security of the person here."),
  document("ell", 2, "Κάθε άτομο έχει δικαίωμα στη ζωή, την ελευθερία και την προσωπική ασφάλεια."),
];

function countBytes(documents: readonly { readonly text: string }[]): NgramModel {
  const counter = new NgramCounter(VOCABULARY);
  for (const { text } of documents) counter.add(frameDocument(bytes, text));
  return counter.finish();
}

const model = (contextLength = 128): ByteBigram => new ByteBigram(countBytes(TRAINING), contextLength);

describe("scoring windows", () => {
  it("count every token but the first exactly once, and never exceed the context", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 200 })),
        fc.integer({ min: 2, max: 50 }),
        (lengths, context) => {
          const seen = lengths.map((length) => new Uint8Array(length));
          const windows = scoringWindows(lengths, context);
          const fits = windows.every(({ start, end, scoredFrom }) => {
            const halfContext = scoredFrom === 1 || scoredFrom - start >= Math.floor(context / 2);
            return end - start <= context && scoredFrom > start && halfContext;
          });
          expect(fits).toBe(true);
          for (const { document: index, end, scoredFrom } of windows) {
            for (let token = scoredFrom; token < end; token++) seen[index]![token]! += 1;
          }
          const once = seen.every((counts) =>
            counts.every((count, token) => count === (token === 0 ? 0 : 1)),
          );
          expect(once).toBe(true);
        },
      ),
    );
  });
});

describe("bits of documents", () => {
  it("are the bigram's own, however short the windows, for a model that is that bigram", async () => {
    const ngrams = countBytes(TRAINING);
    const framed = HELD_OUT.map(({ text }) => frameDocument(bytes, text));
    for (const context of [512, 33, 2]) {
      const bits = await documentBits(new ByteBigram(ngrams, context), framed);
      framed.forEach((ids, index) => expect(bits[index]).toBeCloseTo(ngrams.documentBits(ids).bigram, 8));
    }
  });

  it("do not depend on how sequences are put into calls", async () => {
    const framed = HELD_OUT.map(({ text }) => frameDocument(bytes, text));
    const one = model(40);
    const many = model(40);
    expect(await documentBits(one, framed, { batchTokens: 1 })).toEqual(await documentBits(many, framed));
    expect(one.calls.every((sequences) => sequences === 1)).toBe(true);
    expect(many.calls.length).toBe(1);
  });

  it("stop when asked to", async () => {
    const signal = AbortSignal.abort(new Error("Ctrl-C"));
    await expect(documentBits(model(), [[BOS, 65, EOS]], { signal })).rejects.toThrow("Ctrl-C");
  });
});

describe("held-out text", () => {
  it("is cut between characters and bounded per language", () => {
    const long = document("ell", 3, "αβγδε".repeat(100));
    const [first, second, third, ...rest] = selectHeldOut([long, long, long, ...HELD_OUT.slice(0, 1)], {
      documentBytes: 101,
      languageBytes: 150,
    });
    expect(first!.text).toBe("αβγδε".repeat(10));
    expect(Buffer.byteLength(second!.text)).toBe(50);
    expect(third!.language).toBe("deu");
    expect(rest).toEqual([]);
  });

  it("keeps at most as many bytes as allowed and never breaks a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 60 }), (text, documentBytes) => {
        const kept = selectHeldOut([document("und", 1, text)], { documentBytes })[0]?.text ?? "";
        expect(text.startsWith(kept)).toBe(true);
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(documentBytes);
        expect(Buffer.from(kept).toString()).toBe(kept);
      }),
    );
  });
});

describe("fitting text into tokens", () => {
  it("takes a beginning of whole characters that is short enough", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.integer({ min: 0, max: 20 }),
        (text, maxTokens) => {
          const fitted = fitText(bytes, text, maxTokens);
          expect(text.startsWith(fitted)).toBe(true);
          expect(bytes.encode(fitted).length).toBeLessThanOrEqual(maxTokens);
        },
      ),
    );
    expect(fitText(bytes, "short", 5)).toBe("short");
  });
});

describe("language by likelihood", () => {
  it("adds up the line's log-probabilities after each context, and takes the likeliest", async () => {
    const { contexts, lines } = chooseLanguageLines({ training: TRAINING, heldOut: HELD_OUT, seed: 1 });
    expect(contexts.map(({ language }) => language).sort()).toEqual(["deu", "ell", "eng"]);
    const speaker = model();
    const records = await identifyByLikelihood({
      model: speaker,
      codec: bytes,
      contexts,
      lines,
      identify: (text) => (/\p{Script=Greek}/u.test(text) ? "ell" : "und"),
      contextTokens: 20,
      lineTokens: 30,
    });
    expect(records).toHaveLength(3);
    for (const record of records) {
      const best = Math.max(...Object.values(record.logprobs));
      expect(record.logprobs[record.predicted]).toBe(best);
      expect(record.identified).toBe(record.language === "ell" ? "ell" : "und");
    }
    const line = lines.find(({ language }) => language === "eng")!;
    const context = contexts.find(({ language }) => language === "ell")!;
    const prefix = [BOS, ...bytes.encode(fitText(bytes, context.text, 20)), 10];
    const ids = [...prefix, ...bytes.encode(fitText(bytes, line.text, 30))];
    const [logprobs] = await speaker.score([ids]);
    const expected = logprobs!.slice(prefix.length).reduce((sum, value) => sum + value, 0);
    expect(records.find(({ example }) => example === line.id)!.logprobs["ell"]).toBeCloseTo(expected, 10);
  });

  it("refuses a single candidate", async () => {
    const line = { id: "a", language: "deu", text: GERMAN };
    const options = { model: model(), codec: bytes, contexts: [line], lines: [line], identify: () => "und" };
    await expect(identifyByLikelihood(options)).rejects.toThrow("EVALUATE_NO_CANDIDATES");
  });
});

describe("choosing lines", () => {
  it("gives every candidate the same article as context and asks about held-out lines only", () => {
    const training = [...TRAINING, document("deu", 3, `${GERMAN} Nochmals.`), document("fra", 7, GERMAN)];
    const chosen = chooseLanguageLines({ training, heldOut: HELD_OUT, languages: 2, seed: 3 });
    expect(chosen.parallelKey).toBe("article-1");
    expect(chosen.contexts).toHaveLength(2);
    expect(chosen.contexts.map(({ id }) => id.split("#")[1])).toEqual(["1", "1"]);
    const asked = HELD_OUT.map(({ text }) => text);
    for (const line of chosen.lines) expect(asked).toContain(line.text);
  });

  it("keeps to the candidates it is given", () => {
    const candidates = ["ell", "eng", "xho"];
    const chosen = chooseLanguageLines({ training: TRAINING, heldOut: HELD_OUT, candidates, seed: 3 });
    expect(chosen.contexts.map(({ language }) => language).sort()).toEqual(["ell", "eng"]);
    expect(chosen.lines.some(({ language }) => language === "deu")).toBe(false);
  });

  it("lets each language bring its own line where there are no parallel texts", () => {
    const alone = TRAINING.map((item) => ({ ...item, parallelKey: null }));
    const chosen = chooseLanguageLines({ training: alone, heldOut: HELD_OUT, seed: 3 });
    expect(chosen.parallelKey).toBeNull();
    expect(chosen.contexts).toHaveLength(3);
  });
});

describe("compressors", () => {
  it("pack each language and everything, and what they pack comes back", async () => {
    const records = await packHeldOut(TRAINING);
    expect(records.map(({ example }) => example)).toEqual(["deu", "ell", "eng", "all"]);
    const all = records.at(-1)!;
    expect(all.bytes).toBe(TRAINING.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0));
    for (const size of [all.gzip, all.xz, all.brotli]) {
      expect(size).toBeGreaterThan(50);
      expect(size).toBeLessThan(all.bytes);
    }
  });
});

describe("samples", () => {
  it("are the same for the same seed and say how they ended", async () => {
    const prompts = [{ id: "p", language: "deu", text: "Die Sonne " }];
    const once = await generateSamples(model(), bytes, prompts, { seed: 7, maxTokens: 500 });
    const again = await generateSamples(model(), bytes, prompts, { seed: 7, maxTokens: 500 });
    expect(again).toEqual(once);
    expect(once[0]!.meanLogprob).toBeLessThan(0);
    const cut = await generateSamples(model(), bytes, prompts, { seed: 7, maxTokens: 1 });
    expect(cut[0]).toMatchObject({ tokens: 1, ended: "length" });
  });
});

describe("the whole evaluation", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "firn-evaluate-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function evaluate(): Promise<{ facts: { kind: string; data: Json }[]; text: string }> {
    const facts: { kind: string; data: Json }[] = [];
    const work: Work = {
      report: silentReporter,
      signal: new AbortController().signal,
      fact: (kind, data) => facts.push({ kind, data }),
      workers: 1,
      threads: 1,
    };
    const summary = await evaluateModel(
      {
        model: model(),
        codec: bytes,
        heldOut: HELD_OUT,
        trainingTokens: TRAINING.map(({ text }) => frameDocument(bytes, text)),
        languageLines: chooseLanguageLines({ training: TRAINING, heldOut: HELD_OUT, seed: 1 }),
        identify: () => "und",
        prompts: [{ id: "sun", language: "deu", text: "Die Sonne scheint hell am" }],
        seed: 1,
      },
      dir,
      work,
    );
    return { facts, text: renderEvaluation(summary) };
  }

  it("writes records from which the summary follows, byte for byte the same each time", async () => {
    const { facts } = await evaluate();
    const written = await readFile(join(dir, "records.jsonl"), "utf8");
    const stored = JSON.parse(await readFile(join(dir, "summary.json"), "utf8")) as Json;
    const records = await readEvaluations(dir);
    expect(summariseEvaluation(records)).toEqual(stored);
    expect(facts.map(({ kind }) => kind)).toEqual(["evaluate"]);
    await evaluate();
    expect(await readFile(join(dir, "records.jsonl"), "utf8")).toBe(written);
  });

  it("gives a model that is the bigram the bigram's figures", async () => {
    await evaluate();
    const { bitsPerByte } = summariseEvaluation(await readEvaluations(dir));
    expect(bitsPerByte!.all.model).toBeCloseTo(bitsPerByte!.all.bigram, 10);
    expect(bitsPerByte!.all.bytes).toBe(HELD_OUT.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0));
    expect(bitsPerByte!.all.unigram).toBeGreaterThan(bitsPerByte!.all.bigram);
    expect(bitsPerByte!.all.tokens).toBe(bitsPerByte!.all.bytes + 3);
  });

  it("prints a row per language, every compressor, and the samples", async () => {
    const { text } = await evaluate();
    for (const part of ["deu", "ell", "xz -9e", "bigram", "3 candidates", "Die Sonne scheint hell am│"]) {
      expect(text).toContain(part);
    }
    expect(text).not.toMatch(/NaN|undefined/);
  });

  it("names the line that is not a record", async () => {
    await evaluate();
    const path = join(dir, "records.jsonl");
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, [lines[0], '{"task":"bits-per-byte","example":1}', ...lines.slice(1)].join("\n"));
    await expect(readEvaluations(dir)).rejects.toThrow(/EVALUATE_BAD_RECORD.*records\.jsonl:2/);
  });
});

describe("summaries", () => {
  it("count conversations by skill and language", () => {
    const record = (skill: string, correct: boolean): EvaluationRecord => ({
      task: "conversations",
      example: skill,
      language: "deu",
      skill,
      expected: "a",
      answer: correct ? "a" : "b",
      correct,
    });
    const summary = summariseEvaluation([record("copy", true), record("copy", false), record("count", true)]);
    expect(summary.conversations).toMatchObject({ asked: 3, correct: 2 });
    expect(summary.conversations!.skills).toEqual([
      { name: "copy", asked: 2, correct: 1 },
      { name: "count", asked: 1, correct: 1 },
    ]);
    expect(renderEvaluation(summary)).toContain("66.7 %");
  });
});
