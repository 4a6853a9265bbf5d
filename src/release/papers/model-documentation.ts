/**
 * @file The Model Documentation Form of the Code of Practice for general-purpose AI (10 July 2025, transparency
 * chapter), field by field.
 */
import { formatCount, formatInteger } from "../../core/index.ts";
import type { ReleaseRecord } from "./facts.ts";
import { inferenceCompute, trainingEnergy, trainingTime } from "./compute-statement.ts";
import {
  amount,
  type Field,
  field,
  gap,
  type Paper,
  type Section,
  section,
  shown,
  stated,
  type Statement,
  TEXT_ONLY,
} from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";
import { bothDates, contactLine, said } from "./said.ts";
import { dependencies, languageStatements } from "./summary-general.ts";
import { describeSources, isModelMade, recordIsComplete } from "./summary-sources.ts";

/** Who is to see a field: A the AI Office, N national authorities, D downstream providers. */
type Recipients = "AND" | "AN" | "A" | "N" | "D" | "ND";

interface FormField {
  readonly number: string;
  readonly label: string;
  readonly recipients: Recipients;
  readonly answer: readonly Statement[];
}

interface FormSection {
  readonly heading: string;
  readonly fields: readonly FormField[];
}

/** Upper limit of each range of field 11b and its name. */
const SIZE_RANGES: readonly [number, string][] = [
  [5e8, "1–500M"],
  [5e9, "500M–5B"],
  [1.5e10, "5B–15B"],
  [5e10, "15B–50B"],
  [1e11, "50B–100B"],
  [5e11, "100B–500B"],
  [1e12, "500B–1T"],
  [Number.POSITIVE_INFINITY, ">1T"],
];

/** Every range with the one that holds ticked. */
function sizeBoxes(parameters: number): string {
  const own = SIZE_RANGES.findIndex(([limit]) => parameters <= limit);
  return SIZE_RANGES.map(([, name], index) => `${index === own ? "☒" : "☐"} ${name}`).join(" · ");
}

function item(number: string, label: string, recipients: Recipients, ...answer: Statement[]): FormField {
  return { number, label, recipients, answer };
}

function general({ record, release, weightFiles }: PaperInput): FormSection {
  const profile = record.provider?.data;
  const { model } = record;
  return {
    heading: "General information",
    fields: [
      item("1", "Legal name for the model provider", "AND", said(record, profile?.name, "legal name")),
      item("2", "Model name", "AND", shown(`${release.name} ${release.version}`, model)),
      item(
        "3",
        "Model authenticity",
        "AN",
        ...weightFiles.map(({ path, sha256 }) => shown(`${path}: SHA-256 ${sha256}`, model)),
        shown(
          "SHA256SUMS lists every file of the release; a release that was signed also carries model.sig.",
        ),
      ),
      item("4", "Release date", "AND", shown(bothDates(release.date), model)),
      item(
        "5",
        "Union market release date",
        "AND",
        said(record, profile?.placementDate && bothDates(profile.placementDate), "date of placement"),
      ),
      item("6", "Model dependencies", "AND", dependencies(record)),
    ],
  };
}

function properties({ record, config, parameters }: PaperInput): FormSection {
  const context = `Text, at most ${formatInteger(config.contextLength)} tokens of input and output together. Images, audio, video: not applicable.`;
  return {
    heading: "Model properties",
    fields: [
      item(
        "7",
        "Model architecture",
        "AND",
        shown(
          `Decoder-only transformer of the Apertus architecture, ${config.layers} layers of width ${formatInteger(config.hiddenSize)}.`,
          record.model,
        ),
      ),
      item(
        "8",
        "Design specifications of the model",
        "AN",
        shown(
          `${config.heads} attention heads with ${config.kvHeads} key/value heads of dimension ${config.headDim}, MLP width ${formatInteger(config.ffnSize)} with xIELU, RMSNorm before each block, QK-norm, rotary positions (θ = ${formatCount(config.ropeTheta)}), vocabulary of ${formatInteger(config.vocabSize)}, untied embeddings, no biases.`,
          record.model,
        ),
        said(record, profileRationale(record), "rationale and assumptions"),
      ),
      item("9", "Input modalities", "AND", shown(context, record.model)),
      item("10", "Output modalities", "AND", shown(context, record.model)),
      item(
        "11a",
        "Total model size (exact)",
        "A",
        shown(`${formatInteger(parameters)} parameters (${parameters.toExponential(2)})`, record.model),
      ),
      item("11b", "Total model size (range)", "ND", shown(sizeBoxes(parameters), record.model)),
    ],
  };
}

const profileRationale = (record: ReleaseRecord): string | undefined => record.provider?.data.rationale;

/** Licences that let everybody use, study, change and pass on; others need a person to judge. */
const OPEN_LICENCES = new Set(["Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0"]);

function distribution({ record, licence }: PaperInput): FormSection {
  const profile = record.provider?.data;
  const channel = said(record, profile?.distribution ?? profile?.website, "channels and how open they are");
  return {
    heading: "Methods of distribution and licenses",
    fields: [
      item("12a", "Distribution channels (actual, Union market)", "AN", channel),
      item("12b", "Distribution channels (available to downstream providers)", "D", channel),
      item(
        "13a",
        "License",
        "AND",
        shown(
          OPEN_LICENCES.has(licence) ? `${licence} (https://spdx.org/licenses/${licence}.html)` : licence,
          record.model,
        ),
      ),
      item(
        "13b",
        "License category",
        "AND",
        OPEN_LICENCES.has(licence)
          ? shown("Free and open-source.", record.model)
          : gap("category of the licence", "person"),
      ),
      item(
        "13c",
        "Additional assets",
        "AND",
        shown(
          "The recipe, the code (Firn, Apache-2.0) and the ledger facts (facts.jsonl) reproduce data processing, training and evaluation from the listed sources.",
        ),
      ),
    ],
  };
}

function use({ record, ggufFiles }: PaperInput): FormSection {
  const profile = record.provider?.data;
  return {
    heading: "Use",
    fields: [
      item("14", "Acceptable Use Policy", "AND", shown("The paper Acceptable_Use_Policy beside this one.")),
      item(
        "15",
        "Intended uses",
        "AND",
        said(record, profile?.intendedUse, "intended uses"),
        said(record, profile?.outOfScopeUse, "restricted or prohibited uses"),
      ),
      item(
        "16",
        "Type and nature of AI systems in which the general-purpose AI model can be integrated",
        "AND",
        said(record, profile?.intendedUse, "systems it can be integrated in"),
        said(record, profile?.limitations, "limitations to weigh before integrating it"),
      ),
      item(
        "17",
        "Technical means for model integration",
        "AND",
        shown(
          `A Hugging Face folder (config.json, model.safetensors, tokenizer.json, chat template) for transformers and vLLM${ggufFiles.length === 0 ? "" : `, and ${ggufFiles.join(", ")} for llama.cpp`}. README.md shows both.`,
          ...(ggufFiles.length === 0 ? [] : [record.model]),
        ),
      ),
      item(
        "18",
        "Required hardware",
        "D",
        shown("Any machine with memory for the weights and the key/value cache; no accelerator is required."),
      ),
      item(
        "19",
        "Required software",
        "D",
        shown("transformers 4.56 or newer, or a llama.cpp that knows the Apertus architecture."),
      ),
    ],
  };
}

function run(label: string, recorded: ReleaseRecord["train"]): Statement[] {
  if (recorded === undefined) return [];
  const { steps, tokens, epochs, goldfishShare, finalLoss } = recorded.data;
  const parts = [
    steps === undefined ? undefined : `${formatInteger(steps)} steps`,
    tokens === undefined ? undefined : `${formatInteger(tokens)} tokens`,
    epochs === undefined ? undefined : `${epochs.toPrecision(3)} passes over the data`,
    goldfishShare === undefined || goldfishShare === 0
      ? undefined
      : `${(goldfishShare * 100).toFixed(1)} % of the tokens without a target (goldfish loss)`,
    finalLoss === undefined ? undefined : `loss at the end ${finalLoss.toFixed(3)}`,
  ].filter((part) => part !== undefined);
  return [stated(`${label}: ${parts.join(", ")}.`, recorded)];
}

function trainingProcess({ record }: PaperInput): FormSection {
  const runs = [
    ...record.trainRuns.flatMap((one, index) =>
      run(
        `Pre-training${record.trainRuns.length > 1 ? `, part ${index + 1}` : ""} by next-token prediction`,
        one,
      ),
    ),
    ...run("Fine-tuning on conversations", record.finetune),
  ];
  return {
    heading: "Training process",
    fields: [
      item(
        "20",
        "Design specifications of the training process",
        "AN",
        ...(runs.length === 0 ? [gap("training runs")] : runs),
      ),
      item(
        "21",
        "Decision rationale",
        "AN",
        said(record, profileRationale(record), "why key choices were made"),
      ),
    ],
  };
}

/** The category of the template that conversations made by the line itself belong to. */
const kindOfConversations = ({ madeBy }: { readonly madeBy?: string | undefined }): string =>
  isModelMade(madeBy) ? "synthetic" : "other";

function provenance(record: ReleaseRecord): Statement {
  const kinds: readonly (readonly [string, readonly string[]])[] = [
    ["Web crawling", ["crawled"]],
    [
      "Private non-publicly available datasets obtained from third parties",
      ["licensed", "private-third-party"],
    ],
    ["User data", ["user-data"]],
    ["Publicly available datasets", ["public-dataset"]],
    [
      "Synthetic data that is not publicly accessible (when created directly by or on behalf of the provider)",
      ["synthetic"],
    ],
    ["Data collected through other means", ["other"]],
  ];
  if (!recordIsComplete(record)) return gap("the kind of every source");
  const used = new Set(record.sources.map(({ data }) => data.category));
  const { conversations } = record;
  const boxes = kinds.map(([label, categories]) => {
    const own = conversations !== undefined && categories[0] === kindOfConversations(conversations.data);
    const ticked = own || categories.some((name) => used.has(name));
    return `${ticked ? "☒" : "☐"} ${label}`;
  });
  return stated(
    boxes.join(" · "),
    ...record.sources,
    ...(conversations === undefined ? [] : [conversations]),
  );
}

/** One significant digit, all that field 25b asks for. */
const coarse = (value: number | undefined): string =>
  value === undefined ? "not recorded" : formatInteger(Number(value.toPrecision(1)));

/** Fields 25a (exact, for the AI Office) and 25b (coarser, for national authorities). */
function dataPoints(record: ReleaseRecord, figure: (value: number | undefined) => string): Statement[] {
  const { training, heldout, conversations, finetuneData } = record;
  const line = (name: string, split: NonNullable<ReleaseRecord["training"]>): Statement =>
    stated(
      `${name}: ${figure(split.data.documents)} documents, ${figure(split.data.tokens)} tokens, ${figure(split.data.bytes)} bytes. A data point is a document.`,
      split,
    );
  return [
    training === undefined ? gap("size of the training data") : line("Training", training),
    ...(conversations === undefined
      ? []
      : [
          stated(
            `Fine-tuning: ${figure(conversations.data.train)} conversations${finetuneData === undefined ? "" : `, ${figure(finetuneData.data.tokens)} tokens`}; ${figure(conversations.data.heldout)} held out for testing. A data point is a conversation.`,
            conversations,
            ...(finetuneData === undefined ? [] : [finetuneData]),
          ),
        ]),
    heldout === undefined ? gap("size of the test data") : line("Testing and validation (held out)", heldout),
  ];
}

/** Every step of the data pipeline with what it kept. */
export function curation(record: ReleaseRecord): Statement[] {
  return record.steps.map((step) => {
    const { data } = step;
    const reasons = [...data.reasons].map(([reason, times]) => `${reason} ${formatInteger(times)}`);
    const source = data.source === undefined ? "" : ` (${data.source})`;
    const changed =
      data.changed === undefined || data.changed === 0 ? "" : `, changed ${amount(data.changed)}`;
    return stated(
      `${data.step}${source}: kept ${amount(data.out.documents)} of ${amount(data.in.documents)} documents${changed}${reasons.length === 0 ? "" : `; dropped: ${reasons.join(", ")}`}.`,
      step,
    );
  });
}

function data({ record }: PaperInput): FormSection {
  const profile = record.provider?.data;
  const steps = curation(record);
  return {
    heading: "Information on the data used for training, testing, and validation",
    fields: [
      item(
        "22",
        "Data type/modality",
        "AND",
        record.training === undefined ? gap("modality") : stated(TEXT_ONLY, record.training),
      ),
      item("23", "Data provenance", "AND", provenance(record)),
      item(
        "24",
        "How data was obtained and selected",
        "AN",
        ...(record.sources.length === 0 ? [gap("sources")] : describeSources(record.sources)),
      ),
      item("25a", "Number of data points (exact)", "A", ...dataPoints(record, amount)),
      item("25b", "Number of data points (approximate)", "N", ...dataPoints(record, coarse)),
      item(
        "26",
        "Scope and main characteristics",
        "AN",
        ...languageStatements(record),
        said(record, profile?.contentTypes?.join(", "), "domains of the content"),
      ),
      item("27", "Data curation methodologies", "AND", ...(steps.length === 0 ? [gap("steps")] : steps)),
      item(
        "28",
        "Measures to detect unsuitability of data sources",
        "AN",
        said(record, profile?.illegalContent, "measures against illegal content and unsuitable sources"),
      ),
      item(
        "29",
        "Measures to detect identifiable biases",
        "AN",
        said(record, profile?.biasMeasures, "measures to detect biases"),
      ),
    ],
  };
}

function resources({ record, config }: PaperInput): FormSection[] {
  const { compute } = record;
  const { range, exact } = trainingTime(record);
  return [
    {
      heading: "Computational resources (during training)",
      fields: [
        item("30a", "Training time (range)", "N", range),
        item("30b", "Training time (exact)", "A", exact),
        item(
          "31a",
          "Amount of computation used for training (magnitude)",
          "N",
          compute === undefined
            ? gap("training compute")
            : stated(`10^${Math.floor(Math.log10(compute.data.architectureFlop))} FLOP`, compute),
        ),
        item(
          "31b",
          "Amount of computation used for training (exact)",
          "A",
          compute === undefined
            ? gap("training compute")
            : stated(`${compute.data.architectureFlop.toExponential(2)} FLOP`, compute),
        ),
        item(
          "32",
          "Measurement methodology",
          "AN",
          shown(
            "Operations of every forward and backward pass counted over the architecture (see the paper Compute_and_Energy).",
          ),
        ),
      ],
    },
    {
      heading: "Energy consumption (during training and inference)",
      fields: [
        item("33", "Amount of energy used for training", "AN", trainingEnergy(record)),
        item(
          "34",
          "Measurement methodology",
          "AN",
          shown("See the paper Compute_and_Energy: boundary and status of each value."),
        ),
        item(
          "35",
          "Benchmarked amount of computation used for inference",
          "AN",
          inferenceCompute(record, config.contextLength),
        ),
        item(
          "36",
          "Measurement methodology",
          "AN",
          shown(
            "Task: generating 100,000 tokens, each at the full context with a key/value cache; operations counted over the architecture, on any hardware.",
          ),
        ),
      ],
    },
  ];
}

/** The form, heading by heading. */
export function formSections(input: PaperInput): FormSection[] {
  return [
    general(input),
    properties(input),
    distribution(input),
    use(input),
    trainingProcess(input),
    data(input),
    ...resources(input),
  ];
}

/** A field of the form as papers print it. */
export const asField = ({ number, label, recipients, answer }: FormField): Field =>
  field(`${number}. ${label} [${recipients.split("").join(" ")}]`, ...answer);

/** The whole form. After each label: A for the AI Office, N for national authorities, D for downstream providers. */
export function modelDocumentationForm(input: PaperInput): Paper {
  const { record, release } = input;
  const head: Section = section("Document", [
    field("Date this document was last updated", shown(bothDates(release.date), record.model)),
    field("Document version number", shown(release.version, record.model)),
    field(
      "Contact details for requests",
      said(record, contactLine(record), "contact for the AI Office, authorities and downstream providers"),
    ),
  ]);
  return {
    title: "Model Documentation Form",
    file: "Model_Documentation_Form",
    follows:
      "the Code of Practice for General-Purpose AI Models, transparency chapter, 10 July 2025 (A: AI Office, N: national competent authorities, D: downstream providers)",
    release,
    sections: [
      head,
      ...formSections(input).map(({ heading, fields }) => section(heading, fields.map(asField))),
    ],
  };
}
