/**
 * @file Documentation after California's Assembly Bill 2013 (Civil Code section 3111): the twelve points about training
 * data, answered from the same facts as the European papers.
 */
import type { ReleaseRecord } from "./facts.ts";
import { amount, field, gap, type Paper, section, shown, stated, type Statement } from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";
import { curation } from "./model-documentation.ts";
import { monthYear, said } from "./said.ts";
import { describeSources, recordIsComplete } from "./summary-sources.ts";

function owners(record: ReleaseRecord): Statement[] {
  return record.sources.length === 0 ? [gap("sources")] : describeSources(record.sources);
}

function licensed(record: ReleaseRecord): Statement {
  const bought = record.sources.filter(({ data }) => data.category === "licensed");
  if (bought.length > 0)
    return stated(`${bought.length} sources were licensed from rights holders.`, ...bought);
  return recordIsComplete(record)
    ? stated("None of the recorded sources was purchased or licensed for a price.", ...record.sources)
    : gap("whether data was purchased or licensed");
}

function periods(record: ReleaseRecord): Statement[] {
  if (record.sources.length === 0) return [gap("time of collection")];
  return record.sources.map((source) => {
    const { title, id, period, acquired } = source.data;
    const parts = [
      ...(period === undefined ? [] : [`content from ${monthYear(period.from)} to ${monthYear(period.to)}`]),
      ...(acquired === undefined
        ? []
        : [`compiled or fetched from ${monthYear(acquired.from)} to ${monthYear(acquired.to)}`]),
    ];
    return parts.length === 0
      ? gap(`time of collection of ${title ?? id}`, "person")
      : stated(`${title ?? id}: ${parts.join(", ")}.`, source);
  });
}

function personal(record: ReleaseRecord): Statement[] {
  const scrub = record.steps.filter(({ data }) => /pii/.test(data.step));
  if (scrub.length === 0) return [gap("whether the data holds personal information")];
  return scrub.map((step) =>
    stated(
      `Personal identifiers were looked for and replaced in ${amount(step.data.changed)} documents; names of persons in published texts remain.`,
      step,
    ),
  );
}

function syntheticUse(record: ReleaseRecord): Statement {
  const made = record.sources.filter(({ data }) => data.category === "synthetic");
  const declared = record.provider?.data.syntheticData;
  if (made.length > 0) return stated("Yes.", ...made);
  if (declared !== undefined) return said(record, declared ? "Yes." : "No.", "");
  return recordIsComplete(record)
    ? stated("No: no recorded source is the output of a model.", ...record.sources)
    : gap("whether synthetic data was used");
}

/** The paper. */
export function californiaAb2013({ record, release }: PaperInput): Paper {
  const { training } = record;
  const steps = curation(record);
  const rights = record.sources.map((source) =>
    stated(
      `${source.data.title ?? source.data.id}: licence ${source.data.licence ?? "not recorded"}; content: ${source.data.contentRights ?? "not recorded"}.`,
      source,
    ),
  );
  return {
    title: "Training data documentation (California AB 2013)",
    file: "California_AB_2013",
    follows: "California Civil Code section 3111 (Assembly Bill 2013)",
    release,
    sections: [
      section("High-level summary of the datasets", [
        field("Sources or owners of the datasets", ...owners(record)),
        field(
          "How the datasets further the intended purpose",
          said(record, record.provider?.data.intendedUse, "purpose that the data serves"),
        ),
        field(
          "Number of data points",
          training === undefined
            ? gap("number of data points")
            : stated(
                `${amount(training.data.documents)} documents, ${amount(training.data.tokens)} tokens.`,
                training,
              ),
        ),
        field(
          "Types of data points",
          shown("Documents of text, each with its language, source and licence."),
        ),
        field(
          "Copyright, trademark, patent or public domain",
          ...(rights.length === 0 ? [gap("rights in the sources")] : rights),
        ),
        field("Purchased or licensed", licensed(record)),
        field("Personal information", ...personal(record)),
        field(
          "Aggregate consumer information",
          recordIsComplete(record)
            ? stated("None of the recorded sources is of this kind.", ...record.sources)
            : gap("whether aggregate consumer information was used"),
        ),
        field(
          "Cleaning, processing or other modification",
          ...(steps.length === 0 ? [gap("steps of the data pipeline")] : steps),
        ),
        field("Time period of collection", ...periods(record)),
        field(
          "Whether collection is ongoing",
          record.freeze.length === 0
            ? gap("whether collection is ongoing")
            : stated("No: the corpus was frozen before training.", ...record.freeze),
        ),
        field("Dates the datasets were first used", gap("date on which training began", "person")),
        field("Use of synthetic data generation", syntheticUse(record)),
      ]),
    ],
  };
}
