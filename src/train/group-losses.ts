/** @file Losses by source and by language while training, from the loss of each label and the document it stands in. */
import { z } from "zod";
import type { Batch } from "./batch.ts";
import type { TokenDocuments } from "./packing.ts";

const Group = z.strictObject({
  kind: z.enum(["source", "language"]),
  name: z.string(),
  /** Sum over the labels, in nats. */
  nats: z.number(),
  labels: z.number(),
  /** UTF-8 bytes of the labels, by the mean of their document. */
  bytes: z.number(),
});
export type Group = z.infer<typeof Group>;

/** Sums over the steps since the last block, and the finished blocks, each of the steps up to `step`. */
export const GroupLosses = z.strictObject({
  open: z.array(Group),
  blocks: z.array(z.strictObject({ step: z.int(), groups: z.array(Group) })),
});
export type GroupLosses = z.infer<typeof GroupLosses>;

/** Steps that a block spans: single steps are noisy, and a run has at most a few hundred blocks. */
export function blockSteps(steps: number): number {
  return Math.max(20, Math.ceil(steps / 400));
}

/** The sums of one step, by kind and name. */
export type StepGroups = Map<string, Group>;

/** Sums every label's loss that lies inside one document, learnt or dropped by the goldfish. */
export function groupStep(documents: TokenDocuments, batch: Batch, nats: Float32Array): StepGroups {
  const groups: StepGroups = new Map();
  const length = batch.ids.length / batch.rows.length;
  const add = (kind: Group["kind"], name: string, sum: number, labels: number, bytes: number): void => {
    const key = `${kind} ${name}`;
    const group = groups.get(key) ?? { kind, name, nats: 0, labels: 0, bytes: 0 };
    groups.set(key, {
      kind,
      name,
      nats: group.nats + sum,
      labels: group.labels + labels,
      bytes: group.bytes + bytes,
    });
  };
  batch.rows.forEach((pieces, row) => {
    let at = row * length;
    for (const piece of pieces) {
      // The label at `at` is the piece's second token; its first is another document's to predict.
      const labels = Math.min(piece.length - 1, (row + 1) * length - at);
      let sum = 0;
      for (let i = 0; i < labels; i++) sum += nats[at + i]!;
      at += piece.length;
      const { document } = piece;
      const tokens = documents.offsets[document + 1]! - documents.offsets[document]!;
      const bytes = ((documents.bytes?.[document] ?? 0) / tokens) * labels;
      const source = documents.sources?.[document];
      const language = documents.languages?.[document];
      if (source !== undefined) add("source", source, sum, labels, bytes);
      if (language !== undefined) add("language", language ?? "unknown", sum, labels, bytes);
    }
  });
  return groups;
}

/** Bits per byte over all sources of a step. */
export function bitsPerByteOf(groups: StepGroups): number | undefined {
  let nats = 0;
  let bytes = 0;
  for (const group of groups.values()) {
    if (group.kind !== "source") continue;
    nats += group.nats;
    bytes += group.bytes;
  }
  return bytes === 0 ? undefined : nats / Math.LN2 / bytes;
}

/** Adds a step's sums to the open block, and closes it at every `blockSteps`-th step. */
export function addGroups(losses: GroupLosses, groups: StepGroups, step: number, perBlock: number): void {
  const open = new Map(losses.open.map((group) => [`${group.kind} ${group.name}`, group]));
  for (const [key, group] of groups) {
    const before = open.get(key);
    if (before === undefined) open.set(key, { ...group });
    else {
      before.nats += group.nats;
      before.labels += group.labels;
      before.bytes += group.bytes;
    }
  }
  const sorted = [...open.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  if (step % perBlock !== 0) {
    losses.open = sorted;
    return;
  }
  losses.blocks.push({ step, groups: sorted });
  losses.open = [];
}
