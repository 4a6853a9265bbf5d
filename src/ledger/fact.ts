/** @file A fact: one line of the ledger, chained to the line before it by its hash. */
import { z } from "zod";
import { canonicalJson, type Json, parseJson, sha256 } from "../core/index.ts";

/** What the writer of a fact says. */
export interface NewFact {
  /** What happened: `source`, `step`, `train`, `stage.done`, … */
  readonly kind: string;
  /** The stage that says it, and the fingerprint of what it makes (empty for facts outside a stage). */
  readonly stage: string;
  readonly fingerprint: string;
  /** Counts the runs of a stage that began anew; a resumed run goes on with its attempt. 0 outside a stage. */
  readonly attempt: number;
  readonly data: Json;
}

export interface Fact extends NewFact {
  /** 0 for the first line, then one more each. */
  readonly seq: number;
  /** When it was recorded, ISO 8601 in UTC. */
  readonly time: string;
  /** `hash` of the line before; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256 over the canonical JSON of the line without `hash`. */
  readonly hash: string;
}

/** What the first fact has for `previous`. */
export const CHAIN_START = "0".repeat(64);

const json: z.ZodType<Json> = z.json();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const factSchema = z.strictObject({
  seq: z.int().min(0),
  time: z.iso.datetime(),
  kind: z.string().min(1).max(100),
  stage: z.string().max(100),
  fingerprint: z.union([digest, z.literal("")]),
  attempt: z.int().min(0),
  data: json,
  previous: digest,
  hash: digest,
});

/** Chains `fact` behind the fact whose hash is `previous`. */
export function sealFact(fact: NewFact, seq: number, previous: string, time: string): Fact {
  const { kind, stage, fingerprint, attempt, data } = fact;
  const line = { seq, time, kind, stage, fingerprint, attempt, data, previous };
  return { ...line, hash: sha256(canonicalJson(line)) };
}

/** Reads one ledger line; the result is the fault in words if the line is not a fact whose hash is its own. */
export function parseFact(line: string): Fact | string {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch {
    return "is not JSON";
  }
  const parsed = factSchema.safeParse(value);
  if (!parsed.success) return `is not a fact (${parsed.error.issues[0]?.path.join(".") ?? "shape"})`;
  const { hash, ...rest } = parsed.data;
  return sha256(canonicalJson(rest)) === hash ? parsed.data : "was altered: its hash does not fit";
}

/**
 * The name of what a fact says, whenever and however often it was said: SHA-256 over kind, stage, fingerprint and
 * data. Papers print it, so that the same recipe prints the same paper and every number leads back to its line.
 */
export function factId({ kind, stage, fingerprint, data }: NewFact): string {
  return sha256(canonicalJson({ kind, stage, fingerprint, data }));
}
