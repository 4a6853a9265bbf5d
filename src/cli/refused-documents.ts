/**
 * @file What opt-outs took out of the corpora of a store, for one domain: which signal, on what evidence, in which build,
 * and how many tokens the text would have been.
 */
import { type Artifact, openStore, readRejects } from "../artifacts/index.ts";
import type { Ledger } from "../ledger/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";

/** Steps that act on a refusal. */
const STEPS = new Set(["opt-out", "opt-out-text"]);

/** Documents that one refusal took out of one corpus. */
export interface RefusedGroup {
  /** The documents artifact, by fingerprint. */
  readonly corpus: string;
  /** When it was built; null where the ledger does not say. */
  readonly built: string | null;
  /** The signal: `robots`, `tdm-reservation`, `request` … */
  readonly reason: string;
  /** The raw line, its file and date, and the agents. */
  readonly evidence: string;
  documents: number;
  bytes: number;
  /** By the tokenizer that was made from this corpus, else by another of the store; null where there is none. */
  tokens: number | null;
}

function hostOf(url: string | null): string {
  return url !== null && URL.canParse(url) ? new URL(url).hostname : "";
}

/** When each artifact was finished, by fingerprint. */
async function buildTimes(ledger: Ledger): Promise<Map<string, string>> {
  const times = new Map<string, string>();
  for await (const { kind, fingerprint, time } of ledger.facts()) {
    if (kind === "stage.done") times.set(fingerprint, time);
  }
  return times;
}

async function tokenizerOf(all: readonly Artifact[], corpus: string): Promise<Tokenizer | undefined> {
  const tokenizers = all.filter(({ kind }) => kind === "tokenizer");
  const made =
    tokenizers.find(({ manifest }) => manifest.inputs["documents"]?.fingerprint === corpus) ??
    tokenizers.at(-1);
  return made === undefined ? undefined : (await loadTokenizer(made.dir)).tokenizer;
}

/** What was refused of `domain` and the hosts below it, corpus by corpus, most documents first. */
export async function refusedDocuments(
  storeDir: string,
  ledger: Ledger,
  domain: string,
): Promise<RefusedGroup[]> {
  const all = await openStore(storeDir).list({ onBroken: () => undefined });
  const times = await buildTimes(ledger);
  const found: RefusedGroup[] = [];
  for (const { dir, manifest } of all.filter(({ kind }) => kind === "documents")) {
    const corpus = manifest.fingerprint;
    const tokenizer = await tokenizerOf(all, corpus);
    const groups = new Map<string, RefusedGroup>();
    for await (const batch of readRejects(dir)) {
      for (const { step, reason, detail, url, bytes, text } of batch) {
        const host = hostOf(url);
        if (!STEPS.has(step) || (host !== domain && !host.endsWith(`.${domain}`))) continue;
        const key = `${reason}\n${detail}`;
        let group = groups.get(key);
        if (group === undefined) {
          const built = times.get(corpus) ?? null;
          const tokens = tokenizer === undefined ? null : 0;
          group = { corpus, built, reason, evidence: detail ?? "", documents: 0, bytes: 0, tokens };
          groups.set(key, group);
        }
        group.documents += 1;
        group.bytes += bytes;
        if (group.tokens !== null && tokenizer !== undefined)
          group.tokens += tokenizer.encodeArray(text).length;
      }
    }
    found.push(...[...groups.values()].sort((a, b) => b.documents - a.documents));
  }
  return found;
}
