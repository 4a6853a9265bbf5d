/**
 * @file Whether a document may be trained on, by what its site said on the day of the snapshot, what its page said when
 * it was captured, and what was asked for since. The date of the capture plays no part: an opt-out counts for every
 * crawl, also those made before it was declared (Apertus technical report §3.1.1).
 */
import { APERTUS_AGENTS, EVERYONE } from "./agents.ts";
import { pageRefusals, saysNotReserved } from "./page-signals.ts";
import { pathOfUrl } from "./path-pattern.ts";
import type { OptOutRequests } from "./requests.ts";
import type { Site, Snapshot } from "./snapshot.ts";

/** Where a refusal may come from, in the order in which one of several becomes the reason of a reject. */
export const OPTOUT_SIGNALS = [
  "request",
  "robots",
  "robots-everyone",
  "content-usage",
  "tdm-reservation",
  "noai",
  "ai-txt",
  "unreachable",
] as const;
export type OptOutSignal = (typeof OPTOUT_SIGNALS)[number];

/** One refusal and its evidence. */
export interface Refusal {
  readonly signal: OptOutSignal;
  /** For robots.txt: the agents that are kept out. */
  readonly agents: readonly string[];
  /** The raw line and when it was read. */
  readonly evidence: string;
}

export interface OptOutPolicy {
  readonly agents: readonly string[];
  /** Signals that count; requests always do. */
  readonly signals: readonly OptOutSignal[];
  readonly snapshot: Snapshot | undefined;
  readonly requests: OptOutRequests | undefined;
}

/** What the policy looks at. */
export interface Judged {
  readonly url: string | null;
  readonly sha256: string;
  /** Raw lines of the page, as `joinSignals` made them. */
  readonly signals: string | null;
}

/** The default: every signal but an unreachable robots.txt, which Apertus takes for consent. */
export const DEFAULT_AGENTS: readonly string[] = APERTUS_AGENTS;
export const DEFAULT_SIGNALS: readonly OptOutSignal[] = OPTOUT_SIGNALS.filter(
  (name) => name !== "unreachable",
);

function robotsRefusals(site: Site, host: string, path: string, agents: readonly string[]): Refusal[] {
  const refusals: Refusal[] = [];
  const { robots, date } = site;
  if (robots === undefined) return [];
  const barred = new Map<string, string>();
  const refused: { agent: string; line: string }[] = [];
  for (const agent of agents) {
    const rule = robots.disallowedBy(agent, path);
    if (rule !== undefined) barred.set(agent, rule.line);
    const usage = robots.trainingRefusedBy(agent, path);
    if (usage !== undefined) refused.push({ agent, line: usage.line });
  }
  if (barred.size > 0) {
    // An agent without a group of its own is barred because everyone is; that is another statement than one to it.
    const forAll = barred.get(EVERYONE);
    const named = [...barred].filter(([agent]) => agent !== EVERYONE && !robots.followsEveryone(agent));
    const [, line] = named[0] ?? ["", forAll ?? [...barred.values()][0]!];
    refusals.push({
      signal: named.length > 0 ? "robots" : "robots-everyone",
      agents: [...barred.keys()],
      evidence: `${line} (robots.txt of ${host}, ${date})`,
    });
  }
  const first = refused[0];
  if (first !== undefined) {
    const evidence = `${first.line} (robots.txt of ${host}, ${date})`;
    refusals.push({ signal: "content-usage", agents: refused.map(({ agent }) => agent), evidence });
  }
  return refusals;
}

function siteRefusals(policy: OptOutPolicy, url: string, signals: string): Refusal[] {
  const place = pathOfUrl(url);
  const site = place === undefined ? undefined : policy.snapshot?.site(place.host);
  if (place === undefined || site === undefined) return [];
  const { host, path } = place;
  const refusals = robotsRefusals(site, host, path, policy.agents);
  const from = (name: string): string => `(${name} of ${host}, ${site.date})`;
  const reserved = saysNotReserved(signals) ? undefined : site.tdm?.reservedBy(path);
  if (reserved !== undefined) {
    refusals.push({ signal: "tdm-reservation", agents: [], evidence: `${reserved} ${from("tdmrep.json")}` });
  }
  const line = site.aiText?.refusedBy(path);
  if (line !== undefined)
    refusals.push({ signal: "ai-txt", agents: [], evidence: `${line} ${from("ai.txt")}` });
  if (site.unreachable)
    refusals.push({ signal: "unreachable", agents: [], evidence: `no answer ${from("robots.txt")}` });
  return refusals;
}

/** Every refusal that counts under `policy`, the one that becomes the reason first. */
export function findRefusals(document: Judged, policy: OptOutPolicy): Refusal[] {
  const found: Refusal[] = [];
  const request = policy.requests?.find(document);
  if (request !== undefined) {
    found.push({ signal: "request", agents: [], evidence: `request ${request.id} of ${request.date}` });
  }
  const signals = document.signals ?? "";
  if (document.url !== null) found.push(...siteRefusals(policy, document.url, signals));
  for (const { signal, line } of signals === "" ? [] : pageRefusals(signals, policy.agents)) {
    found.push({ signal, agents: [], evidence: `${line} (the page itself)` });
  }
  const counted = found.filter(({ signal }) => signal === "request" || policy.signals.includes(signal));
  const rank = (refusal: Refusal): number => OPTOUT_SIGNALS.indexOf(refusal.signal);
  return counted.sort((a, b) => rank(a) - rank(b));
}
