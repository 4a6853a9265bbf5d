/**
 * @file All papers of a release: each form as Markdown, JSON and HTML (the summary as a Word document, too), the cards
 * and bills of materials beside them, and the facts they cite.
 */
import { join } from "node:path";
import { writeFileAtomic, writeJsonAtomic } from "../../artifacts/index.ts";
import { canonicalJson } from "../../core/index.ts";
import { annexXi, annexXii } from "./annexes.ts";
import type { HostDecisions } from "../../ledger/index.ts";
import { californiaAb2013 } from "./ab-2013.ts";
import { cycloneDx, spdx } from "./bill-of-materials.ts";
import { computeStatement } from "./compute-statement.ts";
import { croissant } from "./croissant.ts";
import { datasetCard } from "./dataset-card.ts";
import type { ReleaseFact } from "./facts.ts";
import { gapList } from "./gaps.ts";
import { modelCard } from "./model-card.ts";
import { modelDocumentationForm } from "./model-documentation.ts";
import { openQuestions, type Paper } from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";
import { domainLookup, portalData } from "./portal-data.ts";
import { acceptableUse, copyrightPolicy } from "./policies.ts";
import { publicSummary } from "./public-summary.ts";
import { renderDocx } from "./render-docx.ts";
import { paperJson, renderHtml } from "./render-html.ts";
import { renderMarkdown } from "./render-markdown.ts";

/** What is known by web address. */
export interface Addresses {
  /** The list of domain names. */
  readonly domainsCsv: string;
  readonly decisions: HostDecisions;
}

/** Folder of the papers inside a release. */
export const LEGAL = "legal";

const CROISSANT = "croissant.json";
const CYCLONE_DX = "bom.cdx.json";
const SPDX = "bom.spdx.json";

/** Every form of a release, the public summary first. */
export function releasePapers(input: PaperInput): Paper[] {
  return [
    publicSummary(input.record, input.release),
    modelDocumentationForm(input),
    annexXi(input),
    annexXii(input),
    copyrightPolicy(input),
    acceptableUse(input),
    computeStatement(input),
    californiaAb2013(input),
  ];
}

async function writePaper(dir: string, paper: Paper): Promise<void> {
  const path = join(dir, LEGAL, paper.file);
  await writeFileAtomic(`${path}.md`, renderMarkdown(paper));
  await writeFileAtomic(`${path}.html`, renderHtml(paper));
  await writeJsonAtomic(`${path}.json`, paperJson(paper));
}

/**
 * Writes `README.md` and everything under `legal/` into `dir`.
 *
 * @param addresses what the web addresses of documents tell, where they have any
 * @returns how many questions of the public summary are open
 */
export async function writePapers(
  input: PaperInput,
  facts: readonly ReleaseFact[],
  addresses: Addresses | undefined,
  dir: string,
): Promise<{ readonly openQuestions: number }> {
  const papers = releasePapers(input);
  const summary = papers[0]!;
  const gaps = gapList(papers);
  for (const paper of [...papers, gaps]) await writePaper(dir, paper);
  const at = (name: string): string => join(dir, LEGAL, name);
  await writeFileAtomic(at(`${summary.file}.docx`), renderDocx(summary));
  for (const source of input.record.sources) {
    await writeFileAtomic(at(`datasets/${source.data.id}.md`), datasetCard(input.record, source));
  }
  const corpus = croissant(input);
  if (corpus !== undefined) await writeJsonAtomic(at(CROISSANT), corpus);
  await writeJsonAtomic(at(CYCLONE_DX), cycloneDx(input));
  await writeJsonAtomic(at(SPDX), spdx(input));
  const others = [
    ...input.record.sources.map(({ data: { id, title } }) => ({
      title: `Card of ${title ?? id}`,
      path: `datasets/${id}.md`,
    })),
    ...(corpus === undefined ? [] : [{ title: "The corpus for machines (Croissant)", path: CROISSANT }]),
    { title: "Bill of materials (CycloneDX)", path: CYCLONE_DX },
    { title: "Bill of materials (SPDX)", path: SPDX },
    ...(addresses === undefined ? [] : [{ title: "Domain names by size", path: "domains.csv" }]),
  ];
  if (addresses !== undefined) {
    await writeFileAtomic(at("domains.csv"), addresses.domainsCsv);
    await writeJsonAtomic(at("lookup.json"), domainLookup(addresses.decisions));
  }
  await writeJsonAtomic(at("portal.json"), portalData(input, [...papers, gaps], others));
  const lines = facts.map(({ id, kind, stage, fingerprint, data }) =>
    canonicalJson({ id, kind, stage, fingerprint, data }),
  );
  await writeFileAtomic(at("facts.jsonl"), lines.map((line) => `${line}\n`).join(""));
  await writeFileAtomic(join(dir, "README.md"), modelCard({ ...input, papers: [...papers, gaps] }));
  return { openQuestions: openQuestions(summary.sections).length };
}
