/** @file A card per source in the sections of Hugging Face's dataset card template, front matter first. */
import { formatInteger } from "../../core/index.ts";
import type { Recorded, ReleaseRecord, SourceFact } from "./facts.ts";
import { gap, type Statement, stated } from "./paper.ts";
import { licenceLines } from "./model-card.ts";
import { plain, renderStatement } from "./render-markdown.ts";
import { describeSource } from "./summary-sources.ts";
import { said } from "./said.ts";

const SIZES: readonly (readonly [number, string])[] = [
  [1e3, "n<1K"],
  [1e4, "1K<n<10K"],
  [1e5, "10K<n<100K"],
  [1e6, "100K<n<1M"],
  [1e7, "1M<n<10M"],
  [1e8, "10M<n<100M"],
  [1e9, "100M<n<1B"],
];

function frontMatter(source: Recorded<SourceFact>, documents: number | undefined): string {
  const { title, id, licence } = source.data;
  const size = documents === undefined ? undefined : SIZES.find(([limit]) => documents < limit)?.[1];
  return [
    "---",
    `pretty_name: ${JSON.stringify(title ?? id)}`,
    ...licenceLines(licence ?? "not recorded"),
    ...(size === undefined ? [] : [`size_categories:`, `  - ${JSON.stringify(size)}`]),
    "task_categories:",
    "  - text-generation",
    "---",
  ].join("\n");
}

/** The card of one source as the release used it. */
export function datasetCard(record: ReleaseRecord, source: Recorded<SourceFact>): string {
  const { id, title, contentRights, licenceUnknownBecause } = source.data;
  const counted = record.training?.data.sources.get(id);
  const steps = record.steps.filter(({ data }) => data.source === id || data.source === undefined);
  const scrub = steps.filter(({ data }) => /pii/.test(data.step));
  const line = (statement: Statement): string => renderStatement(statement);
  const parts = [
    frontMatter(source, counted?.documents),
    `# ${plain(title ?? id)}`,
    "As it was used in training; figures are after processing.",
    "## Dataset Details",
    line(describeSource(source)),
    ...(licenceUnknownBecause === undefined
      ? []
      : [line(stated(`The licence is not known: ${licenceUnknownBecause}`, source))]),
    "## Uses",
    line(said(record, record.provider?.data.intendedUse, "what the data is meant for")),
    "## Dataset Structure",
    counted === undefined || record.training === undefined
      ? line(gap("documents and tokens after processing"))
      : line(
          stated(
            `${counted.documents === undefined ? "A number not recorded of" : formatInteger(counted.documents)} documents and ${counted.tokens === undefined ? "a number not recorded of" : formatInteger(counted.tokens)} tokens for training.`,
            record.training,
          ),
        ),
    "Columns: id, text, sha256, source, url, licence, language, script and what the steps measured.",
    "## Dataset Creation",
    "### Source Data",
    line(
      stated(
        contentRights === undefined
          ? "Rights in the content: not recorded."
          : `Rights in the content: ${contentRights}.`,
        source,
      ),
    ),
    "### Processing",
    steps.length === 0
      ? line(gap("steps"))
      : steps
          .map(
            (step) =>
              `- ${line(stated(`${step.data.step}: ${step.data.reasons.size === 0 ? "dropped nothing" : [...step.data.reasons].map(([reason, times]) => `dropped ${formatInteger(times)} for ${reason}`).join(", ")}${step.data.source === undefined ? " (all sources together)" : ""}.`, step))}`,
          )
          .join("\n"),
    "### Personal and Sensitive Information",
    scrub.length === 0
      ? line(gap("how personal information was looked for"))
      : line(stated("E-mail addresses, IP addresses and IBANs were replaced.", ...scrub)),
    "## Bias, Risks, and Limitations",
    line(said(record, record.provider?.data.limitations, "limitations")),
  ];
  return `${parts.join("\n\n")}\n`;
}
