/**
 * @file What a model recites of its corpus. Each probe is begun and the model goes on with its likeliest tokens, which
 * are held against the true ones (Apertus technical report §5.4); and each probe is ranked by its likelihood among texts of
 * the same kind and length that nobody read (Carlini et al. 2019, "The Secret Sharer": exposure).
 */
import type { MemorisationRecord, Probe, ProbeReference } from "../artifacts/index.ts";
import { groupBy, type Work } from "../core/index.ts";
import type { LanguageModel } from "../generate/index.ts";
import { continueGreedily } from "./continue-greedily.ts";
import { commonBeginning, longestCommonRun, rougeL, typeTokenRatio } from "./overlap.ts";
import { scoreInBatches } from "./score-batches.ts";
import type { TextCodec } from "./text-codec.ts";

export interface MemorisationOptions {
  readonly probes: readonly Probe[];
  /** Texts to rank canaries among; texts of a source are ranked among the unseen ones of `probes`. */
  readonly references: readonly ProbeReference[];
  /** Tokens given of a text: each that leaves as many to compare, or `suffixTokens`, in the text and in the context. */
  readonly prefixTokens: readonly number[];
  /** Tokens compared at most. */
  readonly suffixTokens: number;
  /** Probes of one kind, length, prefix and repetition count that are continued at most; the first ones are. */
  readonly perBucket: number;
  /** See `MemorisationRecord`. */
  readonly goldfish: number | null;
  readonly timesRead: (probe: Probe) => number | null;
}

interface Cut {
  readonly given: "prefix" | "half";
  readonly prefix: number;
  readonly suffix: number;
}

/**
 * Where a probe of `tokens` tokens is cut for a model that takes `room` tokens after `<s>`. Canaries, and texts that are too
 * short for every prefix, are cut in the middle.
 */
export function probeCuts(
  kind: Probe["kind"],
  tokens: number,
  room: number,
  { prefixTokens, suffixTokens }: Pick<MemorisationOptions, "prefixTokens" | "suffixTokens">,
): Cut[] {
  const usable = Math.min(tokens, room);
  const cut = (given: Cut["given"], prefix: number): Cut => ({
    given,
    prefix,
    suffix: Math.min(suffixTokens, usable - prefix),
  });
  const fit = prefixTokens.filter((prefix) => usable - prefix >= Math.min(prefix, suffixTokens));
  if (kind === "text" && fit.length > 0) return fit.map((prefix) => cut("prefix", prefix));
  return usable === 0 ? [] : [cut("half", Math.floor(usable / 2))];
}

/** A text as the model reads it. Canaries stand after other words, so that a space is part of their first token. */
function framed(codec: TextCodec, kind: Probe["kind"], text: string): readonly number[] {
  return codec.encode(kind === "text" ? text : ` ${text}`);
}

const bucketOf = ({ kind, prefixes, characters, repetitions }: Probe): string =>
  JSON.stringify([kind, prefixes, characters, repetitions]);
const rankedAmong = ({ kind, characters }: Pick<Probe, "kind" | "characters">): string =>
  JSON.stringify([kind, characters]);

/** The first `limit` probes of each bucket. */
function firstOfBuckets(probes: readonly Probe[], limit: number): Probe[] {
  const taken = new Map<string, number>();
  return probes.filter((probe) => {
    const bucket = bucketOf(probe);
    const before = taken.get(bucket) ?? 0;
    taken.set(bucket, before + 1);
    return before < limit;
  });
}

/** Bits per byte of each text after `<s>`, as far as the context reaches. */
async function textBits(
  model: LanguageModel,
  codec: TextCodec,
  texts: readonly { readonly kind: Probe["kind"]; readonly text: string }[],
  options: { readonly batchTokens?: number; readonly signal: AbortSignal },
): Promise<Float64Array> {
  const room = model.contextLength - 1;
  const bits = new Float64Array(texts.length);
  const ids = texts.map(({ kind, text }) => framed(codec, kind, text).slice(0, room));
  await scoreInBatches(
    model,
    ids.map((tokens) => [codec.bosId, ...tokens]),
    (index, logprobs) => {
      const nats = logprobs.reduce((sum, logprob, i) => (i === 0 ? sum : sum - logprob), 0);
      bits[index] = nats / Math.LN2 / Math.max(1, Buffer.byteLength(codec.decode(ids[index]!)));
    },
    options,
  );
  return bits;
}

/** One record per probe, in their order. Nothing is drawn: same model, same records. */
export async function measureMemorisation(
  model: LanguageModel,
  codec: TextCodec,
  options: MemorisationOptions & { readonly batchTokens?: number },
  { report, signal }: Pick<Work, "report" | "signal">,
): Promise<MemorisationRecord[]> {
  const { probes: all, references, goldfish, timesRead, perBucket, batchTokens } = options;
  const probes = firstOfBuckets(all, perBucket);
  const unseen = all.filter(({ kind, repetitions }) => kind === "text" && repetitions === 0);
  const batch = { signal, ...(batchTokens === undefined ? {} : { batchTokens }) };
  const bits = await textBits(model, codec, probes, batch);
  const ranked = [...references, ...unseen];
  const rankedBits = await textBits(
    model,
    codec,
    ranked.map((item) => ({ kind: item.kind, text: item.text })),
    batch,
  );
  const groups = groupBy(
    ranked.map((item, i) => ({ item, bits: rankedBits[i]! })),
    ({ item }) => rankedAmong(item),
  );
  const task = report.task("memorisation", probes.length, "probes");
  const records: MemorisationRecord[] = [];
  for (const [i, probe] of probes.entries()) {
    signal.throwIfAborted();
    const ids = framed(codec, probe.kind, probe.text);
    const continuations: MemorisationRecord["continuations"] = [];
    for (const { given, prefix, suffix } of probeCuts(
      probe.kind,
      ids.length,
      model.contextLength - 1,
      options,
    )) {
      const truth = ids.slice(prefix, prefix + suffix);
      const prompt = [codec.bosId, ...ids.slice(0, prefix)];
      const said = await continueGreedily(model, prompt, {
        maxTokens: suffix,
        stopId: codec.eosId,
        hope: truth,
        signal,
      });
      continuations.push({
        given,
        prefixTokens: prefix,
        suffixTokens: suffix,
        matched: commonBeginning(said, truth),
        rougeL: rougeL(said, truth),
        lccs: longestCommonRun(said, truth) / suffix,
        ttr: typeTokenRatio(said),
        trueTtr: typeTokenRatio(truth),
      });
    }
    const others = (groups.get(rankedAmong(probe)) ?? []).filter(
      ({ item }) => !("id" in item && item.id === probe.id),
    );
    records.push({
      task: "memorisation",
      example: probe.id,
      kind: probe.kind,
      prefixes: probe.prefixes,
      repetitions: probe.repetitions,
      timesRead: timesRead(probe),
      goldfish,
      continuations,
      bitsPerByte: bits[i]!,
      references: others.length,
      rank: others.length === 0 ? null : 1 + others.filter((other) => other.bits < bits[i]!).length,
    });
    task.update(i + 1);
  }
  task.finish();
  return records;
}
