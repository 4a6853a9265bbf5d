/** @file An evaluation for people: tables and samples as plain text. */
import type { BitsPerByteRow, EvaluationSummary, MemorisationRow } from "../artifacts/index.ts";
import { formatInteger, formatPercent, formatTable } from "../core/index.ts";

export interface RenderOptions {
  /** Languages printed one by one. Default: 20. */
  readonly maxLanguages?: number;
}

const ratio = (value: number | null): string => (value === null ? "–" : value.toFixed(3));

function textRow(row: BitsPerByteRow): string[] {
  return [
    row.name,
    formatInteger(row.documents),
    formatInteger(row.bytes),
    ...[row.model, row.bigram, row.unigram, row.gzip, row.xz, row.brotli].map(ratio),
  ];
}

function renderText(text: NonNullable<EvaluationSummary["bitsPerByte"]>, maxLanguages: number): string {
  const header = ["", "documents", "bytes", "model", "bigram", "unigram", "gzip -9", "xz -9e", "brotli -11"];
  const shown = text.languages.slice(0, maxLanguages);
  const hidden = text.languages.length - shown.length;
  const rows = [text.all, ...text.sources, ...shown].map(textRow);
  const names = text.sources.length === 0 ? "" : ", by source";
  return [
    `Held-out text, bits per byte (less is better): all${names}, by language`,
    formatTable(header, rows),
    ...(hidden > 0 ? [`and ${formatInteger(hidden)} more languages in the records`] : []),
    "Model, bigram and unigram score each document on its own; the bigram (Kneser–Ney) and unigram count the same",
    "training tokens. gzip, xz and brotli pack all documents of a row together: their best case.",
  ].join("\n");
}

function renderLanguages(summary: NonNullable<EvaluationSummary["languageByLikelihood"]>): string {
  const weak = summary.languages.filter(({ asked, correct }) => correct < asked);
  const lines = [
    `Language of ${formatInteger(summary.lines)} unseen lines by likelihood alone, ${summary.candidates} candidates`,
    `  model ${formatPercent(summary.modelAccuracy)}, chance ${formatPercent(summary.chance)}, ` +
      `the pipeline's identifier (choosing among all its languages) ${formatPercent(summary.identifierAccuracy)}`,
  ];
  if (weak.length > 0) {
    const confused = summary.confusions
      .slice(0, 5)
      .map(({ language, predicted, lines: count }) => `${language} as ${predicted} (${count})`);
    lines.push(`  most confused: ${confused.join(", ")}`);
  }
  return lines.join("\n");
}

function renderConversations(summary: NonNullable<EvaluationSummary["conversations"]>): string {
  const rows = summary.skills.map(({ name, asked, correct }) => [
    name,
    formatInteger(asked),
    formatInteger(correct),
    formatPercent(correct / asked),
  ]);
  return [
    `Unseen conversations answered exactly: ${formatPercent(summary.correct / summary.asked)}`,
    formatTable(["skill", "asked", "correct", ""], rows),
  ].join("\n");
}

const MEMORISATION_HEADER = [
  "",
  "given",
  "repetitions",
  "read",
  "probes",
  "Rouge-L",
  "LCCS",
  "exact",
  "TTR said",
  "TTR true",
  "exposure",
];

function memorisationRow(row: MemorisationRow): string[] {
  const { kind, prefixes, prefixTokens, repetitions, timesRead, probes } = row;
  return [
    prefixes === null ? kind : `${kind}, ${prefixes} words before`,
    prefixTokens === null ? "half" : `${formatInteger(prefixTokens)} tokens`,
    formatInteger(repetitions),
    timesRead === null ? "–" : timesRead.toFixed(1),
    formatInteger(probes),
    ...[row.rougeL, row.lccs].map(ratio),
    row.exact === null ? "–" : formatPercent(row.exact),
    ...[row.ttr, row.trueTtr].map(ratio),
    row.exposure === null ? "–" : row.exposure.toFixed(2),
  ];
}

function renderMemorisation(summary: NonNullable<EvaluationSummary["memorisation"]>): string {
  const { goldfish, probes, texts, canaries } = summary;
  const rows = [...texts, ...canaries];
  const structured = rows.reduce((sum, row) => sum + row.structured, 0);
  const limit = Math.max(0, ...rows.map(({ exposureLimit }) => exposureLimit ?? 0));
  const trained =
    goldfish === null ? "trained on every label" : `goldfish loss left out one label in ${goldfish}`;
  return [
    `Memorisation of ${formatInteger(probes)} probes, by how often one pass has them and how often training read them (${trained})`,
    formatTable(MEMORISATION_HEADER, rows.map(memorisationRow)),
    "Rouge-L, LCCS (longest common run over the true length) and exact: the likeliest continuation against the true one,",
    `in tokens. Exposure: the probe's rank by likelihood among unseen texts like it, in bits; among many, 1.44 is chance. The most here: ${limit.toFixed(2)}.`,
    ...(structured === 0
      ? []
      : [`${formatInteger(structured)} continuations of structured text are not in the means.`]),
  ].join("\n");
}

/** The summary as text. Parts without records are left out. */
export function renderEvaluation(summary: EvaluationSummary, options: RenderOptions = {}): string {
  const parts: string[] = [];
  if (summary.bitsPerByte !== null) {
    parts.push(renderText(summary.bitsPerByte, options.maxLanguages ?? 20));
  }
  if (summary.languageByLikelihood !== null) parts.push(renderLanguages(summary.languageByLikelihood));
  if (summary.memorisation !== null) parts.push(renderMemorisation(summary.memorisation));
  if (summary.conversations !== null) parts.push(renderConversations(summary.conversations));
  if (summary.samples.length > 0) {
    const samples = summary.samples.map(({ prompt, text }) => `  ${prompt}│${text.replaceAll("\n", "⏎")}`);
    parts.push(["Samples", ...samples].join("\n"));
  }
  return parts.join("\n\n");
}
