/** @file Section 1 of the Public Summary of Training Content: provider, model, size and languages of the data. */
import { formatInteger, formatPercent } from "../core/index.ts";
import type { ReleaseRecord } from "./facts.ts";
import { EU_LANGUAGES, languageOf } from "./languages.ts";
import {
  declared,
  type Field,
  field,
  gap,
  plain,
  type Section,
  section,
  shown,
  stated,
  type Statement,
  TEXT_ONLY,
} from "./paper.ts";
import type { ProviderProfile } from "./provider.ts";

/** What a release says about itself. */
export interface ReleaseIdentity {
  readonly name: string;
  readonly version: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
}

/** `2026-11-23` → `23/11/26 (2026-11-23)`: the form's format and an unambiguous one. */
export function bothDates(date: string): string {
  const [year, month, day] = date.split("-");
  return `${day}/${month}/${year!.slice(2)} (${date})`;
}

function providerContact({ contact, address }: ProviderProfile): string | undefined {
  const known = [contact, address].filter((line) => line !== undefined);
  return known.length === 0 ? undefined : plain(known.join(", "));
}

/** Section 1, its three sub-sections. */
export function generalSections(
  record: ReleaseRecord,
  provider: ProviderProfile,
  release: ReleaseIdentity,
): Section[] {
  return [
    section("1.1. Provider identification", [
      field(
        "Provider name and contact details:",
        declared(plain(provider.name), "provider"),
        declared(providerContact(provider), "contact details"),
      ),
      field(
        "Authorised representative name and contact details:",
        declared(
          provider.representative && plain(provider.representative),
          "authorised representative, or that none is needed",
        ),
      ),
    ]),
    section("1.2. Model identification", [
      field("Versioned model name(s):", shown(plain(`${release.name} ${release.version}`))),
      field(
        "Model dependencies:",
        record.initialise === undefined
          ? gap("how the weights began, and whether from another model")
          : stated("None: the weights were drawn at random before training.", record.initialise),
      ),
      field(
        "Date of placement of the model on the Union market:",
        declared(provider.placementDate && bothDates(provider.placementDate), "date of placement"),
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

function latestPeriod(record: ReleaseRecord): Statement {
  const known = record.sources.filter(({ data }) => data.period !== undefined);
  if (known.length === 0 || known.length < record.sources.length) {
    return gap(`the period of ${record.sources.length - known.length} of ${record.sources.length} sources`);
  }
  const latest = known
    .map(({ data }) => data.period!.to)
    .sort()
    .at(-1)!;
  const [year, month] = latest.split("-");
  return stated(
    `${month === undefined ? year : `${month}/${year}`}. The corpus was frozen before training; the released weights are not trained further on newer data.`,
    ...known,
  );
}

function languageStatements(record: ReleaseRecord): Statement[] {
  const { training } = record;
  if (training === undefined || training.data.languages.size === 0)
    return [gap("languages of the training data")];
  const { languages, tokens } = training.data;
  const byLanguage = new Map<string, number>();
  for (const [label, { tokens: size }] of languages) {
    const language = languageOf(label);
    byLanguage.set(language, (byLanguage.get(language) ?? 0) + (size ?? 0));
  }
  const share = (size: number): string =>
    tokens === undefined || tokens === 0 ? "" : ` ${formatPercent(size / tokens)}`;
  const present = [...EU_LANGUAGES].filter(([code]) => (byLanguage.get(code) ?? 0) > 0);
  const absent = [...EU_LANGUAGES].filter(([code]) => (byLanguage.get(code) ?? 0) === 0);
  const largest = [...byLanguage].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 20);
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

function size(record: ReleaseRecord): Field[] {
  const { training, sources, tokenizer } = record;
  const tokens = training?.data.tokens;
  const exact = training?.data;
  return [
    field("Modality:", training === undefined ? gap("training data") : stated(TEXT_ONLY, training)),
    field(
      "Training data size:",
      tokens === undefined || training === undefined
        ? gap("size of the training data in tokens")
        : stated(
            `${sizeRange(tokens)}. Exactly ${formatInteger(tokens)} tokens, ${exact?.bytes === undefined ? "bytes not recorded" : `${formatInteger(exact.bytes)} bytes of UTF-8`}, ${exact?.documents === undefined ? "documents not recorded" : `${formatInteger(exact.documents)} documents`}; unique content after processing, repetitions in training not counted.`,
            training,
          ),
    ),
    field(
      "Types of content:",
      sources.length === 0
        ? gap("sources")
        : stated(
            `As declared for the sources: ${sources.map(({ data }) => plain(data.title ?? data.id)).join("; ")}.`,
            ...sources,
          ),
    ),
    field("Latest date of data acquisition/collection for model training:", latestPeriod(record)),
    field(
      "Description of the linguistic characteristics of the overall training data:",
      ...languageStatements(record),
    ),
    field(
      "Other relevant characteristics of the overall training data:",
      gap("national, regional or demographic characteristics"),
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
