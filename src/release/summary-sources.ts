/**
 * @file Section 2 of the Public Summary of Training Content: where the data comes from, kind by kind. "No" is
 * printed only where the record is complete enough to know.
 */
import { formatInteger } from "../core/index.ts";
import { listedDatasets, otherDatasets, sourcesOf } from "./dataset-list.ts";
import type { Recorded, ReleaseRecord, SourceFact } from "./facts.ts";
import {
  declared,
  field,
  gap,
  plain,
  type Section,
  section,
  stated,
  type Statement,
  TEXT_ONLY,
  yesNo,
} from "./paper.ts";
import type { ProviderProfile } from "./provider.ts";

const NOT_APPLICABLE = (why: string, ...facts: Recorded<unknown>[]): Statement =>
  stated(`Not applicable: ${why}`, ...facts);

/**
 * Whether everything that training saw is on record: every counted source, and the conversations of a fine-tuning
 * run. Only then does the absence of a kind of source mean "No".
 */
function recordIsComplete(record: ReleaseRecord): boolean {
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

const describeSource = ({ data, fact }: Recorded<SourceFact>): Statement => {
  const rights =
    data.contentRights === undefined ? "" : `; rights in the content: ${plain(data.contentRights)}`;
  const collected =
    data.period === undefined ? "period not known" : `${data.period.from} to ${data.period.to}`;
  return stated(
    `${plain(data.title ?? data.id)}: ${data.url === undefined ? "no address recorded" : `<${data.url}>`}, revision ${plain(data.revision ?? "not recorded")}, licence ${plain(data.licence ?? "not recorded")}${rights}, ${collected}.`,
    fact,
  );
};

/** Answers that apply only where sources of the kind exist. */
function details(
  record: ReleaseRecord,
  categories: readonly string[],
  answers: () => Statement[],
): Statement[] {
  if (sourcesOf(record, categories).length > 0) return answers();
  if (recordIsComplete(record)) return [NOT_APPLICABLE("no such source.", ...record.sources)];
  return [gap("whether such sources exist")];
}

function publicDatasets(record: ReleaseRecord): Section {
  const kind = ["public-dataset"];
  const when = (answers: () => Statement[]): Statement[] => details(record, kind, answers);
  return section("2.1. Publicly available datasets", [
    field(
      "Have you used publicly available datasets to train the model?",
      anyOf(record, kind, "whether public datasets were used"),
    ),
    field(
      "If yes, specify the modality(ies) of the content covered by the datasets concerned:",
      ...when(() => [stated(TEXT_ONLY, ...sourcesOf(record, kind))]),
    ),
    field(
      "List of large publicly available datasets:",
      ...when(() => {
        const large = listedDatasets(record);
        return large === undefined
          ? [gap("sizes of the datasets after processing")]
          : large.map(describeSource);
      }),
    ),
    field(
      "General description of other publicly available datasets not listed above:",
      ...when(() => {
        const rest = otherDatasets(record);
        if (rest === undefined) return [gap("sizes of the datasets after processing")];
        return rest.length === 0 ? [NOT_APPLICABLE("all are listed above.")] : rest.map(describeSource);
      }),
    ),
    field("Additional comments (optional):", ...when(() => datasetSizes(record))),
  ]);
}

function datasetSizes(record: ReleaseRecord): Statement[] {
  const { training } = record;
  if (training === undefined) return [gap("sizes of the datasets after processing")];
  return sourcesOf(record, ["public-dataset"]).map((source) => {
    const counted = training.data.sources.get(source.data.id);
    const title = plain(source.data.title ?? source.data.id);
    if (counted?.tokens === undefined) return gap(`size of ${title} after processing`);
    return stated(
      `${title} after processing: ${formatInteger(counted.tokens)} tokens in ${counted.documents === undefined ? "a number not recorded of" : formatInteger(counted.documents)} documents.`,
      training,
      source,
    );
  });
}

/** A sub-section that only lists its sources. */
function listing(
  record: ReleaseRecord,
  heading: string,
  categories: readonly string[],
  question: string,
  follow: readonly string[],
): Section {
  return section(heading, [
    field(question, anyOf(record, categories, heading)),
    ...follow.map((label) =>
      field(label, ...details(record, categories, () => sourcesOf(record, categories).map(describeSource))),
    ),
  ]);
}

function privateDatasets(record: ReleaseRecord): Section {
  return section(
    "2.2 Private non-publicly available datasets obtained from third parties",
    [],
    [
      listing(
        record,
        "2.2.1. Datasets commercially licensed by rightsholders or their representatives",
        ["licensed"],
        "Have you concluded transactional commercial licensing agreement(s) with rightsholder(s) or with their representatives?",
        ["If yes, specify the modality(ies) of the content covered by the datasets concerned:"],
      ),
      listing(
        record,
        "2.2.2. Private datasets obtained from other third parties",
        ["private-third-party"],
        "Have you obtained private datasets from third parties that are not licensed as described in Section 2.2.1?",
        [
          "If publicly known, list private datasets obtained from other third parties:",
          "General description of non-publicly known private datasets obtained from third parties:",
        ],
      ),
    ],
  );
}

function crawled(record: ReleaseRecord): Section {
  const labels = [
    "If yes, specify crawler name(s)/identifier(s):",
    "Purposes of the crawler(s):",
    "General description of crawler behaviour:",
    "Period of data collection:",
    "Comprehensive description of the type of content and online sources crawled:",
    "Type of modality covered:",
    "Summary of the most relevant domain names crawled:",
  ];
  return section("2.3 Data crawled and scraped from online sources", [
    field(
      "Were crawlers used by the provider or on behalf of?",
      anyOf(record, ["crawled"], "whether crawlers were used"),
    ),
    ...labels.map((label) =>
      field(label, ...details(record, ["crawled"], () => [gap(label.replace(/:$/, ""))])),
    ),
  ]);
}

function userData(record: ReleaseRecord, provider: ProviderProfile): Section {
  const answer = (said: boolean | undefined, what: string): Statement =>
    said === undefined
      ? anyOf(record, ["user-data"], what)
      : yesNo(said, { text: "As declared.", facts: [], basis: "provider" });
  return section("2.4 User data", [
    field(
      "Was data from user interactions with the AI model (e.g. user input and prompts) used to train the model?",
      answer(provider.userInteractions, "use of interactions with the model"),
    ),
    field(
      "Was data collected from user interactions with the provider’s other services or products used to train the model?",
      answer(provider.otherServices, "use of data from other services"),
    ),
  ]);
}

/** Conversations by rules and templates are neither a data set nor a model's output. */
function ownConversations({ conversations }: ReleaseRecord): Statement[] {
  if (conversations === undefined || isModelMade(conversations.data.madeBy)) return [];
  const { train, licence, madeBy, skills } = conversations.data;
  const how = madeBy === undefined ? "in a way not recorded" : `from ${plain(madeBy)}`;
  const number = train === undefined ? "A number not recorded of" : formatInteger(train);
  const names = [...skills.keys()].map(plain).join(", ");
  return [
    stated(
      `${number} short conversations for fine-tuning, made by the provider ${how}${names === "" ? "" : ` (${names})`}; licence ${plain(licence ?? "not recorded")}.`,
      conversations,
    ),
  ];
}

const isModelMade = (madeBy: string | undefined): boolean => madeBy !== undefined && madeBy !== "templates";

function synthetic(record: ReleaseRecord, provider: ProviderProfile): Section {
  const { conversations } = record;
  const follow = [
    "If yes, modality of the synthetic data:",
    "If yes, specify the general-purpose AI model(s) used to generate the synthetic data if available on the market:",
    "Information about other AI models, including provider’s own AI model(s) not available on the market, used to generate synthetic data to train the model to which this Summary applies:",
  ];
  const question =
    "Was synthetic AI-generated data created by the provider or on their behalf to train the model?";
  const heading = "2.5 Synthetic data";
  if (conversations !== undefined && isModelMade(conversations.data.madeBy)) {
    const made = stated(`Conversations made by ${plain(conversations.data.madeBy!)}.`, conversations);
    return section(heading, [
      field(question, yesNo(true, made)),
      field(follow[0]!, stated(TEXT_ONLY, conversations)),
      ...follow.slice(1).map((label) => field(label, made)),
    ]);
  }
  const said = provider.syntheticData;
  if (said === undefined || sourcesOf(record, ["synthetic"]).length > 0) {
    return listing(record, heading, ["synthetic"], question, follow);
  }
  const open = said
    ? gap("the models that made the synthetic data")
    : NOT_APPLICABLE("no synthetic data, as declared.");
  return section(heading, [
    field(question, yesNo(said, { text: "As declared.", facts: [], basis: "provider" })),
    ...follow.map((label) => field(label, open)),
  ]);
}

/** Section 2, its six sub-sections. */
export function sourceSections(record: ReleaseRecord, provider: ProviderProfile): Section[] {
  const other: Statement[] = [
    ...ownConversations(record),
    ...sourcesOf(record, ["other"]).map(describeSource),
    ...(provider.otherData === undefined ? [] : [declared(plain(provider.otherData), "")]),
  ];
  return [
    publicDatasets(record),
    privateDatasets(record),
    crawled(record),
    userData(record, provider),
    synthetic(record, provider),
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
    ]),
  ];
}
