/** @file What a finished set of documents consists of, per source and language: facts for papers, summary for people. */
import { readDocumentFacts } from "../artifacts/index.ts";
import type { SourceRecord } from "./acquire-source.ts";
import { identifierFact, type TaughtReport } from "./language/declared-text.ts";
import type { Count, StepTally } from "./tally.ts";
import type { SourceCategory } from "./source-spec.ts";
import type { Json } from "../core/index.ts";

/** Documents and UTF-8 bytes of text, for training and held out. */
export type SplitCount = { readonly train: Count; readonly heldout: Count };

/** The `freeze` fact: what of a source is in the documents. */
export type FreezeFact = {
  readonly source: string;
  readonly title: string;
  readonly category: SourceCategory;
  readonly licence: string;
  readonly train: Count;
  readonly heldout: Count;
  /** By ISO 639-3. */
  readonly languages: { readonly [language: string]: SplitCount };
  /** Documents by licence, where they carry their own. */
  readonly licences: { readonly [licence: string]: number };
};

function newSplitCount(): SplitCount {
  return { train: { documents: 0, bytes: 0 }, heldout: { documents: 0, bytes: 0 } };
}

function add(count: Count, bytes: number): void {
  count.documents += 1;
  count.bytes += bytes;
}

/** Counts the finished documents in `dir`; one fact per source, in the order of `records`. */
export async function freezeFacts(dir: string, records: readonly SourceRecord[]): Promise<FreezeFact[]> {
  const facts = new Map(
    records.map(({ id, title, category, licence }) => {
      const languages: Record<string, SplitCount> = {};
      const licences: Record<string, number> = {};
      return [id, { source: id, title, category, licence, ...newSplitCount(), languages, licences }];
    }),
  );
  for (const split of ["train", "heldout"] as const) {
    for await (const documents of readDocumentFacts(dir, split)) {
      for (const { source, language, licence, bytes } of documents) {
        const fact = facts.get(source)!;
        add(fact[split], bytes);
        fact.languages[language ?? "und"] ??= newSplitCount();
        add(fact.languages[language ?? "und"]![split], bytes);
        fact.licences[licence] = (fact.licences[licence] ?? 0) + 1;
      }
    }
  }
  return [...facts.values()];
}

/** What the manifest of a documents artifact says. */
export type DocumentsSummary = {
  readonly train: Count;
  readonly heldout: Count;
  readonly rejected: number;
  readonly languages: { readonly [language: string]: SplitCount };
  readonly steps: readonly {
    readonly step: string;
    readonly in: number;
    readonly out: number;
    readonly reasons: { readonly [reason: string]: number };
  }[];
  readonly identifier: { readonly [key: string]: Json };
};

/** Puts the numbers together for the manifest. */
export function summarise(
  freeze: readonly FreezeFact[],
  tallies: readonly StepTally[],
  report: TaughtReport,
  rejected: number,
): DocumentsSummary {
  const total = newSplitCount();
  const languages: Record<string, SplitCount> = {};
  for (const fact of freeze) {
    for (const [language, counts] of Object.entries(fact.languages)) {
      languages[language] ??= newSplitCount();
      for (const split of ["train", "heldout"] as const) {
        for (const sum of [languages[language][split], total[split]]) {
          sum.documents += counts[split].documents;
          sum.bytes += counts[split].bytes;
        }
      }
    }
  }
  const steps = tallies.map((tally) => ({
    step: tally.step,
    in: tally.in.documents,
    out: tally.out.documents,
    reasons: { ...tally.reasons },
  }));
  return { ...total, rejected, languages, steps, identifier: identifierFact(report) };
}
