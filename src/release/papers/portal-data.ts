/**
 * @file What the transparency portal shows, as data: what the model is, what it ate, what was refused and why, the
 * papers, and how to object. Every number carries its fact.
 */
import type { HostDecisions } from "../../ledger/index.ts";
import { domainTotals, registrable } from "../domains.ts";
import { openQuestions, type Paper } from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";
import { reservationPolicy } from "./reservations.ts";
import { contactLine } from "./said.ts";
import { languageTokens } from "./summary-general.ts";

/** A share of the training text: by tokens. */
export type Portion = { readonly name: string; readonly tokens: number; readonly documents?: number };

export type PortalSource = {
  readonly id: string;
  readonly title: string;
  readonly licence: string;
  readonly rights: string | null;
  readonly url: string | null;
  readonly category: string;
  readonly period: string | null;
  readonly tokens: number | null;
  readonly documents: number | null;
  readonly fact: string;
};

export type PortalStep = {
  readonly step: string;
  readonly source: string | null;
  readonly in: number | null;
  readonly out: number | null;
  readonly changed: number | null;
  readonly reasons: readonly { readonly name: string; readonly documents: number }[];
  /** Refusals by signal and by agent; one document may count under several. */
  readonly marks: readonly { readonly name: string; readonly documents: number }[];
  readonly fact: string;
};

export type PortalData = {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  readonly date: string;
  readonly licence: string;
  readonly parameters: number;
  /** The fact behind name, licence and size of the model. */
  readonly fact: string | null;
  readonly contextLength: number;
  readonly provider: {
    readonly name: string;
    readonly contact: string | null;
    readonly website: string | null;
    readonly complaints: string | null;
    readonly intendedUse: string | null;
    readonly outOfScopeUse: string | null;
    readonly limitations: string | null;
  } | null;
  readonly training: {
    readonly documents: number | null;
    readonly tokens: number | null;
    readonly bytes: number | null;
    readonly fact: string;
  } | null;
  readonly compute: { readonly flop: number; readonly sentence: string; readonly fact: string } | null;
  readonly sources: readonly PortalSource[];
  /** By ISO 639-3. */
  readonly languages: readonly Portion[];
  readonly licences: readonly Portion[];
  readonly steps: readonly PortalStep[];
  /** Conversations that a model was taught to answer with, after the texts. */
  readonly conversations: {
    readonly count: number;
    readonly tokens: number | null;
    readonly madeBy: string;
    readonly licence: string;
    readonly fact: string;
  } | null;
  /** How reservations of rights were looked for, in sentences. */
  readonly reservations: readonly { readonly text: string; readonly fact: string }[];
  /** Other files of the release's papers: cards of the sources, the corpus and the model for machines. */
  readonly files: readonly { readonly title: string; readonly path: string }[];
  readonly domains: { readonly count: number; readonly fact: string } | null;
  readonly papers: readonly { readonly title: string; readonly file: string; readonly open: number | null }[];
};

function sourcesOf({ record }: PaperInput): PortalSource[] {
  return record.sources.map(({ data, fact }) => {
    const counted = record.training?.data.sources.get(data.id);
    return {
      id: data.id,
      title: data.title ?? data.id,
      licence: data.licence ?? "not recorded",
      rights: data.contentRights ?? null,
      url: data.url ?? null,
      category: data.category ?? "not recorded",
      period: data.period === undefined ? null : `${data.period.from}–${data.period.to}`,
      tokens: counted?.tokens ?? null,
      documents: counted?.documents ?? null,
      fact,
    };
  });
}

/** Tokens by licence of the source, largest first. */
function licencesOf(sources: readonly PortalSource[]): Portion[] {
  const tokens = new Map<string, number>();
  for (const source of sources)
    tokens.set(source.licence, (tokens.get(source.licence) ?? 0) + (source.tokens ?? 0));
  return [...tokens]
    .map(([name, size]) => ({ name, tokens: size }))
    .sort((a, b) => b.tokens - a.tokens || (a.name < b.name ? -1 : 1));
}

function stepsOf({ record }: PaperInput): PortalStep[] {
  return record.steps.map(({ data, fact }) => ({
    step: data.step,
    source: data.source ?? null,
    in: data.in.documents ?? null,
    out: data.out.documents ?? null,
    changed: data.changed ?? null,
    reasons: [...data.reasons].map(([name, documents]) => ({ name, documents })),
    marks: [...data.marks].map(([name, { documents }]) => ({ name, documents: documents ?? 0 })),
    fact,
  }));
}

function conversationsOf({ record }: PaperInput): PortalData["conversations"] {
  const { conversations, finetuneData } = record;
  const count = conversations?.data.train;
  if (conversations === undefined || count === undefined) return null;
  return {
    count,
    tokens: finetuneData?.data.tokens ?? null,
    madeBy: conversations.data.madeBy ?? "not recorded",
    licence: conversations.data.licence ?? "not recorded",
    fact: conversations.fact,
  };
}

/** `portal.json`. @param others papers that are no forms, by path below `legal/` */
export function portalData(
  input: PaperInput,
  papers: readonly Paper[],
  others: PortalData["files"],
): PortalData {
  const { record, release, licence, parameters, config } = input;
  const { training, compute, domains } = record;
  const profile = record.provider?.data;
  const sources = sourcesOf(input);
  return {
    format: 1,
    ...release,
    licence,
    parameters,
    fact: record.model?.fact ?? null,
    contextLength: config.contextLength,
    provider:
      profile === undefined
        ? null
        : {
            name: profile.name,
            contact: contactLine(record) ?? null,
            website: profile.website ?? null,
            complaints: profile.complaints ?? null,
            intendedUse: profile.intendedUse ?? null,
            outOfScopeUse: profile.outOfScopeUse ?? null,
            limitations: profile.limitations ?? null,
          },
    training:
      training === undefined
        ? null
        : {
            documents: training.data.documents ?? null,
            tokens: training.data.tokens ?? null,
            bytes: training.data.bytes ?? null,
            fact: training.fact,
          },
    compute:
      compute === undefined
        ? null
        : { flop: compute.data.architectureFlop, sentence: compute.data.sentence, fact: compute.fact },
    sources,
    languages: languageTokens(record).map(([name, tokens]) => ({ name, tokens })),
    licences: licencesOf(sources),
    steps: stepsOf(input),
    conversations: conversationsOf(input),
    reservations: reservationPolicy(record).map(({ text, facts }) => ({ text, fact: facts[0] ?? "" })),
    files: others,
    domains: domains === undefined ? null : { count: domains.data.domains, fact: domains.fact },
    papers: papers.map(({ title, file, sections, isGapList }) => ({
      title,
      file,
      open: isGapList === true ? null : openQuestions(sections).length,
    })),
  };
}

/** A domain in the look-up table: documents, bytes and tokens kept; documents refused by step and reason. */
export type DomainEntry = {
  readonly kept: readonly [documents: number, bytes: number, tokens: number];
  readonly refused: readonly (readonly [step: string, reason: string, documents: number])[];
};
export type DomainLookup = {
  readonly format: 1;
  /** True where the table holds only the domains with most text. */
  readonly cut: boolean;
  readonly domains: { readonly [domain: string]: DomainEntry };
};

/** More domains would make a page wait. */
const MOST_DOMAINS = 50_000;

/** `lookup.json`: what was decided about each registrable domain. */
export function domainLookup({ kept, dropped }: HostDecisions): DomainLookup {
  const entries = new Map<string, { kept: [number, number, number]; refused: Map<string, number> }>();
  const entryOf = (domain: string): { kept: [number, number, number]; refused: Map<string, number> } => {
    const entry = entries.get(domain) ?? { kept: [0, 0, 0], refused: new Map<string, number>() };
    entries.set(domain, entry);
    return entry;
  };
  for (const { domain, documents, bytes, tokens } of domainTotals(kept))
    entryOf(domain).kept = [documents, bytes, tokens];
  for (const { host, step, reason, documents } of dropped) {
    const { refused } = entryOf(registrable(host));
    const key = JSON.stringify([step, reason]);
    refused.set(key, (refused.get(key) ?? 0) + documents);
  }
  const sorted = [...entries].sort(
    (a, b) => b[1].kept[1] - a[1].kept[1] || b[1].refused.size - a[1].refused.size || (a[0] < b[0] ? -1 : 1),
  );
  return {
    format: 1,
    cut: sorted.length > MOST_DOMAINS,
    domains: Object.fromEntries(
      sorted.slice(0, MOST_DOMAINS).map(([domain, entry]) => [
        domain,
        {
          kept: entry.kept,
          refused: [...entry.refused].map(([key, documents]) => {
            const [step, reason] = JSON.parse(key) as [string, string];
            return [step, reason, documents] as const;
          }),
        },
      ]),
    ),
  };
}
