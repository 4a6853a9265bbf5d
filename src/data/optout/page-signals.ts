/**
 * @file What a single page says about training, in its HTTP headers and its `<meta>` elements. Readers of web archives
 * keep the raw lines (`x-robots-tag: noai`) with the document; whether they count is decided later, by policy.
 */
import { productToken } from "./agents.ts";
import { refusesTraining } from "./usage-preference.ts";

/** HTTP headers worth keeping, lower-case. */
export const SIGNAL_HEADERS = ["x-robots-tag", "content-usage", "tdm-reservation", "tdm-policy"] as const;

const MAX_SIGNALS_CHARACTERS = 4000;
const META_NAMES = /^(?:robots|tdm-reservation|tdm-policy|content-usage|[a-z0-9_-]{2,60})$/i;

/** A line for a header. */
export function headerSignal(name: string, value: string): string | undefined {
  const key = name.toLowerCase();
  const known = (SIGNAL_HEADERS as readonly string[]).includes(key);
  return known ? `${key}: ${value.replace(/\s+/g, " ").trim().slice(0, 500)}` : undefined;
}

/** A line for `<meta name content>`, when it may be about training. */
export function metaSignal(name: string, content: string): string | undefined {
  const key = name.trim().toLowerCase();
  const known = (SIGNAL_HEADERS as readonly string[]).includes(key);
  if (!known && !(META_NAMES.test(key) && /\bnoai\b/i.test(content))) return undefined;
  return `meta ${key}: ${content.replace(/\s+/g, " ").trim().slice(0, 500)}`;
}

/** The lines of one page as its document carries them; `null` when there are none. */
export function joinSignals(lines: readonly (string | undefined)[]): string | null {
  const said = lines.filter((line) => line !== undefined);
  return said.length === 0 ? null : said.join("\n").slice(0, MAX_SIGNALS_CHARACTERS);
}

/** `GPTBot: noai, noindex` speaks to one agent; `noai, max-snippet: 5` to all. */
function saysNoAi(value: string, agents: ReadonlySet<string>): boolean {
  const addressed = /^([A-Za-z0-9_-]+)\s*:\s*(.*)$/.exec(value);
  const directives = /^max-|^unavailable_after$/i.test(addressed?.[1] ?? "max-") ? value : addressed![2]!;
  const toUs = directives === value || agents.has(productToken(addressed![1]!));
  return toUs && directives.split(",").some((directive) => directive.trim().toLowerCase() === "noai");
}

/** What a page's own lines refuse. */
export interface PageRefusal {
  readonly signal: "noai" | "content-usage" | "tdm-reservation";
  /** The line as it was sent. */
  readonly line: string;
}

/** The refusals among the lines of a page, for a list of agents. */
export function pageRefusals(signals: string, agents: readonly string[]): PageRefusal[] {
  const tokens = new Set(agents.map(productToken));
  const found: PageRefusal[] = [];
  for (const line of signals.split("\n")) {
    const [head = "", ...rest] = line.split(":");
    const value = rest.join(":").trim();
    const key = head.replace(/^meta /, "");
    if (key === "tdm-reservation") {
      if (value === "1") found.push({ signal: key, line });
    } else if (key === "content-usage") {
      if (refusesTraining(value) === true) found.push({ signal: key, line });
    } else if (key === "x-robots-tag" || key === "robots") {
      if (saysNoAi(value, tokens)) found.push({ signal: "noai", line });
    } else if (tokens.has(productToken(key)) && saysNoAi(value, tokens)) {
      found.push({ signal: "noai", line });
    }
  }
  return found;
}

/** Whether the page says in so many words that it is not reserved, which outranks the file of its site (TDMRep §5). */
export function saysNotReserved(signals: string): boolean {
  return /^(?:meta )?tdm-reservation: 0$/m.test(signals);
}
