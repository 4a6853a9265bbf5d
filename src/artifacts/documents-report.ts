/**
 * @file What a documents artifact holds and what it dropped, for people: the funnel of steps and reasons, languages, web
 * sites, licences, and a fair sample of both sides. One pass over the tables, in bounded memory.
 */
import { groupBy, randomStream } from "../core/index.ts";
import { type DocumentRecord, readDocuments, readRejects, type RejectRecord } from "./documents.ts";

/** Documents and UTF-8 bytes of text. */
export interface ReportCount {
  readonly documents: number;
  readonly bytes: number;
}

/** What was kept and dropped under one name (a language, a site, a licence). */
export interface KeptAndDropped {
  readonly name: string;
  readonly kept: ReportCount;
  readonly dropped: ReportCount;
}

/** Documents that one step dropped for one reason. */
export interface DroppedGroup extends ReportCount {
  readonly step: string;
  readonly reason: string;
  /** How many of them by language. */
  readonly languages: Readonly<Record<string, number>>;
}

export interface DocumentsReport {
  readonly train: ReportCount;
  readonly heldout: ReportCount;
  readonly dropped: ReportCount;
  /** In the order in which steps first dropped something, most first within a step. */
  readonly reasons: readonly DroppedGroup[];
  /** By ISO 639-3, most kept first. */
  readonly languages: readonly KeptAndDropped[];
  /** Hosts of web documents, most text first. */
  readonly domains: readonly KeptAndDropped[];
  readonly licences: readonly KeptAndDropped[];
  readonly keptExamples: readonly DocumentRecord[];
  /** Some of every reason, in turn. */
  readonly rejectedExamples: readonly RejectRecord[];
}

/** Beyond this many names, further ones are counted together as `others`. */
const MAX_NAMES = 100_000;
const OTHERS = "others";

class Names {
  readonly #names = new Map<
    string,
    { kept: { documents: number; bytes: number }; dropped: { documents: number; bytes: number } }
  >();

  add(name: string, side: "kept" | "dropped", bytes: number): void {
    const key = this.#names.has(name) || this.#names.size < MAX_NAMES ? name : OTHERS;
    let counts = this.#names.get(key);
    if (counts === undefined) {
      counts = { kept: { documents: 0, bytes: 0 }, dropped: { documents: 0, bytes: 0 } };
      this.#names.set(key, counts);
    }
    counts[side].documents += 1;
    counts[side].bytes += bytes;
  }

  sorted(): KeptAndDropped[] {
    const rows = [...this.#names].map(([name, counts]) => ({ name, ...counts }));
    const size = ({ kept, dropped }: KeptAndDropped): number => kept.bytes + dropped.bytes;
    return rows.sort(
      (a, b) => b.kept.bytes - a.kept.bytes || size(b) - size(a) || (a.name < b.name ? -1 : 1),
    );
  }
}

/** A sample in which every item has the same chance (Vitter 1985, algorithm R). */
class Sample<T> {
  readonly items: T[] = [];
  readonly #limit: number;
  readonly #random: ReturnType<typeof randomStream>;
  #seen = 0;

  constructor(limit: number, seed: number, label: string) {
    this.#limit = limit;
    this.#random = randomStream(seed, "examples", label);
  }

  add(item: T): void {
    this.#seen += 1;
    if (this.items.length < this.#limit) this.items.push(item);
    else {
      const place = this.#random.integer(this.#seen);
      if (place < this.#limit) this.items[place] = item;
    }
  }
}

/** By the language step, else by the source. */
function languageOf(document: DocumentRecord): string {
  return document.language ?? document.declaredLanguage ?? "und";
}

function hostOf(url: string | null): string | undefined {
  const host = /^https?:\/\/(?:[^/?#@]*@)?([^/?#:]+)/i.exec(url ?? "")?.[1];
  return host?.toLowerCase();
}

/** Counts what both sides have in common. */
class Counter {
  readonly languages = new Names();
  readonly domains = new Names();
  readonly licences = new Names();

  add(document: DocumentRecord, side: "kept" | "dropped"): void {
    const { bytes, licence, url } = document;
    this.languages.add(languageOf(document), side, bytes);
    this.licences.add(licence, side, bytes);
    const host = hostOf(url);
    if (host !== undefined) this.domains.add(host, side, bytes);
  }
}

/** Takes one of each group in turn until `limit` are taken. */
function inTurn<T>(groups: readonly (readonly T[])[], limit: number): T[] {
  const taken: T[] = [];
  for (let round = 0; taken.length < limit; round++) {
    const next = groups.flatMap((group) => group.slice(round, round + 1));
    if (next.length === 0) break;
    taken.push(...next.slice(0, limit - taken.length));
  }
  return taken;
}

/**
 * Reports on the documents artifact in `dir`. The same `seed` shows the same examples; `examples` is how many of each side.
 *
 * @throws those of `readDocuments` and `readRejects`
 */
export async function reportDocuments(
  dir: string,
  options: { readonly examples: number; readonly seed: number },
): Promise<DocumentsReport> {
  const { examples, seed } = options;
  const counter = new Counter();
  const kept = new Sample<DocumentRecord>(examples, seed, "kept");
  const totals = {
    train: { documents: 0, bytes: 0 },
    heldout: { documents: 0, bytes: 0 },
    dropped: { documents: 0, bytes: 0 },
  };
  for (const split of ["train", "heldout"] as const) {
    for await (const batch of readDocuments(dir, split)) {
      for (const document of batch) {
        totals[split].documents += 1;
        totals[split].bytes += document.bytes;
        counter.add(document, "kept");
        kept.add(document);
      }
    }
  }
  const reasons = new Map<
    string,
    {
      group: {
        step: string;
        reason: string;
        documents: number;
        bytes: number;
        languages: Record<string, number>;
      };
      sample: Sample<RejectRecord>;
    }
  >();
  for await (const batch of readRejects(dir)) {
    for (const reject of batch) {
      const { step, reason, bytes } = reject;
      totals.dropped.documents += 1;
      totals.dropped.bytes += bytes;
      counter.add(reject, "dropped");
      const key = `${step}/${reason}`;
      let entry = reasons.get(key);
      if (entry === undefined) {
        entry = {
          group: { step, reason, documents: 0, bytes: 0, languages: {} },
          sample: new Sample(examples, seed, key),
        };
        reasons.set(key, entry);
      }
      entry.group.documents += 1;
      entry.group.bytes += bytes;
      const language = languageOf(reject);
      entry.group.languages[language] = (entry.group.languages[language] ?? 0) + 1;
      entry.sample.add(reject);
    }
  }
  const bySteps = [
    ...groupBy(
      [...reasons.values()].map(({ group }) => group),
      ({ step }) => step,
    ).values(),
  ];
  return {
    ...totals,
    reasons: bySteps.flatMap((groups) => groups.sort((a, b) => b.documents - a.documents)),
    languages: counter.languages.sorted(),
    domains: counter.domains.sorted(),
    licences: counter.licences.sorted(),
    keptExamples: kept.items,
    rejectedExamples: inTurn(
      [...reasons.values()].map(({ sample }) => sample.items),
      examples,
    ),
  };
}
