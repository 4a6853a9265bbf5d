/**
 * @file The last pass of cleaning: survivors go to the training or the held-out share, or are one too many; it is said how
 * often each is read.
 */
import { type DocumentRecord, type DocumentsWriter, type Probe, readDocuments } from "../artifacts/index.ts";
import { assert } from "../core/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import type { Groups } from "./near-duplicates/band-files.ts";
import { chooseProbeTexts } from "./probes/choose-texts.ts";
import { balanceDocuments } from "./steps/balance.ts";
import { overQuota } from "./steps/mix.ts";
import { type HeldoutPlan, splitDocuments } from "./steps/split.ts";
import { rejectDocument } from "./steps/step.ts";
import type { SurvivorRow, SurvivorTable } from "./survivor-table.ts";
import { countKept, countRejected, newTally, type StepTally } from "./tally.ts";

/** What becomes of the survivors. */
export interface Fates {
  /** Numbers of near-duplicates lead to the first of their group; `undefined` where they stay. */
  readonly groups: Groups | undefined;
  /** 1 for what is held out; the place is that among the survivors which are no near-duplicates, as below. */
  readonly heldout: Uint8Array;
  /** 1 for what is over a cap. */
  readonly over: Uint8Array;
  /** How often each is read in one pass over the training share; 0 for one that is left out. */
  readonly repeats: Uint16Array;
  /** Memorisation probes, and how often each is read; 0 for one that is kept out of everything. */
  readonly probes: ReadonlyMap<number, number>;
  readonly toppedUp: number;
}

/** Something to go through from front to back, as often as one likes. */
function iterable<T>(start: () => Iterator<T>): Iterable<T> {
  return { [Symbol.iterator]: start };
}

/** Decides about the survivors from what is known of them without their texts. Puts the copies of a group on its first one. */
export function decideFates(
  table: SurvivorTable,
  groups: Groups | undefined,
  plan: Pick<HeldoutPlan, "isHeldout">,
  { heldout: { share }, mix, probes: { texts } = {}, seed }: CleanConfig,
): Fates {
  const isFirst = (i: number): boolean => groups === undefined || groups.find(i) === i;
  let count = 0;
  for (let i = 0; i < table.count; i++) {
    if (isFirst(i)) count += 1;
    else table.join(groups!.find(i), i);
  }
  const firsts = iterable(function* (): Generator<SurvivorRow, void, undefined> {
    let i = 0;
    for (const row of table.rows()) if (isFirst(i++)) yield row;
  });
  const { heldout, toppedUp } = splitDocuments(firsts, count, plan, seed, share);
  const withSplit = iterable(function* () {
    let k = 0;
    for (const row of firsts) yield { ...row, heldout: heldout[k++] === 1 };
  });
  const over = overQuota(withSplit, count, mix.caps, seed, share);
  const isRead = (k: number): boolean => heldout[k] === 0 && over[k] === 0;
  const read = iterable(function* (): Generator<SurvivorRow, void, undefined> {
    let k = 0;
    for (const row of firsts) if (isRead(k++)) yield row;
  });
  let reads = 0;
  for (let k = 0; k < count; k++) if (isRead(k)) reads += 1;
  const rounds = balanceDocuments(read, reads, mix, seed);
  const repeats = new Uint16Array(count).fill(1);
  for (let k = 0, r = 0; k < count; k++) if (isRead(k)) repeats[k] = rounds[r++]!;
  const probes =
    texts === undefined
      ? new Map<number, number>()
      : chooseProbeTexts(firsts, (k) => isRead(k) && repeats[k]! > 0, texts, seed);
  return { groups, heldout, over, repeats, probes, toppedUp };
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

/** Writes every survivor in `scratchDir` to where its fate sends it, and the canaries after the documents to train on. */
export async function distribute(
  scratchDir: string,
  table: SurvivorTable,
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
  /** `place` is that among the survivors which are no near-duplicates. */
  const send = async (document: DocumentRecord, copies: number, place: number): Promise<void> => {
    countKept(near, document, document);
    countKept(split, document, document);
    if (fates.over[place] === 1) {
      countRejected(mix, document, "over-quota");
      await out.rejects.write([rejectDocument(document, mix.step, "over-quota")]);
      return;
    }
    const repeats = fates.repeats[place]!;
    if (repeats === 0) {
      countRejected(mix, document, "downsampled");
      await out.rejects.write([rejectDocument(document, mix.step, "downsampled")]);
      return;
    }
    countKept(mix, document, document);
    const times = fates.probes.get(place);
    if (times !== undefined) probeTexts.push(probeOf(document, times));
    if (times === 0) {
      countRejected(probes, document, "unseen-probe");
      await out.rejects.write([rejectDocument(document, probes.step, "unseen-probe")]);
      return;
    }
    countKept(probes, document, document);
    const kept = { ...document, copies, repeats: times ?? repeats };
    const held = fates.heldout[place] === 1;
    if (!held) addEpoch(epoch, kept);
    await (held ? out.heldout : out.train).write([kept]);
  };
  let number = 0;
  let place = 0;
  for await (const documents of readDocuments(scratchDir, "raw")) {
    for (const document of documents) {
      const first = fates.groups?.find(number) ?? number;
      if (first === number) {
        await send(document, table.copies(number), place);
        place += 1;
      } else {
        countRejected(near, document, "near-duplicate");
        const detail = table.idOf(first);
        await out.rejects.write([rejectDocument(document, near.step, "near-duplicate", detail)]);
      }
      number += 1;
    }
  }
  assert(number === table.count, "every survivor is read back once");
  assert(place === fates.heldout.length, "every survivor meets its fate");
  for (const canary of canaries) addEpoch(epoch, canary);
  await out.train.write(canaries);
  return { near: fates.groups === undefined ? undefined : near, split, mix, epoch, probes, probeTexts };
}
