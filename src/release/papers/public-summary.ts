/**
 * @file The Public Summary of Training Content after the European Commission's template (Article 53(1)(d) of
 * Regulation (EU) 2024/1689; C(2025) 8311 final, 5 December 2025): its headings, labels and order, answered from
 * the ledger and the provider's profile. A question that neither answers is printed as open.
 */
import { formatPercent } from "../../core/index.ts";
import type { ReleaseRecord } from "./facts.ts";
import {
  amount,
  field,
  gap,
  type Paper,
  type ReleaseIdentity,
  type Section,
  section,
  shown,
  stated,
  type Statement,
  yesNo,
} from "./paper.ts";
import { droppedText, reservations } from "./reservations.ts";
import { bothDates, said } from "./said.ts";
import { generalSections } from "./summary-general.ts";
import { sourceSections } from "./summary-sources.ts";

/** The form's own title: links to the paper must carry exactly this. */
export const SUMMARY_TITLE = "Public Summary of Training Content";
/** Name of the summary's files. */
export const SUMMARY_FILE = "Public_Summary_of_Training_Content";
/** The version of the form that labels and order follow. */
const FOLLOWS =
  "the template of Article 53(1)(d) of Regulation (EU) 2024/1689, C(2025) 8311 final, 5 December 2025";

/** The Commission's Word file of that version. */
const TEMPLATE = {
  id: "newsroom document 118578",
  sha256: "ec803008a5263a485146b24497a3445e2ea32f8b73f818e67652ad70de40f09b",
} as const;

function otherProcessing(record: ReleaseRecord): Statement[] {
  const scrub = record.steps.filter(({ data }) => /pii/.test(data.step));
  const copies = record.steps.filter(({ data }) => /dedup/.test(data.step));
  const { train } = record;
  const goldfish = train?.data.goldfishShare;
  const changes = scrub.map(({ data }) => data.changed);
  const changed = changes.every((value) => value !== undefined)
    ? changes.reduce((sum, value) => sum + value, 0)
    : undefined;
  const lines: Statement[] = [];
  if (scrub.length > 0) {
    lines.push(
      stated(
        `Personal identifiers (e-mail addresses, IP addresses, IBANs) were replaced in the text; documents changed: ${amount(changed)}.`,
        ...scrub,
      ),
    );
  }
  for (const step of copies)
    lines.push(stated(`Copies were removed (${step.data.step}): ${droppedText(step)}.`, step));
  if (goldfish !== undefined && train !== undefined) {
    lines.push(
      stated(
        `Memorisation is mitigated by leaving ${formatPercent(goldfish)} of the tokens out of the training objective (goldfish loss).`,
        train,
      ),
    );
  }
  return lines;
}

/** Section 3, its three sub-sections. */
function processingSections(record: ReleaseRecord): Section[] {
  const profile = record.provider?.data;
  const others = otherProcessing(record);
  const website = profile?.website;
  return [
    section("3.1. Respect of reservation of rights from text and data mining exception or limitation", [
      field(
        "Are you a Signatory to the Code of Practice for general-purpose AI models that includes commitments to respect reservations of rights from the TDM exception or limitation?",
        yesNo(
          profile?.codeOfPractice,
          said(
            record,
            profile?.codeOfPractice === undefined ? undefined : "As declared.",
            "whether the provider has signed",
          ),
        ),
      ),
      field(
        "Describe the measures implemented before model training to respect reservations of rights from the TDM exception or limitation before and during data collection, including the opt-out protocols and solutions honoured by the provider or, as applicable, by third parties from which datasets have been obtained:",
        said(record, profile?.rightsReservations, "measures to respect reservations of rights"),
        ...reservations(record),
      ),
      field(
        "Additional comments (optional):",
        shown("The copyright policy is the paper Copyright_Policy beside this one."),
        ...(profile?.complaints === undefined ? [] : [said(record, profile.complaints, "")]),
      ),
    ]),
    section("3.2. Removal of illegal content", [
      field(
        "General description of measures taken:",
        said(record, profile?.illegalContent, "measures against illegal content"),
      ),
    ]),
    section("3.3. Other information (optional)", [
      field(
        "Other relevant information about data processing (optional):",
        ...(others.length > 0 ? others : [gap("other processing")]),
        ...(website === undefined ? [] : [said(record, `Published at ${website}.`, "")]),
      ),
    ]),
  ];
}

function versionStatements(record: ReleaseRecord, release: ReleaseIdentity): Statement[] {
  const profile = record.provider?.data;
  const { website, updates, previousVersions } = profile ?? {};
  return [
    shown(`Version ${release.version}, for ${release.name} ${release.version}.`, record.model),
    said(record, previousVersions, "previous versions and what changed, or that there are none"),
    said(
      record,
      website === undefined ? undefined : `The latest version stands at ${website}.`,
      "where the authoritative and latest version is published",
    ),
    said(
      record,
      updates === undefined ? undefined : `Changes are announced at ${updates}.`,
      "where changes are announced",
    ),
  ];
}

/** The summary as a form: header fields and the template's three sections. */
export function publicSummary(record: ReleaseRecord, release: ReleaseIdentity): Paper {
  return {
    title: SUMMARY_TITLE,
    file: SUMMARY_FILE,
    follows: FOLLOWS,
    template: TEMPLATE,
    release,
    sections: [
      section("Version", [
        field("Version of the Summary:", ...versionStatements(record, release)),
        field("Last update:", shown(bothDates(release.date), record.model)),
      ]),
      section("1. General information", [], generalSections(record, release)),
      section("2. List of data sources", [], sourceSections(record)),
      section("3. Data processing aspects", [], processingSections(record)),
    ],
  };
}
