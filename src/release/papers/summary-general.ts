/** @file Section 1 of the Public Summary of Training Content: provider, model, size and languages of the data. */
import { formatInteger, formatPercent } from "../../core/index.ts";
import type { ReleaseRecord } from "./facts.ts";
import { EU_LANGUAGES, languageOf } from "./languages.ts";
import {
  type Field,
  field,
  gap,
  type ReleaseIdentity,
  type Section,
  section,
  shown,
  stated,
  type Statement,
  TEXT_ONLY,
} from "./paper.ts";
import { bothDates, contactLine, monthYear, said } from "./said.ts";

function representative(record: ReleaseRecord): Statement {
  const { representative: named, inUnion } = record.provider?.data ?? {};
  const text =
    named ?? (inUnion === true ? "Not applicable: the provider is established in the Union." : undefined);
  return said(record, text, "authorised representative, or that none is needed");
}

/** What the weights were before training. */
export function dependencies(record: ReleaseRecord): Statement {
  const declared = record.provider?.data.dependencies;
  if (declared !== undefined) return said(record, declared, "");
  const { startFrom } = record;
  if (startFrom !== undefined) {
    return gap(
      `the name of the model whose weights (SHA-256 ${startFrom.data.sha256.join(", ")}) training went on from, and a link to its summary`,
      "person",
    );
  }
  return record.initialise === undefined
    ? gap("how the weights began, and whether from another model")
    : stated("None: the weights were drawn at random before training.", record.initialise);
}

/** Section 1, its three sub-sections. */
export function generalSections(record: ReleaseRecord, release: ReleaseIdentity): Section[] {
  const profile = record.provider?.data;
  return [
    section("1.1. Provider identification", [
      field(
        "Provider name and contact details:",
        said(record, profile?.name, "provider"),
        said(record, contactLine(record), "contact details"),
      ),
      field("Authorised representative name and contact details:", representative(record)),
    ]),
    section("1.2. Model identification", [
      field(
        "Versioned model name(s):",
        shown(
          `${release.name} ${release.version}; its model card is README.md of the release.`,
          record.model,
        ),
      ),
      field("Model dependencies:", dependencies(record)),
      field(
        "Date of placement of the model on the Union market:",
        said(record, profile?.placementDate && bothDates(profile.placementDate), "date of placement"),
      ),
    ]),
    section("1.3 Modalities, overall training data size and other characteristics", size(record)),
  ];
}

function sizeRange(tokens: number): string {
  const ranges: [string, boolean][] = [
    ["Less than 1 billion tokens", tokens < 1e9],
    ["1 billion to 10 trillions tokens", tokens >= 1e9 && tokens <= 1e13],
    ["More than 10 trillions tokens", tokens > 1e13],
  ];
  return ranges.map(([label, ticked]) => `${ticked ? "☒" : "☐"} ${label}`).join(" · ");
}

/** The newest month in which a source was compiled or fetched; where that is not on record, its content's last. */
function latestPeriod(record: ReleaseRecord): Statement {
  const ends = record.sources.flatMap((source) => (source.data.acquired ?? source.data.period)?.to ?? []);
  if (ends.length === 0 || ends.length < record.sources.length) {
    return gap(
      `the period of ${record.sources.length - ends.length} of ${record.sources.length} sources`,
      "person",
    );
  }
  return stated(`${monthYear(ends.sort().at(-1)!)}.`, ...record.sources);
}

/** The form asks whether training goes on after the latest date; a corpus frozen before training says no. */
function continuous(record: ReleaseRecord): Statement {
  const declared = record.provider?.data.continuousTraining;
  if (declared === true) return said(record, "The model is continuously trained on newer data.", "");
  if (record.freeze.length > 0) {
    return stated(
      "The model is not continuously trained: the corpus was frozen before training, and the released weights do not learn from data after this date.",
      ...record.freeze,
    );
  }
  return said(
    record,
    declared === false
      ? "The model is not continuously trained on data collected after this date."
      : undefined,
    "whether the model is continuously trained on newer data",
  );
}

/** Tokens per language (ISO 639-3), largest first. */
export function languageTokens(record: ReleaseRecord): [string, number][] {
  const byLanguage = new Map<string, number>();
  for (const [label, { tokens: size }] of record.training?.data.languages ?? []) {
    const language = languageOf(label);
    byLanguage.set(language, (byLanguage.get(language) ?? 0) + (size ?? 0));
  }
  return [...byLanguage].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** Languages of the training data, those of the Union named one by one. */
export function languageStatements(record: ReleaseRecord): Statement[] {
  const { training } = record;
  if (training === undefined || training.data.languages.size === 0)
    return [gap("languages of the training data")];
  const { tokens } = training.data;
  const languages = languageTokens(record);
  const byLanguage = new Map(languages);
  const share = (size: number): string =>
    tokens === undefined || tokens === 0 ? "" : ` ${formatPercent(size / tokens)}`;
  const present = [...EU_LANGUAGES].filter(([code]) => (byLanguage.get(code) ?? 0) > 0);
  const absent = [...EU_LANGUAGES].filter(([code]) => (byLanguage.get(code) ?? 0) === 0);
  const largest = languages.slice(0, 20);
  return [
    stated(
      `${formatInteger(byLanguage.size)} languages; by share of tokens: ${largest.map(([code, size]) => `${code}${share(size)}`).join(", ")}${byLanguage.size > 20 ? ", others less" : ""}.`,
      training,
    ),
    stated(
      `Official languages of the European Union: ${present.length === 0 ? "none recorded" : present.map(([code, { name }]) => `${name}${share(byLanguage.get(code)!)}`).join(", ")}.`,
      training,
    ),
    ...(absent.length === 0
      ? []
      : [
          stated(
            `Official languages of the European Union without recorded training data: ${absent.map(([, { name }]) => name).join(", ")}.`,
            training,
          ),
        ]),
  ];
}

function trainingSize(record: ReleaseRecord): Statement {
  const { training } = record;
  const tokens = training?.data.tokens;
  if (tokens === undefined || training === undefined) return gap("size of the training data in tokens");
  const { bytes, documents } = training.data;
  const { finetuneData } = record;
  return stated(
    `${sizeRange(tokens + (finetuneData?.data.tokens ?? 0))}. Exactly ${formatInteger(tokens)} tokens, ${bytes === undefined ? "bytes not recorded" : `${formatInteger(bytes)} bytes of UTF-8`}, ${documents === undefined ? "documents not recorded" : `${formatInteger(documents)} documents`}; unique content after processing, repetitions in training not counted.`,
    training,
    ...(finetuneData === undefined ? [] : [finetuneData]),
  );
}

/** Fine-tuning's data comes on top of the documents. */
function conversationSize(record: ReleaseRecord): Statement[] {
  const { conversations, finetune, finetuneData } = record;
  if (conversations === undefined && finetune === undefined) return [];
  const { tokens, conversations: number } = finetuneData?.data ?? {};
  if (finetuneData === undefined || tokens === undefined || number === undefined)
    return [gap("size of the conversations for fine-tuning in tokens")];
  return [
    stated(
      `Besides, ${formatInteger(number)} conversations for fine-tuning: ${formatInteger(tokens)} tokens, counted in the range.`,
      finetuneData,
    ),
  ];
}

function size(record: ReleaseRecord): Field[] {
  const { training, tokenizer } = record;
  const profile = record.provider?.data;
  return [
    field("Modality:", training === undefined ? gap("training data") : stated(TEXT_ONLY, training)),
    field("Training data size:", trainingSize(record), ...conversationSize(record)),
    field(
      "Types of content:",
      said(
        record,
        profile?.contentTypes && `Text: ${profile.contentTypes.join(", ")}.`,
        "categories of content, such as press publications or source code",
      ),
    ),
    field(
      "Latest date of data acquisition/collection for model training:",
      latestPeriod(record),
      continuous(record),
    ),
    field(
      "Description of the linguistic characteristics of the overall training data:",
      ...languageStatements(record),
    ),
    field(
      "Other relevant characteristics of the overall training data:",
      said(record, profile?.demographics, "national, regional or demographic characteristics"),
    ),
    field(
      "Additional comments (optional):",
      tokenizer?.data.sha256 === undefined
        ? gap("tokenizer that the sizes were counted with")
        : stated(
            `Sizes were counted with the model's own tokenizer (SHA-256 ${tokenizer.data.sha256}${tokenizer.data.vocabSize === undefined ? "" : `, ${formatInteger(tokenizer.data.vocabSize)} tokens`}).`,
            tokenizer,
          ),
    ),
  ];
}
