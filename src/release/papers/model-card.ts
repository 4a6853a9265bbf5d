/**
 * @file The model card, `README.md` of a release, in the sections of Hugging Face's template. Figures come from the
 * ledger and carry their fact; what is neither on record nor said by the provider is printed as a gap.
 */
import { formatCount, formatInteger, formatPercent } from "../../core/index.ts";
import type { Recorded, ReleaseRecord, TrainFact } from "./facts.ts";
import { cardLanguage } from "./languages.ts";
import { trainingCarbon, trainingCarbonGrams, trainingEnergy } from "./compute-statement.ts";
import { memorisationSection } from "./memorisation.ts";
import { curation } from "./model-documentation.ts";
import { amount, gap, type Paper, shown, stated, type Statement } from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";
import { plain, renderStatement, renderTable } from "./render-markdown.ts";
import { contactLine, said } from "./said.ts";

/** A card lists at most this many languages in its front matter. */
const MOST_LANGUAGES = 200;

export interface ModelCardInput extends PaperInput {
  /** The papers beside the card, in the order in which it lists them. */
  readonly papers: readonly Paper[];
}

/** Languages of the training data, largest first. */
export function trainedLanguages(record: ReleaseRecord): string[] {
  const languages = [...(record.training?.data.languages ?? [])].filter(
    ([label]) => !/^(und|zxx|mul)/.test(label),
  );
  languages.sort((a, b) => (b[1].tokens ?? 0) - (a[1].tokens ?? 0) || (a[0] < b[0] ? -1 : 1));
  return [...new Set(languages.map(([label]) => cardLanguage(label)))];
}

/** Hugging Face knows SPDX identifiers in small letters; any other expression is `other` with its name. */
export function licenceLines(licence: string): string[] {
  const known = /^[A-Za-z0-9.+-]+$/.test(licence) && !/^(LicenseRef|NOASSERTION|NONE)/.test(licence);
  return known
    ? [`license: ${JSON.stringify(licence.toLowerCase())}`]
    : ['license: "other"', `license_name: ${JSON.stringify(licence)}`];
}

/** `co2_eq_emissions`, where energy and the grid's intensity are known. */
function emissionLines(record: ReleaseRecord): string[] {
  const grams = trainingCarbonGrams(record);
  if (grams === undefined) return [];
  return [
    "co2_eq_emissions:",
    `  emissions: ${grams.toPrecision(2)}`,
    `  source: ${JSON.stringify("legal/Compute_and_Energy.md")}`,
    '  training_type: "pre-training"',
    `  hardware_used: ${JSON.stringify(record.provider?.data.hardware?.device ?? "")}`,
  ];
}

function frontMatter({ record, release, licence }: ModelCardInput): string {
  const languages = trainedLanguages(record).slice(0, MOST_LANGUAGES);
  const lines = [
    "---",
    ...(languages.length === 0
      ? []
      : ["language:", ...languages.map((code) => `  - ${JSON.stringify(code)}`)]),
    ...licenceLines(licence),
    ...emissionLines(record),
    "library_name: transformers",
    "pipeline_tag: text-generation",
    "tags:",
    "  - apertus",
    "  - firn",
  ];
  const bits = record.evaluate?.data.bitsPerByte?.all?.model;
  if (bits !== undefined) {
    lines.push(
      "model-index:",
      `  - name: ${JSON.stringify(release.name)}`,
      "    results:",
      "      - task:",
      "          type: text-generation",
      "        dataset:",
      "          name: held-out documents of the training sources",
      "          type: held-out",
      "        metrics:",
      "          - type: bits_per_byte",
      "            name: bits per UTF-8 byte",
      `            value: ${bits.toFixed(4)}`,
    );
  }
  return [...lines, "---"].join("\n");
}

const bullets = (statements: readonly Statement[]): string =>
  statements.map((statement) => `- ${renderStatement(statement)}`).join("\n");

function details({ record, release, config, parameters, licence }: ModelCardInput): string {
  const languages = trainedLanguages(record);
  return [
    "## Model Details",
    "### Model Description",
    bullets([
      said(record, record.provider && `Developed by: ${record.provider.data.name}`, "provider"),
      shown(`Version: ${release.version}, ${release.date}`, record.model),
      shown(
        `Model type: decoder-only transformer of the Apertus architecture, ${formatInteger(parameters)} parameters, text in and text out, context of ${formatInteger(config.contextLength)} tokens`,
        record.model,
      ),
      record.training === undefined || languages.length === 0
        ? gap("languages")
        : stated(
            `Languages: ${formatInteger(languages.length)}, most training text in ${languages.slice(0, 10).join(", ")}`,
            record.training,
          ),
      shown(`License: ${licence}`, record.model),
    ]),
  ].join("\n\n");
}

function uses({ record }: ModelCardInput): string {
  const provider = record.provider?.data;
  const answer = (text: string | undefined, what: string): string =>
    renderStatement(said(record, text, what));
  return [
    "## Uses",
    "### Direct Use",
    answer(provider?.intendedUse, "intended use"),
    "### Out-of-Scope Use",
    answer(provider?.outOfScopeUse, "uses out of scope"),
    "## Bias, Risks, and Limitations",
    answer(provider?.limitations, "limitations"),
  ].join("\n\n");
}

function gettingStarted({ release, ggufFiles, config }: ModelCardInput): string {
  const gguf = ggufFiles[0];
  return [
    "## How to Get Started with the Model",
    "With transformers 4.56 or newer, in this folder:",
    '```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained(".")\nmodel = AutoModelForCausalLM.from_pretrained(".")\ninputs = tokenizer("Die Sonne scheint", return_tensors="pt")\nprint(tokenizer.decode(model.generate(**inputs, max_new_tokens=20)[0]))\n```',
    ...(gguf === undefined
      ? []
      : ["With llama.cpp:", `\`\`\`sh\nllama-cli -m ${gguf} -p "Die Sonne scheint" -n 20\n\`\`\``]),
    `Recommended sampling: temperature 0.8, top-p 0.9. ${plain(release.name)} ends an answer with one of the tokens ${config.eosIds.join(", ")}.`,
  ].join("\n\n");
}

function runStatement(label: string, run: Recorded<TrainFact> | undefined): Statement {
  if (run === undefined) return gap(label);
  const { steps, tokens, epochs, finalLoss, flops } = run.data;
  const parts = [
    steps === undefined ? undefined : `${formatInteger(steps)} steps`,
    tokens === undefined ? undefined : `${formatInteger(tokens)} tokens`,
    epochs === undefined ? undefined : `${epochs.toPrecision(3)} passes over the data`,
    flops === undefined ? undefined : `${flops.toExponential(2)} FLOP`,
    finalLoss === undefined ? undefined : `loss at the end ${finalLoss.toFixed(3)}`,
  ].filter((part) => part !== undefined);
  return stated(`${label}: ${parts.join(", ")}`, run);
}

function trainingDetails({ record }: ModelCardInput): string {
  const { training, sources, trainRuns, finetune } = record;
  const rows = sources.map(({ data, fact }) => {
    const counted = training?.data.sources.get(data.id);
    return [
      data.url === undefined
        ? plain(data.title ?? data.id)
        : `[${plain(data.title ?? data.id)}](<${data.url}>)`,
      plain(data.licence ?? "not recorded"),
      amount(counted?.documents),
      amount(counted?.tokens),
      `\`fact:${fact}\``,
    ];
  });
  const processing = curation(record);
  return [
    "## Training Details",
    "### Training Data",
    rows.length === 0
      ? renderStatement(gap("sources"))
      : renderTable(["source", "licence", "documents", "tokens", "fact"], rows),
    ...(training === undefined ? [] : [`Documents and tokens as counted by \`fact:${training.fact}\`.`]),
    "### Training Procedure",
    "#### Preprocessing",
    processing.length === 0 ? renderStatement(gap("steps")) : bullets(processing),
    "#### Training Hyperparameters and Compute",
    bullets([
      ...(trainRuns.length === 0
        ? [gap("Pre-training")]
        : trainRuns.map((run, index) =>
            runStatement(trainRuns.length > 1 ? `Pre-training, part ${index + 1}` : "Pre-training", run),
          )),
      ...(finetune === undefined ? [] : [runStatement("Fine-tuning", finetune)]),
      ...compute(record),
    ]),
  ].join("\n\n");
}

function compute(record: ReleaseRecord): Statement[] {
  const { compute: counted } = record;
  if (counted === undefined) return [gap("training compute")];
  const { architectureFlop, sentence } = counted.data;
  return [stated(`Training compute: ${architectureFlop.toExponential(2)} FLOP. ${sentence}`, counted)];
}

function evaluation({ record }: ModelCardInput): string {
  const { evaluate } = record;
  if (evaluate === undefined) return ["## Evaluation", renderStatement(gap("evaluations"))].join("\n\n");
  const { bitsPerByte, languageByLikelihood, conversations } = evaluate.data;
  const parts = [
    "## Evaluation",
    "### Testing Data, Factors & Metrics",
    `Held-out documents of the training sources; every figure from \`fact:${evaluate.fact}\`.`,
    "### Results",
  ];
  if (bitsPerByte?.all !== undefined) {
    const cell = (value: number | undefined): string => (value === undefined ? "–" : value.toFixed(3));
    const rows = [bitsPerByte.all, ...bitsPerByte.languages.slice(0, 20)];
    parts.push(
      "Bits per UTF-8 byte of held-out text, smaller is better:",
      renderTable(
        ["language", "this model", "unigram", "bigram", "gzip", "xz"],
        rows.map((row) => [
          plain(row.name),
          cell(row.model),
          cell(row.unigram),
          cell(row.bigram),
          cell(row.gzip),
          cell(row.xz),
        ]),
      ),
    );
  }
  if (languageByLikelihood?.modelAccuracy !== undefined) {
    const { modelAccuracy, chance, identifierAccuracy, lines, candidates } = languageByLikelihood;
    const other = [
      chance === undefined ? undefined : `chance ${formatPercent(chance)}`,
      identifierAccuracy === undefined
        ? undefined
        : `the data pipeline's identifier ${formatPercent(identifierAccuracy)}`,
    ].filter((part) => part !== undefined);
    parts.push(
      `Language of an unseen line by likelihood: ${formatPercent(modelAccuracy)} right${other.length === 0 ? "" : ` (${other.join(", ")})`}, lines: ${amount(lines)}, languages: ${amount(candidates)}.`,
    );
  }
  if (conversations?.asked !== undefined && conversations.correct !== undefined) {
    parts.push(
      `Held-out conversations answered exactly: ${formatInteger(conversations.correct)} of ${formatInteger(conversations.asked)}.`,
    );
  }
  parts.push(...memorisationSection(record));
  return parts.join("\n\n");
}

function closing({ record, config, release, papers }: ModelCardInput): string {
  const hardware = record.provider?.data.hardware;
  return [
    "## Environmental Impact",
    bullets([
      said(record, hardware && `Hardware: ${hardware.units} × ${hardware.device}`, "training hardware"),
      said(
        record,
        hardware?.hours === undefined ? undefined : `Hours used: ${hardware.hours}`,
        "wall-clock time of training",
      ),
      trainingEnergy(record),
      trainingCarbon(record),
    ]),
    "## Technical Specifications",
    renderStatement(
      shown(
        `${config.layers} layers of width ${formatInteger(config.hiddenSize)}, ${config.heads} attention heads with ${config.kvHeads} key/value heads of dimension ${config.headDim}, MLP width ${formatInteger(config.ffnSize)} with xIELU, RMSNorm before each block, QK-norm, rotary positions (θ = ${formatCount(config.ropeTheta)}), vocabulary of ${formatInteger(config.vocabSize)}, untied embeddings, no biases.`,
        record.model,
      ),
    ),
    "## EU AI Act documents",
    [
      ...papers.map(({ title, file }) => `- [${plain(title)}](legal/${file}.md)`),
      "- [the ledger facts that these pages cite](legal/facts.jsonl)",
    ].join("\n"),
    "## Contact",
    renderStatement(said(record, contactLine(record), "contact")),
    `${plain(release.name)} ${plain(release.version)} was made with Firn; \`fact:…\` gives the ledger fact behind a figure.`,
  ].join("\n\n");
}

/** The Markdown of the card, front matter first. */
export function modelCard(input: ModelCardInput): string {
  return `${[
    frontMatter(input),
    `# ${plain(input.release.name)}`,
    details(input),
    uses(input),
    gettingStarted(input),
    trainingDetails(input),
    evaluation(input),
    closing(input),
  ].join("\n\n")}\n`;
}
