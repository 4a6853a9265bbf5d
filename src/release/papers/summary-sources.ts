/**
 * @file Section 2 of the Public Summary of Training Content: where the data comes from, kind by kind. "No" is
 * printed only where the record is complete enough to know.
 */
import { formatBytes, formatInteger } from "../../core/index.ts";
import { listedDatasets, otherDatasets, sourcesOf } from "./dataset-list.ts";
import type { Recorded, ReleaseRecord, SourceFact } from "./facts.ts";
import {
  field,
  type Field,
  gap,
  type Section,
  section,
  shown,
  stated,
  type Statement,
  TEXT_ONLY,
  yesNo,
} from "./paper.ts";
import { monthYear, said } from "./said.ts";

const COMMENTS = "Additional comments (optional):";
const MODALITIES = "If yes, specify the modality(ies) of the content covered by the datasets concerned:";

const notApplicable = (why: string, ...facts: Recorded<unknown>[]): Statement =>
  stated(`Not applicable: ${why}`, ...facts);

/**
 * Whether everything that training saw is on record: every counted source, and the conversations of a fine-tuning
 * run. Only then does the absence of a kind of source mean "No".
 */
export function recordIsComplete(record: ReleaseRecord): boolean {
  const counted = record.training?.data.sources;
  if (counted === undefined || counted.size === 0) return false;
  const known = new Map(record.sources.map(({ data }) => [data.id, data.category]));
  if (![...counted.keys()].every((id) => known.get(id) !== undefined)) return false;
  return record.finetune === undefined || record.conversations?.data.madeBy !== undefined;
}

/** The yes/no question whether sources of `categories` were used. */
function anyOf(record: ReleaseRecord, categories: readonly string[], what: string): Statement {
  const found = sourcesOf(record, categories);
  if (found.length > 0)
    return yesNo(true, stated(`${formatInteger(found.length)} of the recorded sources.`, ...found));
  if (recordIsComplete(record)) {
    return yesNo(
      false,
      stated(
        `None of the ${formatInteger(record.sources.length)} recorded sources is of this kind; every training document belongs to one of them.`,
        ...record.sources,
      ),
    );
  }
  return yesNo(undefined, gap(what));
}

/** The version of a copy: its revision, or the checksum of its content. */
function versionText({ revision, contentHash }: SourceFact): string {
  if (revision !== undefined) return `, revision ${revision}`;
  return contentHash === undefined ? "" : `, content SHA-256 ${contentHash}`;
}

/** The licence, or why it is not known. */
function licenceText({ licence, licenceUnknownBecause }: SourceFact): string {
  if (licenceUnknownBecause !== undefined) return `, licence not known (${licenceUnknownBecause})`;
  return licence === undefined ? "" : `, licence ${licence}`;
}

/** Data sets in a sentence each, followed by what nobody recorded about them. */
export function describeSources(sources: readonly Recorded<SourceFact>[]): Statement[] {
  return sources.flatMap((source) => {
    const { title, id, licence, revision, contentHash } = source.data;
    const missing: readonly (readonly [string, boolean])[] = [
      ["version", revision === undefined && contentHash === undefined],
      ["licence", licence === undefined],
    ];
    return [
      describeSource(source),
      ...missing.flatMap(([what, open]) => (open ? [gap(`${what} of ${title ?? id}`, "person")] : [])),
    ];
  });
}

/** One data set in a sentence: name, address, version, rights, period. */
export function describeSource({ data, fact }: Recorded<SourceFact>): Statement {
  const rights = data.contentRights === undefined ? "" : `; rights in the content: ${data.contentRights}`;
  const collected =
    data.period === undefined
      ? "dates of collection not known"
      : `content from ${monthYear(data.period.from)} to ${monthYear(data.period.to)}`;
  const fetched =
    data.acquired === undefined
      ? ""
      : `; compiled or fetched from ${monthYear(data.acquired.from)} to ${monthYear(data.acquired.to)}`;
  return stated(
    `${data.title ?? data.id}${data.url === undefined ? "" : `: ${data.url}`}${versionText(data)}${licenceText(data)}${rights}; ${collected}${fetched}.`,
    fact,
  );
}

/** Answers that apply only where sources of the kind exist. */
function details(
  record: ReleaseRecord,
  categories: readonly string[],
  answers: () => Statement[],
): Statement[] {
  if (sourcesOf(record, categories).length > 0) return answers();
  if (recordIsComplete(record)) return [notApplicable("no such source.", ...record.sources)];
  return [gap("whether such sources exist")];
}

function selection(record: ReleaseRecord): Statement[] {
  const steps = record.steps.filter(({ data }) => data.reasons.size > 0);
  if (steps.length === 0) return [];
  return [
    stated(
      `Only part of the listed data was used: documents were left out by these steps of the data pipeline: ${[...new Set(steps.map(({ data }) => data.step))].join(", ")}.`,
      ...steps,
    ),
  ];
}

/** What a reader finds in `domains.csv`. */
export function domainStatement({ domains }: ReleaseRecord): Statement | undefined {
  if (domains === undefined || domains.data.domains === 0) return undefined;
  const { domains: total, listed, rule, publicSuffixList, sha256 } = domains.data;
  return stated(
    `The documents with a web address come from ${formatInteger(total)} registrable ${total === 1 ? "domain" : "domains"} (${publicSuffixList}). domains.csv (SHA-256 ${sha256}) lists ${formatInteger(listed)} of them by the size of the retained text: ${rule}. Whoever asks is told about any other domain.`,
    domains,
  );
}

function publicDatasets(record: ReleaseRecord): Section {
  const kind = ["public-dataset"];
  const when = (answers: () => Statement[]): Statement[] => details(record, kind, answers);
  const domains = domainStatement(record);
  return section("2.1. Publicly available datasets", [
    field(
      "Have you used publicly available datasets to train the model?",
      anyOf(record, kind, "whether public datasets were used"),
    ),
    field(MODALITIES, ...when(() => [stated(TEXT_ONLY, ...sourcesOf(record, kind))])),
    field(
      "List of large publicly available datasets:",
      ...when(() => {
        const large = listedDatasets(record);
        return large === undefined
          ? [gap("sizes of the datasets after processing")]
          : [...describeSources(large), ...selection(record)];
      }),
    ),
    field(
      "General description of other publicly available datasets not listed above:",
      ...when(() => {
        const rest = otherDatasets(record);
        if (rest === undefined) return [gap("sizes of the datasets after processing")];
        return rest.length === 0
          ? [notApplicable("all are listed above.", ...sourcesOf(record, kind))]
          : describeSources(rest);
      }),
    ),
    field(
      COMMENTS,
      ...when(() => [...datasetSizes(record, kind), ...(domains === undefined ? [] : [domains])]),
    ),
  ]);
}

function datasetSizes(record: ReleaseRecord, categories: readonly string[]): Statement[] {
  const { training } = record;
  if (training === undefined) return [gap("sizes of the datasets after processing")];
  return sourcesOf(record, categories).map((source) => {
    const title = source.data.title ?? source.data.id;
    const counted = training.data.sources.get(source.data.id);
    if (counted === undefined)
      return stated(`${title} after processing: no training document is left.`, training, source);
    if (counted.tokens === undefined) return gap(`size of ${title} after processing`);
    return stated(
      `${title} after processing: ${formatInteger(counted.tokens)} tokens in ${counted.documents === undefined ? "a number not recorded of" : formatInteger(counted.documents)} documents.`,
      training,
      source,
    );
  });
}

/** A sub-section that lists its sources under each of `follow`, after the ticked modalities. */
function listing(
  record: ReleaseRecord,
  heading: string,
  categories: readonly string[],
  question: string,
  follow: readonly string[],
): Section {
  const when = (answers: () => Statement[]): Statement[] => details(record, categories, answers);
  return section(heading, [
    field(question, anyOf(record, categories, heading)),
    field(MODALITIES, ...when(() => [stated(TEXT_ONLY, ...sourcesOf(record, categories))])),
    ...follow.map((label) => field(label, ...when(() => describeSources(sourcesOf(record, categories))))),
    field(COMMENTS, ...when(() => datasetSizes(record, categories))),
  ]);
}

function privateDatasets(record: ReleaseRecord): Section {
  return section(
    "2.2 Private non-publicly available datasets obtained from third parties",
    [],
    [
      section("2.2.1. Datasets commercially licensed by rightsholders or their representatives", [
        field(
          "Have you concluded transactional commercial licensing agreement(s) with rightsholder(s) or with their representatives?",
          anyOf(record, ["licensed"], "whether there are commercial licences"),
        ),
        field(
          MODALITIES,
          ...details(record, ["licensed"], () => [stated(TEXT_ONLY, ...sourcesOf(record, ["licensed"]))]),
        ),
        field(COMMENTS, ...details(record, ["licensed"], () => datasetSizes(record, ["licensed"]))),
      ]),
      listing(
        record,
        "2.2.2. Private datasets obtained from other third parties",
        ["private-third-party"],
        "Have you obtained private datasets from third parties that are not licensed as described in Section 2.2.1, such as data obtained from providers of private databases, or data intermediaries?",
        [
          "If publicly known, list private datasets obtained from other third parties:",
          "General description of non-publicly known private datasets obtained from third parties:",
        ],
      ),
    ],
  );
}

function crawledDomains(record: ReleaseRecord): Statement[] {
  const line = domainStatement(record);
  if (line === undefined || record.domains === undefined) return [gap("domains of the crawled documents")];
  const largest = record.domains.data.largest.map(({ domain, bytes }) => `${domain} (${formatBytes(bytes)})`);
  return [line, stated(`The largest: ${largest.join(", ")}.`, record.domains)];
}

function crawled(record: ReleaseRecord): Section {
  const kind = ["crawled"];
  const crawler = record.provider?.data.crawler;
  const when = (text: string | undefined, what: string): Statement[] =>
    details(record, kind, () => [said(record, text, what)]);
  const label = (text: string, answer: Statement[]): Field => field(text, ...answer);
  return section("2.3 Data crawled and scraped from online sources", [
    field(
      "Were crawlers used by the provider or on behalf of?",
      anyOf(record, kind, "whether crawlers were used"),
    ),
    label("If yes, specify crawler name(s)/identifier(s):", when(crawler?.names, "names of the crawlers")),
    label("Purposes of the crawler(s):", when(crawler?.purposes, "purposes of the crawlers")),
    label("General description of crawler behaviour:", when(crawler?.behaviour, "how the crawlers behave")),
    label(
      "Period of data collection:",
      when(crawler && `From ${monthYear(crawler.from)} to ${monthYear(crawler.to)}`, "period of collection"),
    ),
    label(
      "Comprehensive description of the type of content and online sources crawled:",
      when(crawler?.content, "what was crawled"),
    ),
    field(
      "Type of modality covered:",
      ...details(record, kind, () => [stated(TEXT_ONLY, ...sourcesOf(record, kind))]),
    ),
    field(
      "Summary of the most relevant domain names crawled:",
      ...details(record, kind, () => crawledDomains(record)),
    ),
    field(COMMENTS, ...details(record, kind, () => datasetSizes(record, kind))),
  ]);
}

function userData(record: ReleaseRecord): Section {
  const { userInteractions, otherServices } = record.provider?.data ?? {};
  const kind = ["user-data"];
  const answer = (declared: boolean | undefined, what: string): Statement =>
    declared === undefined ? anyOf(record, kind, what) : yesNo(declared, said(record, "As declared.", what));
  const follow = (): Statement[] => {
    const sources = sourcesOf(record, kind);
    if (sources.length > 0) return describeSources(sources);
    if (userInteractions === true || otherServices === true)
      return [gap("the services and their data", "person")];
    return details(record, kind, () => []);
  };
  return section("2.4 User data", [
    field(
      "Was data from user interactions with the AI model (e.g. user input and prompts) used to train the model?",
      answer(userInteractions, "use of interactions with the model"),
    ),
    field(
      "Was data collected from user interactions with the provider’s other services or products used to train the model?",
      answer(otherServices, "use of data from other services"),
    ),
    field(
      "If yes, provide a general description of the provider’s services or products that were used to collect the user data:",
      ...follow(),
    ),
    field(MODALITIES, ...details(record, kind, () => [stated(TEXT_ONLY, ...sourcesOf(record, kind))])),
    field(COMMENTS, ...details(record, kind, () => datasetSizes(record, kind))),
  ]);
}

/** Conversations by rules and templates are neither a data set nor a model's output. */
function ownConversations({ conversations }: ReleaseRecord): Statement[] {
  if (conversations === undefined || isModelMade(conversations.data.madeBy)) return [];
  const { train, licence, madeBy, skills } = conversations.data;
  const how = madeBy === undefined ? "in a way not recorded" : `from ${madeBy}`;
  const number = train === undefined ? "A number not recorded of" : formatInteger(train);
  const names = [...skills.keys()].join(", ");
  return [
    stated(
      `${number} short conversations for fine-tuning, made by the provider ${how}${names === "" ? "" : ` (${names})`}; licence ${licence ?? "not recorded"}.`,
      conversations,
    ),
  ];
}

/** Whether a model wrote the conversations: rules and templates are none. */
export const isModelMade = (madeBy: string | undefined): boolean =>
  madeBy !== undefined && madeBy !== "templates";

const SYNTHETIC_QUESTION =
  "Was synthetic AI-generated data created by the provider or on their behalf to train the model?";
const SYNTHETIC_FOLLOW = [
  "If yes, modality of the synthetic data:",
  "If yes, specify the general-purpose AI model(s) used to generate the synthetic data if available on the market:",
  "Information about other AI models, including provider’s own AI model(s) not available on the market, used to generate synthetic data to train the model to which this Summary applies:",
] as const;

/** The answers to 2.5: whether, and what is known about the models. */
function syntheticAnswers(record: ReleaseRecord): {
  whether: Statement;
  modality: Statement;
  models: Statement;
} {
  const { conversations } = record;
  const sources = sourcesOf(record, ["synthetic"]);
  const declared = record.provider?.data.syntheticData;
  if (conversations !== undefined && isModelMade(conversations.data.madeBy)) {
    const made = stated(`Conversations made by ${conversations.data.madeBy!}.`, conversations);
    return { whether: yesNo(true, made), modality: stated(TEXT_ONLY, conversations), models: made };
  }
  if (sources.length > 0) {
    return {
      whether: anyOf(record, ["synthetic"], ""),
      modality: stated(TEXT_ONLY, ...sources),
      models: stated(sources.map((source) => describeSource(source).text).join(" "), ...sources),
    };
  }
  const open =
    declared === true
      ? gap("the models that made the synthetic data", "person")
      : gap("whether such data exists");
  if (declared !== undefined) {
    const none = said(record, "Not applicable: no synthetic data, as declared.", "");
    const follow = declared ? open : none;
    return { whether: yesNo(declared, said(record, "As declared.", "")), modality: follow, models: follow };
  }
  const follow = recordIsComplete(record) ? notApplicable("no such source.", ...record.sources) : open;
  return { whether: anyOf(record, ["synthetic"], "use of synthetic data"), modality: follow, models: follow };
}

function synthetic(record: ReleaseRecord): Section {
  const { whether, modality, models } = syntheticAnswers(record);
  return section("2.5 Synthetic data", [
    field(SYNTHETIC_QUESTION, whether),
    field(SYNTHETIC_FOLLOW[0], modality),
    field(SYNTHETIC_FOLLOW[1], models),
    field(SYNTHETIC_FOLLOW[2], models),
    field(
      COMMENTS,
      shown("Models that only scored, filtered or tagged text made no training data and are not meant here."),
    ),
  ]);
}

/** Section 2, its six sub-sections. */
export function sourceSections(record: ReleaseRecord): Section[] {
  const otherData = record.provider?.data.otherData;
  const other: Statement[] = [
    ...ownConversations(record),
    ...describeSources(sourcesOf(record, ["other"])),
    ...(otherData === undefined ? [] : [said(record, otherData, "")]),
  ];
  return [
    publicDatasets(record),
    privateDatasets(record),
    crawled(record),
    userData(record),
    synthetic(record),
    section("2.6 Other sources of data", [
      field(
        "Have data sources other than those described in Sections 2.1 to 2.5 been used to train the model?",
        other.length > 0
          ? yesNo(true, { ...other[0]!, text: "Described below." })
          : anyOf(record, ["other"], "use of other sources"),
      ),
      field(
        "If yes, provide a narrative description of these data sources and the data:",
        ...(other.length > 0 ? other : details(record, ["other"], () => [])),
      ),
      field(COMMENTS, ...details(record, ["other"], () => datasetSizes(record, ["other"]))),
    ]),
  ];
}
