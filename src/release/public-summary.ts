/**
 * @file A first Public Summary of Training Content after the European Commission's template (Article 53(1)(d) of
 * Regulation (EU) 2024/1689; C(2025) 8311 final, 5 December 2025): its headings, labels and order, answered from
 * the ledger and the provider's profile. A question that neither answers is printed as open.
 */
import { formatPercent } from "../core/index.ts";
import type { ReleaseRecord } from "./facts.ts";
import {
  amount,
  declared,
  field,
  gap,
  openQuestions,
  plain,
  renderSections,
  type Section,
  section,
  shown,
  stated,
  yesNo,
} from "./paper.ts";
import type { ProviderProfile } from "./provider.ts";
import { bothDates, generalSections, type ReleaseIdentity } from "./summary-general.ts";
import { sourceSections } from "./summary-sources.ts";

/** The form's own title: links to the paper must carry exactly this. */
export const SUMMARY_TITLE = "Public Summary of Training Content";
/** The version of the form that labels and order follow. */
export const SUMMARY_TEMPLATE = "C(2025) 8311 final, 5 December 2025";

/** Section 3, its three sub-sections. */
function processingSections(record: ReleaseRecord, provider: ProviderProfile): Section[] {
  const optOut = record.steps.filter(({ data }) => /opt-?out|robots/.test(data.step));
  const scrub = record.steps.filter(({ data }) => /pii/.test(data.step));
  const goldfish = record.train?.data.goldfishShare;
  const signatory =
    provider.codeOfPractice === undefined
      ? gap("whether the provider has signed")
      : ({ text: "As declared.", facts: [], basis: "provider" } as const);
  const changes = scrub.map(({ data }) => data.changed);
  const changed = changes.every((value) => value !== undefined)
    ? changes.reduce((sum, value) => sum + value, 0)
    : undefined;
  const others = [
    ...(scrub.length === 0
      ? []
      : [
          stated(
            `Personal identifiers were scrubbed from the text; documents changed: ${amount(changed)}.`,
            ...scrub,
          ),
        ]),
    ...(goldfish === undefined
      ? []
      : [
          stated(
            `Memorisation is mitigated by leaving ${formatPercent(goldfish)} of the tokens out of the training objective (goldfish loss).`,
            record.train!,
          ),
        ]),
  ];
  return [
    section("3.1. Respect of reservation of rights from text and data mining exception or limitation", [
      field(
        "Are you a Signatory to the Code of Practice for general-purpose AI models that includes commitments to respect reservations of rights from the TDM exception or limitation?",
        yesNo(provider.codeOfPractice, signatory),
      ),
      field(
        "Describe the measures implemented before model training to respect reservations of rights from the TDM exception or limitation before and during data collection, including the opt-out protocols and solutions honoured by the provider or, as applicable, by third parties from which datasets have been obtained:",
        declared(
          provider.rightsReservations && plain(provider.rightsReservations),
          "measures to respect reservations of rights",
        ),
        ...optOut.map((step) =>
          stated(
            `Step ${plain(step.data.step)}: kept ${amount(step.data.out.documents)} of ${amount(step.data.in.documents)} documents.`,
            step,
          ),
        ),
      ),
    ]),
    section("3.2. Removal of illegal content", [
      field(
        "General description of measures taken:",
        declared(
          provider.illegalContent && plain(provider.illegalContent),
          "measures against illegal content",
        ),
      ),
    ]),
    section("3.3. Other information (optional)", [
      field(
        "Other relevant information about data processing:",
        ...(others.length > 0 ? others : [gap("other processing")]),
      ),
    ]),
  ];
}

/** The summary as a form: header fields and the template's three sections. */
export function publicSummary(
  record: ReleaseRecord,
  provider: ProviderProfile,
  release: ReleaseIdentity,
): Section[] {
  return [
    section("Header", [
      field("Version of the Summary:", shown(plain(release.version))),
      field("Last update:", shown(bothDates(release.date))),
    ]),
    section("1. General information", [], generalSections(record, provider, release)),
    section("2. List of data sources", [], sourceSections(record, provider)),
    section("3. Data processing aspects", [], processingSections(record, provider)),
  ];
}

/** The summary as a Markdown page, its open questions listed at the end. */
export function renderPublicSummary(sections: readonly Section[]): string {
  const open = openQuestions(sections);
  return [
    `# ${SUMMARY_TITLE}`,
    `Prepared following the template ${SUMMARY_TEMPLATE}. \`fact:…\` gives the ledger fact that a statement rests on.`,
    renderSections(sections, 2),
    "## Open questions",
    open.length === 0
      ? "None."
      : open.map(({ heading, label, gap: text }) => `- ${heading} — ${label} ${text}`).join("\n"),
    "",
  ].join("\n\n");
}

/** The summary for machines. */
export function publicSummaryJson(sections: readonly Section[], release: ReleaseIdentity): unknown {
  return {
    title: SUMMARY_TITLE,
    template: SUMMARY_TEMPLATE,
    release,
    sections,
    openQuestions: openQuestions(sections),
  };
}
