/**
 * @file The copyright policy (Article 53(1)(c) of Regulation (EU) 2024/1689; Code of Practice, copyright chapter,
 * measures 1.1 to 1.5) and the acceptable use policy, from the same facts as the other papers.
 */
import { formatInteger, formatPercent } from "../../core/index.ts";
import type { ReleaseRecord } from "./facts.ts";
import { memorisationStatement } from "./memorisation.ts";
import { field, gap, type Paper, section, shown, stated, type Statement, table } from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";
import { reservations } from "./reservations.ts";
import { contactLine, said } from "./said.ts";
import { domainStatement, recordIsComplete } from "./summary-sources.ts";

function lawfulAccess(record: ReleaseRecord): Statement[] {
  const crawlers = record.sources.filter(({ data }) => data.category === "crawled");
  if (crawlers.length > 0)
    return [said(record, record.provider?.data.crawler?.behaviour, "behaviour of the crawlers")];
  if (!recordIsComplete(record)) return [gap("whether anything was crawled")];
  return [
    stated(
      `Nothing was crawled: the ${formatInteger(record.sources.length)} sources were obtained as published copies, under the licence recorded for each.`,
      ...record.sources,
    ),
  ];
}

function memorisation(record: ReleaseRecord): Statement[] {
  const { train } = record;
  const share = train?.data.goldfishShare;
  return [
    share === undefined || train === undefined
      ? gap("measures against verbatim reproduction")
      : stated(
          `${formatPercent(share)} of the training tokens were left out of the objective (goldfish loss), so that long passages are not learnt word by word.`,
          train,
        ),
    ...(record.evaluate?.data.memorisation ? [memorisationStatement(record)] : []),
    shown(
      "The acceptable use policy forbids using the model to infringe copyright, and this paper tells users so.",
    ),
  ];
}

/** The copyright policy. */
export function copyrightPolicy({ record, release }: PaperInput): Paper {
  const profile = record.provider?.data;
  const domains = domainStatement(record);
  return {
    title: "Copyright policy",
    file: "Copyright_Policy",
    follows:
      "Article 53(1)(c) of Regulation (EU) 2024/1689 and the copyright chapter of the Code of Practice for General-Purpose AI Models",
    release,
    sections: [
      section("1.1 Policy and responsibility", [
        field(
          "Responsible",
          said(record, profile?.copyrightResponsible, "who in the organisation is responsible"),
        ),
        field(
          "How it is kept current",
          shown(
            "This paper is printed from the ledger at every release; a change in the data or in the measures changes it.",
          ),
        ),
      ]),
      section("1.2 Lawfully accessible content only", [field("Measures", ...lawfulAccess(record))]),
      section("1.3 Rights reservations", [
        field(
          "Protocols and measures",
          said(record, profile?.rightsReservations, "protocols honoured before and during collection"),
          ...reservations(record),
        ),
        ...(domains === undefined ? [] : [field("Domains used", domains)]),
        field(
          "Requests by rights holders",
          shown(
            "A request names a domain, an address, a checksum or a passage; it is recorded in the ledger and answered with a receipt that lists the documents, tokens and training steps it concerns and what will be done.",
          ),
        ),
      ]),
      section("1.4 Infringing outputs", [field("Safeguards", ...memorisation(record))]),
      section("1.5 Contact and complaints", [
        field("Point of contact", said(record, contactLine(record), "contact for rights holders")),
        field("Complaints", said(record, profile?.complaints, "how complaints are filed and answered")),
      ]),
      section("Rights in the sources", [
        table(
          ["source", "licence of the compilation", "rights in the content"],
          record.sources.map(({ data, fact }) => ({
            cells: [
              data.title ?? data.id,
              data.licence ?? "not recorded",
              data.contentRights ?? "not recorded",
            ],
            facts: [fact],
          })),
        ),
      ]),
    ],
  };
}

/** The acceptable use policy. */
export function acceptableUse({ record, release, licence }: PaperInput): Paper {
  const profile = record.provider?.data;
  return {
    title: "Acceptable use policy",
    file: "Acceptable_Use_Policy",
    follows: "Annexes XI and XII, point 1(b), of Regulation (EU) 2024/1689",
    release,
    sections: [
      section("Intended uses", [field("For", said(record, profile?.intendedUse, "intended uses"))]),
      section("Uses that the provider asks not to make", [
        field("Not for", said(record, profile?.outOfScopeUse, "uses out of scope")),
        field("Forbidden", said(record, profile?.acceptableUse, "uses that the provider forbids")),
        field(
          "Law",
          shown(
            "Use must be lawful. In particular the model must not be used to infringe copyright or the rights of the people whose data its sources may hold.",
          ),
        ),
      ]),
      section("Limits", [field("Known limitations", said(record, profile?.limitations, "limitations"))]),
      section("Licence", [
        field(
          "Licence of the weights",
          shown(`${licence}. This policy informs users; it adds no condition to that licence.`, record.model),
        ),
      ]),
    ],
  };
}
