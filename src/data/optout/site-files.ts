/**
 * @file The two other files in which a site reserves its rights: `/.well-known/tdmrep.json` (TDMRep, W3C Community
 * Group final report of 2 February 2024) and `/ai.txt` (Spawning), which speaks of kinds of files.
 */
import { z } from "zod";
import { matchesPath, parsePattern, type PathPattern } from "./path-pattern.ts";
import { RobotsFile } from "./robots.ts";

const MAX_TDM_RULES = 10_000;

const tdmSchema = z.array(z.unknown()).max(MAX_TDM_RULES);
const tdmRule = z.looseObject({
  location: z.string().min(1).max(4096),
  "tdm-reservation": z.union([z.literal(0), z.literal(1), z.literal("0"), z.literal("1")]),
});

/** The rules of a tdmrep.json file; entries that are not rules are passed over. */
export class TdmReservations {
  readonly #rules: { pattern: PathPattern; reserved: boolean; raw: string }[] = [];

  constructor(text: string) {
    let value: unknown;
    try {
      value = JSON.parse(text.replace(/^\ufeff/, ""));
    } catch {
      return;
    }
    const entries = tdmSchema.safeParse(value);
    for (const entry of entries.data ?? []) {
      const rule = tdmRule.safeParse(entry);
      if (!rule.success) continue;
      const reserved = Number(rule.data["tdm-reservation"]) === 1;
      const raw = `location ${rule.data.location}, tdm-reservation ${reserved ? 1 : 0}`;
      this.#rules.push({ pattern: parsePattern(rule.data.location), reserved, raw });
    }
  }

  /** The rule that reserves `path`: of the rules that match, the most specific decides. */
  reservedBy(path: string): string | undefined {
    let best: { pattern: PathPattern; reserved: boolean; raw: string } | undefined;
    for (const rule of this.#rules) {
      if (!matchesPath(rule.pattern, path)) continue;
      if (best === undefined || rule.pattern.length > best.pattern.length) best = rule;
    }
    return best?.reserved === true ? best.raw : undefined;
  }
}

/** ai.txt: the grammar of robots.txt, where `*.html` stands for pages by their kind. */
export class AiText {
  readonly #file: RobotsFile;

  constructor(text: string) {
    this.#file = new RobotsFile(text);
  }

  /** The line that refuses a page at `path`. One whose address has no ending is a web page, so `.html`. */
  refusedBy(path: string): string | undefined {
    const [plain = "/"] = path.split("?", 1);
    const named = /\.[A-Za-z0-9]{1,8}$/.test(plain) ? plain : `${plain.replace(/\/$/, "/index")}.html`;
    return this.#file.disallowedBy("*", named)?.line;
  }
}
