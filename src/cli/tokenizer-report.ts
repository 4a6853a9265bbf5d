/** @file The fairness report on tokenizers: what the Universal Declaration of Human Rights costs in each language. */
import { formatInteger, formatPercent, formatTable } from "../core/index.ts";
import { readDeclarations } from "../data/index.ts";
import { type FairnessReport, measureFairness, type Tokenizer } from "../tokenizer/index.ts";

const BAR = 40;
const EDGE = 8;
const BINS = 12;

/** A tokenizer under the name it is shown with, and its report. */
export interface TokenizerReport {
  readonly name: string;
  readonly vocabSize: number;
  readonly report: FairnessReport;
}

/** Measures each tokenizer on the same texts. */
export async function reportTokenizers(
  tokenizers: readonly { readonly name: string; readonly tokenizer: Tokenizer }[],
): Promise<TokenizerReport[]> {
  const declarations = await readDeclarations();
  const texts = declarations.map(({ code, text }) => ({ language: code, text }));
  const complete = new Set(declarations.filter((one) => one.complete).map(({ code }) => code));
  return tokenizers.map(({ name, tokenizer }) => ({
    name,
    vocabSize: tokenizer.vocabSize,
    report: measureFairness(tokenizer, texts, complete),
  }));
}

function overview(reports: readonly TokenizerReport[]): string {
  const rows = reports.map(({ name, vocabSize, report }) => [
    name,
    formatInteger(vocabSize),
    report.bytesPerToken.toFixed(2),
    report.sameText.worstFactor.toFixed(2),
    report.sameText.gini.toFixed(3),
    report.perByte.gini.toFixed(3),
    formatPercent(report.vocabularyUse),
    `${report.languages.filter((one) => one.roundTrip).length} of ${report.languages.length}`,
    report.digitsApart ? "apart" : "together",
    formatPercent(report.splitsCharacters),
  ]);
  const heads = [
    "tokenizer",
    "tokens",
    "bytes/token",
    "worst/best",
    "Gini",
    "Gini per byte",
    "used",
    "round trip",
    "digits",
    "cut characters",
  ];
  return formatTable(heads, rows);
}

/** Languages by what the same text costs in them, in tokens relative to the median language. */
function plot({ name, report }: TokenizerReport): string[] {
  const complete = report.languages.filter((language) => language.complete);
  const costs = complete.map(({ tokens }) => tokens).sort((a, b) => a - b);
  const median = costs[costs.length >> 1] ?? 1;
  const bins = Array.from({ length: BINS }, () => 0);
  for (const cost of costs) bins[Math.min(BINS - 1, Math.floor((cost / median) * 4))]! += 1;
  const most = Math.max(1, ...bins);
  return [
    `languages by tokens for the text, ${name} (1.00 is the median language, ${formatInteger(median)} tokens)`,
    ...bins.map((count, bin) => {
      const label = `${(bin / 4).toFixed(2)}${bin === BINS - 1 ? "+" : " "}`;
      return `  ${label} ${"█".repeat(Math.ceil((count / most) * BAR)).padEnd(BAR)} ${count}`;
    }),
  ];
}

/** The languages at both ends of the first tokenizer, with all tokenizers side by side. */
function languageTable(reports: readonly TokenizerReport[], limit: number): string {
  const [first] = reports;
  const languages = first?.report.languages ?? [];
  const shown =
    languages.length <= 2 * limit ? languages : [...languages.slice(0, limit), ...languages.slice(-limit)];
  const others = reports.map(({ report }) => new Map(report.languages.map((one) => [one.language, one])));
  const heads = [
    "language",
    "bytes",
    ...reports.flatMap(({ name }) => [`${name}: bytes/token`, "tokens/character", "cut characters"]),
  ];
  const rows = shown.map(({ language, bytes }) => [
    language,
    formatInteger(bytes),
    ...others.flatMap((report) => {
      const one = report.get(language);
      if (one === undefined) return ["–", "–", "–"];
      return [
        one.bytesPerToken.toFixed(2),
        one.tokensPerCharacter.toFixed(2),
        formatPercent(one.splitsCharacters),
      ];
    }),
  ]);
  return formatTable(heads, rows);
}

/** The report as text; `limit` languages from each end. */
export function tokenizerReportLines(reports: readonly TokenizerReport[], limit = EDGE): string[] {
  return [
    `fairness on the Universal Declaration of Human Rights, ${reports[0]?.report.languages.length ?? 0} translations`,
    overview(reports),
    "worst/best and Gini: tokens for the same text, over complete translations",
    "",
    ...reports.flatMap((report) => [...plot(report), ""]),
    `the ${limit} languages with the fewest and the ${limit} with the most bytes per token`,
    languageTable(reports, limit),
  ];
}
