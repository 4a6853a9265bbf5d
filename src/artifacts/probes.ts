/**
 * @file Memorisation probes of a documents artifact: `probes.jsonl`, texts that training reads a known number of times or
 * never, and `probe-references.jsonl`, made texts of the same kinds that nobody reads, to rank canaries among.
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { canonicalJson, FirnError, sha256 } from "../core/index.ts";
import { writeFileAtomic } from "./atomic.ts";
import { readJsonl } from "./jsonl.ts";

/** What canaries are made of. */
export const CANARY_KINDS = ["characters", "words", "personal-data"] as const;
export type CanaryKind = (typeof CANARY_KINDS)[number];

/** What a probe is: a made text, or a text of a source. */
export const probeKindSchema = z.enum([...CANARY_KINDS, "text"]);
/** Of canaries: whether the same words come before it each time. */
export const probePrefixesSchema = z.enum(["same", "different"]).nullable();

const probeSchema = z.strictObject({
  id: z.string().min(1),
  kind: probeKindSchema,
  /** How often one pass over the training share has it. */
  repetitions: z.int().min(0),
  prefixes: probePrefixesSchema,
  /** Of canaries: the length that was asked for, in UTF-16 units; the text may be a little shorter. */
  characters: z.int().min(1).optional(),
  /** Documents that hold it; none for one that nobody sees. */
  documents: z.array(z.string()),
  text: z.string().min(1),
});
/** A line of `probes.jsonl`. */
export type Probe = Readonly<z.infer<typeof probeSchema>>;

const referenceSchema = z.strictObject({
  kind: z.enum(CANARY_KINDS),
  characters: z.int().min(1),
  text: z.string().min(1),
});
/** A line of `probe-references.jsonl`: a text made like the canaries of its kind and length, which stands in no document. */
export type ProbeReference = Readonly<z.infer<typeof referenceSchema>>;

export const PROBES_FILE = "probes.jsonl";
export const PROBE_REFERENCES_FILE = "probe-references.jsonl";

/** Returns the hash of the file. */
async function writeLines(
  dir: string,
  file: string,
  items: readonly (Probe | ProbeReference)[],
): Promise<string> {
  const text = items.map((item) => `${canonicalJson(item)}\n`).join("");
  await writeFileAtomic(join(dir, file), text);
  return sha256(text);
}

/** Writes both lists into a documents artifact; the second only where there is one. Returns the hashes of the files. */
export async function writeProbes(
  dir: string,
  probes: readonly Probe[],
  references: readonly ProbeReference[],
): Promise<{ readonly probes: string; readonly references: string | null }> {
  return {
    probes: await writeLines(dir, PROBES_FILE, probes),
    references: references.length === 0 ? null : await writeLines(dir, PROBE_REFERENCES_FILE, references),
  };
}

async function readLines<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const batch of readJsonl(path)) {
    for (const item of batch) {
      const parsed = "value" in item ? schema.safeParse(item.value) : undefined;
      if (parsed?.success === true) {
        items.push(parsed.data);
        continue;
      }
      const issue = parsed?.error?.issues[0];
      throw new FirnError("ARTIFACT_PROBES", {
        expected: "a probe per line",
        got:
          "reason" in item
            ? item.detail
            : `${issue?.path.join(".") ?? "line"}: ${issue?.message ?? "unknown"}`,
        where: `${path}:${item.line}`,
        next: "The file was changed by hand or cut off; build the documents again.",
      });
    }
  }
  return items;
}

/**
 * The probes of a documents artifact, and the texts to rank them among; both empty where the artifact has none.
 *
 * @throws FirnError `ARTIFACT_PROBES` naming the first line that is none
 */
export async function readProbes(
  dir: string,
): Promise<{ readonly probes: readonly Probe[]; readonly references: readonly ProbeReference[] }> {
  const there = async (file: string): Promise<boolean> =>
    access(join(dir, file)).then(
      () => true,
      () => false,
    );
  return {
    probes: (await there(PROBES_FILE)) ? await readLines(join(dir, PROBES_FILE), probeSchema) : [],
    references: (await there(PROBE_REFERENCES_FILE))
      ? await readLines(join(dir, PROBE_REFERENCES_FILE), referenceSchema)
      : [],
  };
}
