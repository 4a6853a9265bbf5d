/**
 * @file The last pass of cleaning: survivors go to the training or the held-out share, or are one too many; it is said how
 * often each is read.
 */
import { type DocumentRecord, type DocumentsWriter, type Probe, readDocuments } from "../artifacts/index.ts";
import { assert } from "../core/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import type { Judged } from "./judge-all.ts";
import { chooseProbeTexts } from "./probes/choose-texts.ts";
import { balanceDocuments } from "./steps/balance.ts";
import { type MixRow, overQuota } from "./steps/mix.ts";
import { type HeldoutPlan, splitDocuments } from "./steps/split.ts";
import { rejectDocument } from "./steps/step.ts";
import { countKept, countRejected, newTally, type StepTally } from "./tally.ts";

/** What becomes of each survivor. */
interface Fates {
  /** Number of the document that it is a near-duplicate of, or its own. */
  readonly firsts: readonly number[];
  readonly copies: readonly number[];
  readonly heldout: readonly boolean[];
  readonly over: readonly boolean[];
  /** How often each is read in one pass over the training share; 0 for one that is left out. */
  readonly repeats: readonly number[];
  /** Memorisation probes, and how often each is read; 0 for one that is kept out of everything. */
  readonly probes: ReadonlyMap<number, number>;
  readonly toppedUp: number;
}

/** Decides about the survivors from what is known of them without their texts. */
export function decideFates({ rows, firsts }: Judged, plan: HeldoutPlan, config: CleanConfig): Fates {
  const { share } = config.heldout;
  const first = firsts ?? rows.map((_, i) => i);
  const copies = rows.map(() => 0);
  for (const [i, row] of rows.entries()) copies[first[i]!]! += row.copies;
  const kept = rows.flatMap((_, i) => (first[i] === i ? [i] : []));
  const keptRows = kept.map((i) => rows[i]!);
  const split = splitDocuments(keptRows, plan, config.seed, share);
  const mixRows = keptRows.map((row, k): MixRow => ({ ...row, heldout: split.heldout[k]! }));
  const overKept = overQuota(mixRows, config.mix.caps, config.seed, share);
  const heldout = rows.map(() => false);
  const over = rows.map(() => false);
  for (const [k, i] of kept.entries()) {
    heldout[i] = split.heldout[k]!;
    over[i] = overKept[k]!;
  }
  const read = kept.filter((i) => !heldout[i]! && !over[i]!);
  const rounds = balanceDocuments(
    read.map((i) => ({ ...rows[i]!, copies: copies[i]! })),
    config.mix,
    config.seed,
  );
  const repeats = rows.map(() => 1);
  for (const [k, i] of read.entries()) repeats[i] = rounds[k]!;
  const texts = config.probes?.texts;
  const candidates = texts === undefined ? [] : rows.map((row, i) => ({ ...row, copies: copies[i]! }));
  const probes =
    texts === undefined
      ? new Map<number, number>()
      : chooseProbeTexts(
          candidates,
          (i) => first[i] === i && !heldout[i]! && !over[i]! && repeats[i]! > 0,
          texts,
          config.seed,
        );
  return { firsts: first, copies, heldout, over, repeats, probes, toppedUp: split.toppedUp };
}

/** Where documents go. */
interface Outlets {
  readonly train: DocumentsWriter;
  readonly heldout: DocumentsWriter;
  readonly rejects: DocumentsWriter;
}

/** What the third pass did. */
export interface Distributed {
  /** Counts; only where near-duplicates are looked for. */
  readonly near: StepTally | undefined;
  readonly split: StepTally;
  readonly mix: StepTally;
  /** Bytes of the training share in one pass, repeats counted, by source and by language. */
  readonly epoch: EpochCounts;
  readonly probes: StepTally;
  readonly probeTexts: readonly Probe[];
}

type EpochCounts = {
  readonly sources: Record<string, number>;
  readonly languages: Record<string, number>;
};

function addEpoch(
  { sources, languages }: EpochCounts,
  document: Pick<DocumentRecord, "source" | "language" | "bytes" | "repeats">,
): void {
  const bytes = document.bytes * document.repeats;
  const language = document.language ?? "und";
  sources[document.source] = (sources[document.source] ?? 0) + bytes;
  languages[language] = (languages[language] ?? 0) + bytes;
}

function probeOf({ id, text }: DocumentRecord, repetitions: number): Probe {
  return { id, kind: "text", repetitions, prefixes: null, documents: repetitions === 0 ? [] : [id], text };
}

/** Writes every survivor in `survivorsDir` to where its fate sends it, and the canaries after the documents to train on. */
export async function distribute(
  survivorsDir: string,
  { rows, firsts }: Judged,
  fates: Fates,
  out: Outlets,
  canaries: readonly DocumentRecord[],
): Promise<Distributed> {
  const near = newTally("near-duplicates");
  const split = newTally("split");
  const mix = newTally("mix");
  const probes = newTally("probes");
  const probeTexts: Probe[] = [];
  const epoch: EpochCounts = { sources: {}, languages: {} };
  const send = async (document: DocumentRecord, index: number): Promise<void> => {
    const first = fates.firsts[index]!;
    if (first !== index) {
      countRejected(near, document, "near-duplicate");
      await out.rejects.write([rejectDocument(document, near.step, "near-duplicate", rows[first]!.id)]);
      return;
    }
    countKept(near, document, document);
    countKept(split, document, document);
    if (fates.over[index] === true) {
      countRejected(mix, document, "over-quota");
      await out.rejects.write([rejectDocument(document, mix.step, "over-quota")]);
      return;
    }
    const repeats = fates.repeats[index]!;
    if (repeats === 0) {
      countRejected(mix, document, "downsampled");
      await out.rejects.write([rejectDocument(document, mix.step, "downsampled")]);
      return;
    }
    countKept(mix, document, document);
    const times = fates.probes.get(index);
    if (times !== undefined) probeTexts.push(probeOf(document, times));
    if (times === 0) {
      countRejected(probes, document, "unseen-probe");
      await out.rejects.write([rejectDocument(document, probes.step, "unseen-probe")]);
      return;
    }
    countKept(probes, document, document);
    const kept = { ...document, copies: fates.copies[index]!, repeats: times ?? repeats };
    if (fates.heldout[index] !== true) addEpoch(epoch, kept);
    await (fates.heldout[index] === true ? out.heldout : out.train).write([kept]);
  };
  let index = 0;
  for await (const documents of readDocuments(survivorsDir, "raw")) {
    for (const document of documents) {
      await send(document, index);
      index += 1;
    }
  }
  assert(index === rows.length, "every survivor is read back once");
  for (const canary of canaries) addEpoch(epoch, canary);
  await out.train.write(canaries);
  return { near: firsts === undefined ? undefined : near, split, mix, epoch, probes, probeTexts };
}
