/** @file A trained classifier: a head and a threshold for each language, and what it scores by; on disk as JSON. */
import { z } from "zod";
import { assert, FirnError } from "../../core/index.ts";
import type { FastTextTables } from "../language/fasttext-file.ts";
import { type Embedding, FastTextEmbedding, HashedEmbedding, VectorEmbedding } from "./embedding.ts";
import { type Head, type KeyedText, scoreText } from "./head.ts";
import type { VectorIndex } from "./vector-index.ts";

/** How a head did on examples that it had not seen. */
const report = z.strictObject({
  /** Examples that it learnt from, of either kind. */
  positives: z.int().min(0),
  negatives: z.int().min(0),
  /** Examples it was tested on. */
  tested: z.int().min(0),
  accuracy: z.number().nullable(),
  /** Probability that an example scores higher than a counterexample; null without both. */
  auc: z.number().nullable(),
});
export type HeadReport = z.infer<typeof report>;

const embeddingName = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("hashed-ngrams"), dimensions: z.int().min(16).max(65_536) }),
  z.strictObject({ type: z.literal("fasttext"), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.strictObject({
    type: z.literal("vectors"),
    madeBy: z.string().min(1),
    dimensions: z.int().min(1).max(65_536),
  }),
]);
export type EmbeddingName = z.infer<typeof embeddingName>;

const modelFile = z.strictObject({
  format: z.literal(1),
  embedding: embeddingName,
  /** By ISO 639-3. */
  languages: z.record(
    z.string().regex(/^[a-z]{3}$/),
    z.strictObject({
      dimensions: z.int().min(1).max(65_536),
      hidden: z.int().min(1).max(4096),
      /** Little-endian 32-bit floats, base64. */
      weights: z.base64(),
      /** The score at the recipe's share of the documents that were sampled, and how many these were. */
      threshold: z.number().min(0).max(1).nullable(),
      sampled: z.int().min(0),
      report,
    }),
  ),
});

export interface LanguageHead {
  readonly head: Head;
  readonly threshold: number | null;
  readonly sampled: number;
  readonly report: HeadReport;
}

/** Plain data, so that workers can have it. */
export interface ClassifierModel {
  readonly embedding: EmbeddingName;
  readonly fastText: FastTextTables | undefined;
  readonly vectors: VectorIndex | undefined;
  readonly languages: ReadonlyMap<string, LanguageHead>;
}

export function openEmbedding({
  embedding,
  fastText,
  vectors,
}: Pick<ClassifierModel, "embedding" | "fastText" | "vectors">): Embedding {
  if (embedding.type === "hashed-ngrams") return new HashedEmbedding(embedding.dimensions);
  if (embedding.type === "vectors") {
    assert(vectors !== undefined, "an embedding by vectors comes with them");
    return new VectorEmbedding(vectors);
  }
  assert(fastText !== undefined, "a fastText embedding comes with its model");
  return new FastTextEmbedding(fastText);
}

/**
 * How many pieces of a text are looked at. Quality shows at its beginning (FineWeb2-HQ); toxicity may stand anywhere
 * (Apertus takes the highest score of all pieces), here in the first 64,000 characters.
 */
export const PIECES = { quality: 1, toxicity: 32 } as const;

/** Scores texts, each by the head of its language. */
export class Classifier {
  readonly #pieces: number;
  readonly #embedding: Embedding;
  readonly #languages: ClassifierModel["languages"];

  constructor(model: ClassifierModel, purpose: keyof typeof PIECES) {
    this.#pieces = PIECES[purpose];
    this.#embedding = openEmbedding(model);
    this.#languages = model.languages;
  }

  /**
   * Score in [0, 1] and threshold; `undefined` where the language has no head or no threshold, a score of `undefined` where
   * the text has no vector.
   */
  score(
    text: string,
    language: string | null,
    key?: KeyedText["key"],
  ): { score: number | undefined; threshold: number } | undefined {
    const found = this.#languages.get(language ?? "und");
    if (found === undefined || found.threshold === null) return undefined;
    const score = scoreText(found.head, this.#embedding, { text, key }, this.#pieces);
    return { score, threshold: found.threshold };
  }

  close(): void {
    this.#embedding.close?.();
  }
}

/** The model as the text of its file. */
export function formatClassifier({ embedding, languages }: ClassifierModel): string {
  const heads = [...languages].map(([language, { head, ...rest }]) => {
    const { buffer, byteOffset, byteLength } = head.weights;
    const weights = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    return [language, { dimensions: head.dimensions, hidden: head.hidden, weights, ...rest }];
  });
  return `${JSON.stringify({ format: 1, embedding, languages: Object.fromEntries(heads) as unknown })}\n`;
}

/** Reads `formatClassifier`'s text. @throws FirnError `DATA_CLASSIFIER` */
export function parseClassifier(text: string, where: string): Omit<ClassifierModel, "fastText" | "vectors"> {
  try {
    const { embedding, languages } = modelFile.parse(JSON.parse(text));
    const heads = Object.entries(languages).map(
      ([language, { dimensions, hidden, weights, ...rest }]): [string, LanguageHead] => {
        const bytes = Uint8Array.from(Buffer.from(weights, "base64"));
        if (bytes.length !== 4 * (hidden * dimensions + hidden * 2 + 1))
          throw new Error("another number of weights");
        const values = new Float32Array(bytes.buffer);
        if (!values.every(Number.isFinite)) throw new Error("weights that are no numbers");
        if (embedding.type !== "fasttext" && dimensions !== embedding.dimensions)
          throw new Error("a head for another embedding");
        return [language, { head: { dimensions, hidden, weights: values }, ...rest }];
      },
    );
    return { embedding, languages: new Map(heads) };
  } catch (cause) {
    throw new FirnError("DATA_CLASSIFIER", {
      expected: "a classifier, as a build writes it",
      got: cause instanceof z.ZodError || cause instanceof SyntaxError ? "another content" : String(cause),
      where,
      next: "Name `quality-classifier.json` or `toxicity-classifier.json` of a documents artifact.",
      cause,
    });
  }
}
