/**
 * @file robots.txt as RFC 9309 reads it, with the lines in which sites speak about training (AIPREF `Content-Usage`,
 * Cloudflare `Content-Signal`, `DisallowAITraining`). Whatever the file holds, reading it takes linear time and bounded
 * memory, and never fails.
 */
import { EVERYONE, productToken } from "./agents.ts";
import { canonicalPath, matchesPath, parsePattern, type PathPattern } from "./path-pattern.ts";
import { refusesTraining } from "./usage-preference.ts";

/** What RFC 9309 §2.5 asks crawlers to read at least, and where this one stops. */
export const ROBOTS_LIMIT_BYTES = 500 * 1024;

/** One line that counts. */
export interface RobotsRule {
  /** For `allow`/`disallow`: may fetch; for usage lines: may train. */
  readonly allow: boolean;
  readonly pattern: PathPattern;
  /** The line as it stands in the file. */
  readonly line: string;
}

interface RobotsGroup {
  readonly agents: Set<string>;
  readonly access: RobotsRule[];
  readonly usage: RobotsRule[];
}

/** Keys as they are written in the wild; the misspellings are those that Google's parser takes, too. */
const KEYS: Readonly<Record<string, "agent" | "allow" | "disallow" | "usage" | "signal" | "noTraining">> = {
  "user-agent": "agent",
  "user agent": "agent",
  useragent: "agent",
  allow: "allow",
  disallow: "disallow",
  dissallow: "disallow",
  dissalow: "disallow",
  disalow: "disallow",
  diasllow: "disallow",
  disallaw: "disallow",
  "content-usage": "usage",
  "content-signal": "signal",
  disallowaitraining: "noTraining",
};

const ANYWHERE = parsePattern("/");

function usageRule(value: string, line: string): RobotsRule | undefined {
  const path = /^(\/\S*)(?:\s+|$)/.exec(value);
  const refused = refusesTraining(path === null ? value : value.slice(path[0].length));
  if (refused === undefined) return undefined;
  return { allow: !refused, pattern: path === null ? ANYWHERE : parsePattern(path[1]!), line };
}

function accessRule(allow: boolean, value: string, line: string): RobotsRule | undefined {
  // An empty path allows what no other rule forbids; one that begins otherwise matches no path.
  return /^[/*]/.test(value) ? { allow, pattern: parsePattern(value), line } : undefined;
}

/** The first `ROBOTS_LIMIT_BYTES` as text. A line that the limit cuts is dropped. */
function readable(content: string | Uint8Array): { text: string; truncated: boolean } {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const truncated = bytes.length > ROBOTS_LIMIT_BYTES;
  const text = new TextDecoder().decode(bytes.subarray(0, ROBOTS_LIMIT_BYTES));
  const lastLine = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1;
  return { text: truncated ? text.slice(0, lastLine) : text, truncated };
}

/** Collects the lines of a file into groups. */
class GroupBuilder {
  readonly groups: RobotsGroup[] = [];
  #current: RobotsGroup | undefined;
  #naming = false;

  add(line: string): void {
    const bare = line.replace(/#.*$/s, "").trim();
    // A colon, or, as Google's parser has it, white space between two words.
    const match = /^([^:]{1,40}?)\s*:\s*(.*)$/s.exec(bare) ?? /^(\S{1,40})\s+(\S+)$/.exec(bare);
    const name = match?.[1]!.toLowerCase() ?? "";
    if (!Object.hasOwn(KEYS, name)) return; // Other records must not interfere (§2.2.4).
    const key = KEYS[name]!;
    const value = match![2]!;
    if (key === "agent") {
      if (!this.#naming || this.#current === undefined) {
        this.#current = { agents: new Set(), access: [], usage: [] };
        this.groups.push(this.#current);
      }
      this.#naming = true;
      this.#current.agents.add(productToken(value));
      return;
    }
    // Rules before the first user-agent line belong to nobody (§2.1).
    if (this.#current === undefined) return;
    this.#naming = false;
    if (key === "allow" || key === "disallow") {
      const rule = accessRule(key === "allow", value, bare);
      if (rule !== undefined) this.#current.access.push(rule);
      return;
    }
    const usage =
      key === "noTraining" ? accessRule(false, value === "" ? "/" : value, bare) : usageRule(value, bare);
    if (usage !== undefined) this.#current.usage.push(usage);
  }
}

/** The longest match; among equals allowing wins for access (§2.2.2) and refusing for usage. */
function decide(rules: readonly RobotsRule[], path: string, tie: boolean): RobotsRule | undefined {
  let best: RobotsRule | undefined;
  for (const rule of rules) {
    if (best !== undefined && rule.pattern.length < best.pattern.length) continue;
    if (!matchesPath(rule.pattern, path)) continue;
    if (best === undefined || rule.pattern.length > best.pattern.length || rule.allow === tie) best = rule;
  }
  return best;
}

/** What a site answers under the name robots.txt. */
export class RobotsFile {
  /** `html` where a site answers every address with a page. */
  readonly content: "rules" | "html" | "empty";
  /** True when the file was longer than the limit; what is beyond was not read. */
  readonly truncated: boolean;
  readonly #groups: readonly RobotsGroup[];
  readonly #named = new Set<string>();
  readonly #rules = new Map<string, { access: RobotsRule[]; usage: RobotsRule[] }>();

  /** Reads the file. */
  constructor(content: string | Uint8Array) {
    const { text, truncated } = readable(content);
    const body = text.replace(/^\ufeff/, "");
    const builder = new GroupBuilder();
    this.truncated = truncated;
    this.#groups = builder.groups;
    this.content = "rules";
    if (body.trim() === "") this.content = "empty";
    else if (/^\s*<(?:!doctype|html|head|body|\?xml|!--)/i.test(body)) this.content = "html";
    else for (const line of body.split(/\r\n|\r|\n/)) builder.add(line);
    for (const { agents } of builder.groups) for (const agent of agents) this.#named.add(agent);
  }

  /** True when no group names `agent`, so that the rules for everyone hold for it. */
  followsEveryone(agent: string): boolean {
    return !this.#named.has(productToken(agent));
  }

  /** The rules that hold for `agent`: of all groups that name it or, when none does, of the groups for everyone. */
  #rulesFor(agent: string): { access: readonly RobotsRule[]; usage: readonly RobotsRule[] } {
    const token = productToken(agent);
    let rules = this.#rules.get(token);
    if (rules === undefined) {
      const own = this.#groups.filter((group) => group.agents.has(token));
      const groups = own.length > 0 ? own : this.#groups.filter((group) => group.agents.has(EVERYONE));
      rules = {
        access: groups.flatMap((group) => group.access),
        usage: groups.flatMap((group) => group.usage),
      };
      this.#rules.set(token, rules);
    }
    return rules;
  }

  /**
   * The rule that keeps `agent` from fetching `path` (with its query), or `undefined` when it may. `/robots.txt` itself
   * may always be fetched.
   */
  disallowedBy(agent: string, path: string): RobotsRule | undefined {
    const canonical = canonicalPath(path);
    if (canonical === "/robots.txt") return undefined;
    const rule = decide(this.#rulesFor(agent).access, canonical, true);
    return rule?.allow === false ? rule : undefined;
  }

  /** The line that refuses training on `path` to `agent`, or `undefined`. */
  trainingRefusedBy(agent: string, path: string): RobotsRule | undefined {
    const rule = decide(this.#rulesFor(agent).usage, canonicalPath(path), false);
    return rule?.allow === false ? rule : undefined;
  }
}
