/** @file One classifier from its settings to its model: examples from tables, documents of the corpus, or a file. */
import { readFile } from "node:fs/promises";
import { type DocumentRecord, withDiskErrors } from "../../artifacts/index.ts";
import { FirnError, type Json, sha256, type Work } from "../../core/index.ts";
import { readFastText } from "../language/fasttext-file.ts";
import { parseLanguageCode } from "../language/language-code.ts";
import type { TrainingFiles } from "../resolve-clean.ts";
import { tableRows } from "../table-rows.ts";
import type { TrainingConfig } from "./config.ts";
import type { Embedding } from "./embedding.ts";
import { type ClassifierModel, type EmbeddingName, openEmbedding, parseClassifier } from "./model.ts";
import { indexVectors, type VectorIndex } from "./vector-index.ts";
import { ClassifierTrainer } from "./train-classifier.ts";

/** Somebody who looks at sampled documents, and at how many. */
export interface Learner {
  readonly sampleDocuments: number;
  /** Sources that it needs; a name that no source has is a slip. */
  readonly sources: readonly string[];
  readonly setting: string;
  /** `original` is the SHA-256 of its text as its source has it. */
  add(document: DocumentRecord, original: string): void;
}

/** A classifier in the making. */
export class ClassifierJob {
  readonly learner: Learner;
  readonly #trainer: ClassifierTrainer;
  readonly #config: TrainingConfig;
  readonly #files: TrainingFiles;
  /** Share of each language that scores below the threshold. */
  readonly #below: number;

  constructor(
    purpose: "quality" | "toxicity",
    { config, files }: { config: TrainingConfig; files: TrainingFiles },
    goodSources: readonly string[],
    { seed, below }: { seed: number; below: number },
  ) {
    this.#config = config;
    this.#files = files;
    this.#below = below;
    this.#trainer = new ClassifierTrainer(config, seed, purpose);
    this.learner = {
      sampleDocuments: config.sampleDocuments,
      sources: goodSources,
      setting: "quality.classifier.goodSources",
      add: ({ id, source, language, text }, original) => {
        if (language === null || language === "und") return;
        if (goodSources.includes(source)) this.#trainer.addExample(language, id, text, true, original);
        else this.#trainer.addDocument(language, id, text, original);
      },
    };
  }

  async #readExamples(): Promise<void> {
    for (const [i, { path, text, label, language, languageColumn }] of this.#config.examples.entries()) {
      let rows = 0;
      for await (const { row, values } of tableRows(this.#files.examples[i]!.path)) {
        const written = values.get(text);
        const named = languageColumn === undefined ? language : values.get(languageColumn);
        const code = typeof named === "string" ? parseLanguageCode(named)?.language : undefined;
        if (typeof written !== "string" || written === "" || code === undefined) continue;
        const value = label === undefined ? true : values.get(label);
        this.#trainer.addExample(code, `${i}#${row}`, written, isTrue(value));
        rows += 1;
      }
      if (rows > 0) continue;
      throw new FirnError("DATA_EXAMPLES", {
        expected: `rows with text in "${text}" and a language (\`language\` or \`languageColumn\`)`,
        got: "none",
        where: path,
        next: "Name the columns of the table.",
      });
    }
  }

  /** Texts that were looked up in vectors; undefined where the embedding is none of vectors. */
  get lookUps(): ClassifierTrainer["lookUps"] | undefined {
    return this.#config.embedding.type === "vectors" ? this.#trainer.lookUps : undefined;
  }

  /**
   * Trains (or reads) the heads, and sets their thresholds by the corpus. Vectors of another program are indexed in
   * `vectorsDir`, where the model finds them.
   *
   * @throws FirnError `DATA_CLASSIFIER`, `DATA_EXAMPLES`, `DATA_VECTORS`, `DATA_VECTORS_UNKNOWN`
   */
  async finish(vectorsDir: string, work: Work): Promise<ClassifierModel> {
    const { vectors: files } = this.#files;
    const room = files?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
    const vectors =
      files && (await withDiskErrors(vectorsDir, room, () => indexVectors(files, vectorsDir, work)));
    const model = await this.#finish(vectors, work);
    const { withVector, withoutVector } = this.#trainer.lookUps;
    if (vectors !== undefined && withVector === 0 && withoutVector > 0) {
      throw new FirnError("DATA_VECTORS_UNKNOWN", {
        expected: "vectors of the texts to learn from, by the SHA-256 that source artifacts have of them",
        got: `none of ${withoutVector} texts among ${vectors.vectors} vectors`,
        where: files?.map(({ path }) => path).join(", ") ?? "",
        next: "Compute them from the Parquet files in the store's source artifacts (docs/data.md, Quality).",
      });
    }
    return model;
  }

  async #finish(vectors: VectorIndex | undefined, work: Work): Promise<ClassifierModel> {
    const { embedding: config } = this.#config;
    const file = this.#files.embedding;
    const fastText = file === undefined ? undefined : await readFastText(file.path);
    if (this.#files.model !== undefined) {
      const { path } = this.#files.model;
      const known = parseClassifier(await readFile(path, "utf8"), path);
      if (known.embedding.type === "fasttext" && known.embedding.sha256 !== file?.sha256) {
        throw new FirnError("DATA_CLASSIFIER", {
          expected: `its fastText embedding (sha256 ${known.embedding.sha256})`,
          got: file === undefined ? "none" : `sha256 ${file.sha256}`,
          where: path,
          next: "Name that model under `embedding: { type: fasttext, path: … }`.",
        });
      }
      if (known.embedding.type === "vectors") checkVectors(known.embedding, config, vectors, path);
      const model = { ...known, fastText, vectors };
      const languages = withEmbedding(model, (opened) =>
        this.#trainer.recalibrate(known.languages, opened, this.#below),
      );
      return { ...model, languages };
    }
    await this.#readExamples();
    const embedding = embeddingName(config, file?.sha256, vectors);
    const made = { embedding, fastText, vectors };
    const languages = withEmbedding(made, (opened) => this.#trainer.train(opened, this.#below, work));
    return { ...made, languages };
  }
}

function embeddingName(
  config: TrainingConfig["embedding"],
  sha256: string | undefined,
  vectors: VectorIndex | undefined,
): EmbeddingName {
  if (config.type === "hashed-ngrams") return config;
  if (config.type === "fasttext") return { type: "fasttext", sha256: sha256! };
  return { type: "vectors", madeBy: config.madeBy, dimensions: vectors!.dimensions };
}

/** What `use` makes of the opened embedding. */
function withEmbedding<T>(
  model: Pick<ClassifierModel, "embedding" | "fastText" | "vectors">,
  use: (embedding: Embedding) => T,
): T {
  const opened = openEmbedding(model);
  try {
    return use(opened);
  } finally {
    opened.close?.();
  }
}

/** A classifier of vectors judges only vectors of the same program. @throws FirnError `DATA_CLASSIFIER` */
function checkVectors(
  known: EmbeddingName & { readonly type: "vectors" },
  config: TrainingConfig["embedding"],
  vectors: VectorIndex | undefined,
  where: string,
): void {
  const given =
    config.type === "vectors"
      ? `${vectors?.dimensions ?? 0} numbers by ${config.madeBy}`
      : "another embedding";
  const expected = `${known.dimensions} numbers by ${known.madeBy}`;
  if (given === expected) return;
  throw new FirnError("DATA_CLASSIFIER", {
    expected: `vectors of ${expected}`,
    got: given,
    where,
    next: "Name such vectors under `embedding: { type: vectors, path: …, madeBy: … }`.",
  });
}

/** Labels as tables have them: true, 1, 0.7, "1", "true", "yes". */
function isTrue(value: unknown): boolean {
  if (typeof value === "number" || typeof value === "bigint") return value > 0;
  return (
    value === true || (typeof value === "string" && (Number(value) > 0 || /^(?:true|yes)$/i.test(value)))
  );
}

/** What a classifier is and does, as a fact's data; `text` is its file. */
export function classifierFact(
  { embedding, languages }: ClassifierModel,
  text: string,
  lookUps: ClassifierTrainer["lookUps"] | undefined,
): { readonly [key: string]: Json } {
  const heads = [...languages].map(([language, { threshold, sampled, report }]) => [
    language,
    { threshold, sampled, ...report },
  ]);
  return {
    classifier: {
      sha256: sha256(text),
      embedding,
      languages: Object.fromEntries(heads) as Json,
      ...(lookUps === undefined ? {} : { lookUps: { ...lookUps } }),
    },
  };
}
