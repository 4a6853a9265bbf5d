/** @file What evaluation records add up to. Everything here follows from the records and from nothing else. */
import { groupBy } from "../core/index.ts";
import type {
  ConversationScoreRecord,
  EvaluationRecord,
  HeldOutTextRecord,
  LanguageByLikelihoodRecord,
} from "./evaluations.ts";
import { type MemorisationSummary, summariseMemorisation } from "./memorisation-summary.ts";

/** Held-out text in bits per UTF-8 byte; compressors are null where the records hold no such archive. */
export interface BitsPerByteRow {
  /** Language, source, or `all`. */
  readonly name: string;
  readonly documents: number;
  readonly bytes: number;
  readonly tokens: number;
  readonly model: number;
  readonly unigram: number;
  readonly bigram: number;
  readonly gzip: number | null;
  readonly xz: number | null;
  readonly brotli: number | null;
}

export interface Accuracy {
  /** Language or skill. */
  readonly name: string;
  readonly asked: number;
  readonly correct: number;
}

export interface LanguageByLikelihoodSummary {
  readonly lines: number;
  readonly candidates: number;
  /** Accuracy of a guess: one over the number of candidates. */
  readonly chance: number;
  readonly modelAccuracy: number;
  /** The data pipeline's identifier on the same lines; it chooses among all its languages. */
  readonly identifierAccuracy: number;
  readonly languages: readonly (Accuracy & { readonly identifierCorrect: number })[];
  /** What the model confuses most, most frequent first. */
  readonly confusions: readonly {
    readonly language: string;
    readonly predicted: string;
    readonly lines: number;
  }[];
}

export interface SampleSummary {
  readonly example: string;
  readonly language: string;
  readonly prompt: string;
  readonly text: string;
}

export interface EvaluationSummary {
  readonly bitsPerByte: {
    readonly all: BitsPerByteRow;
    /** Ordered by bytes, most first. */
    readonly languages: readonly BitsPerByteRow[];
    readonly sources: readonly BitsPerByteRow[];
  } | null;
  readonly languageByLikelihood: LanguageByLikelihoodSummary | null;
  readonly conversations: {
    readonly asked: number;
    readonly correct: number;
    readonly skills: readonly Accuracy[];
    readonly languages: readonly Accuracy[];
  } | null;
  /** Null where the corpus has no probes. */
  readonly memorisation: MemorisationSummary | null;
  readonly samples: readonly SampleSummary[];
}

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

type Packed = Pick<BitsPerByteRow, "gzip" | "xz" | "brotli">;

const NOT_PACKED: Packed = { gzip: null, xz: null, brotli: null };

function bitsPerByteRow(name: string, records: readonly HeldOutTextRecord[], packed: Packed): BitsPerByteRow {
  const bytes = sum(records, (record) => record.bytes);
  const per = (value: (record: HeldOutTextRecord) => number): number =>
    bytes === 0 ? 0 : sum(records, value) / bytes;
  return {
    name,
    documents: records.length,
    bytes,
    tokens: sum(records, (record) => record.tokens),
    model: per((record) => record.modelBits),
    unigram: per((record) => record.unigramBits),
    bigram: per((record) => record.bigramBits),
    ...packed,
  };
}

function summariseText(records: readonly EvaluationRecord[]): EvaluationSummary["bitsPerByte"] {
  const texts = records.filter((record) => record.task === "bits-per-byte");
  if (texts.length === 0) return null;
  const packed = new Map<string, Packed>();
  for (const record of records) {
    if (record.task !== "compression" || record.bytes === 0) continue;
    const per = (size: number): number => (8 * size) / record.bytes;
    packed.set(record.example, { gzip: per(record.gzip), xz: per(record.xz), brotli: per(record.brotli) });
  }
  const languages = [...groupBy(texts, (record) => record.language)].map(([name, group]) =>
    bitsPerByteRow(name, group, packed.get(name) ?? NOT_PACKED),
  );
  const sources = [...groupBy(texts, (record) => record.source)].map(([name, group]) =>
    bitsPerByteRow(name, group, NOT_PACKED),
  );
  const most = (a: BitsPerByteRow, b: BitsPerByteRow): number => b.bytes - a.bytes || byName(a, b);
  return {
    all: bitsPerByteRow("all", texts, packed.get("all") ?? NOT_PACKED),
    languages: languages.sort(most),
    sources: sources.sort(most),
  };
}

function summariseLanguages(
  records: readonly LanguageByLikelihoodRecord[],
): EvaluationSummary["languageByLikelihood"] {
  if (records.length === 0) return null;
  const right = (group: typeof records): number =>
    group.filter((record) => record.predicted === record.language).length;
  const identified = (group: typeof records): number =>
    group.filter((record) => record.identified === record.language).length;
  const candidates = Object.keys(records[0]!.logprobs).length;
  const wrong = records.filter((record) => record.predicted !== record.language);
  const confusions = [...groupBy(wrong, (record) => `${record.language} ${record.predicted}`).values()]
    .map((group) => ({ language: group[0]!.language, predicted: group[0]!.predicted, lines: group.length }))
    .sort((a, b) => b.lines - a.lines || (a.language + a.predicted < b.language + b.predicted ? -1 : 1));
  return {
    lines: records.length,
    candidates,
    chance: 1 / candidates,
    modelAccuracy: right(records) / records.length,
    identifierAccuracy: identified(records) / records.length,
    languages: [...groupBy(records, (record) => record.language)]
      .map(([name, group]) => ({
        name,
        asked: group.length,
        correct: right(group),
        identifierCorrect: identified(group),
      }))
      .sort(byName),
    confusions,
  };
}

function summariseConversations(
  records: readonly ConversationScoreRecord[],
): EvaluationSummary["conversations"] {
  if (records.length === 0) return null;
  const correct = (group: typeof records): number => group.filter((record) => record.correct).length;
  const accuracies = (key: (record: ConversationScoreRecord) => string): Accuracy[] =>
    [...groupBy(records, key)]
      .map(([name, group]) => ({ name, asked: group.length, correct: correct(group) }))
      .sort(byName);
  return {
    asked: records.length,
    correct: correct(records),
    skills: accuracies((record) => record.skill),
    languages: accuracies((record) => record.language),
  };
}

/** The summary of any set of records; parts without records are null or empty. */
export function summariseEvaluation(records: readonly EvaluationRecord[]): EvaluationSummary {
  return {
    bitsPerByte: summariseText(records),
    languageByLikelihood: summariseLanguages(
      records.filter((record) => record.task === "language-by-likelihood"),
    ),
    conversations: summariseConversations(records.filter((record) => record.task === "conversations")),
    memorisation: summariseMemorisation(records.filter((record) => record.task === "memorisation")),
    samples: records
      .filter((record) => record.task === "samples")
      .map(({ example, language, prompt, text }) => ({ example, language, prompt, text })),
  };
}
