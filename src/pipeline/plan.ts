/** @file The plan: what of a recipe's tree is there, what has to run, in which order, and at what cost. */
import {
  type Artifact,
  type ArtifactReference,
  type FingerprintParts,
  fingerprintOf,
  type Store,
} from "../artifacts/index.ts";
import { assert } from "../core/index.ts";
import { explainRebuild, type Rebuild } from "./explain-rebuild.ts";
import type { StageEstimate, StageNode } from "./stage.ts";

/**
 * `cached`: in the store. `missing`: has to run. `partial`: has to run and goes on from what an interrupted run left.
 * `unneeded`: not in the store, but everything that was made of it is.
 */
export type PlanState = "cached" | "partial" | "missing" | "unneeded";

/** One stage to run, or one artifact that is there. */
export interface PlanEntry extends ArtifactReference {
  /** What the recipe calls it; several names if several boxes are the same work. */
  readonly labels: readonly string[];
  readonly node: StageNode;
  readonly inputs: { readonly [name: string]: PlanEntry };
  readonly state: PlanState;
  /** The finished artifact, when `state` is `cached`. */
  readonly artifact: Artifact | undefined;
  /** What running it is expected to take; empty when it is cached or the stage cannot tell. */
  readonly estimate: StageEstimate;
  /** Why an artifact of the same stage that is in the store does not serve. */
  readonly rebuild: Rebuild | undefined;
}

/** Inputs come before what is made of them. */
export interface Plan {
  readonly entries: readonly PlanEntry[];
}

interface Box extends ArtifactReference {
  readonly labels: Set<string>;
  readonly node: StageNode;
  readonly inputs: { readonly [name: string]: Box };
}

/** The stage, version, config and inputs by which a box is named. */
function partsOf(node: StageNode, inputs: { readonly [name: string]: Box }): FingerprintParts {
  const prints = Object.fromEntries(Object.entries(inputs).map(([name, box]) => [name, box.fingerprint]));
  return { stage: node.stage.name, version: node.stage.version, config: node.config, inputs: prints };
}

/** Walks the tree and merges boxes with the same fingerprint; inputs come first. */
function layOut(nodes: readonly StageNode[]): { boxes: Box[]; targets: Box[] } {
  const boxes = new Map<string, Box>();
  const done = new Map<StageNode, Box>();
  const visit = (node: StageNode, path: readonly StageNode[]): Box => {
    assert(!path.includes(node), `the recipe's box ${node.label} does not need itself`);
    const known = done.get(node);
    if (known !== undefined) return known;
    const { stage } = node;
    assert(
      /^[a-z0-9]+(-[a-z0-9]+)*$/.test(stage.name),
      `stage name ${stage.name} is lower-case and hyphenated`,
    );
    assert(
      Object.keys(node.inputs).sort().join() === Object.keys(stage.inputs).sort().join(),
      `box ${node.label} has the inputs of stage ${stage.name}`,
    );
    const inputs: Record<string, Box> = {};
    for (const [name, input] of Object.entries(node.inputs)) {
      const box = visit(input, [...path, node]);
      assert(
        box.kind === stage.inputs[name],
        `input ${name} of ${node.label} is of kind ${stage.inputs[name]}`,
      );
      inputs[name] = box;
    }
    const fingerprint = fingerprintOf(partsOf(node, inputs));
    let box = boxes.get(fingerprint);
    if (box === undefined) {
      box = { kind: stage.output, stage: stage.name, fingerprint, labels: new Set(), node, inputs };
      boxes.set(fingerprint, box);
    }
    box.labels.add(node.label);
    done.set(node, box);
    return box;
  };
  const targets = nodes.map((node) => visit(node, []));
  return { boxes: [...boxes.values()], targets };
}

/** Fingerprints that must be there for the `targets`: whatever is missing, and the inputs of what is missing. */
function neededOf(targets: readonly Box[], isCached: (box: Box) => boolean): Set<string> {
  const needed = new Set<string>();
  const need = (box: Box): void => {
    if (needed.has(box.fingerprint)) return;
    needed.add(box.fingerprint);
    if (!isCached(box)) for (const input of Object.values(box.inputs)) need(input);
  };
  for (const box of targets) need(box);
  return needed;
}

/**
 * Lays out everything `nodes` need. Reads manifests only; runs nothing, writes nothing.
 *
 * @param nodes the boxes whose artifacts are wanted, of any depth
 * @throws FirnError `ARTIFACT_MANIFEST_BROKEN`, `ARTIFACT_MISSING` for a spoilt artifact of the tree
 */
export async function plan(nodes: readonly StageNode[], store: Store): Promise<Plan> {
  const { boxes, targets } = layOut(nodes);
  const artifacts = new Map<string, Artifact>();
  for (const { kind, stage, fingerprint } of boxes) {
    const artifact = await store.find(kind, stage, fingerprint);
    if (artifact !== undefined) artifacts.set(fingerprint, artifact);
  }
  const needed = neededOf(targets, ({ fingerprint }) => artifacts.has(fingerprint));
  // Other artifacts are looked at for explanations only, so a spoilt one among them does no harm here.
  const others = artifacts.size === boxes.length ? [] : await store.list({ onBroken: () => undefined });
  const entries = new Map<string, PlanEntry>();
  for (const box of boxes) {
    const { kind, stage, fingerprint, node } = box;
    const artifact = artifacts.get(fingerprint);
    const inputs = Object.fromEntries(
      Object.entries(box.inputs).map(([name, input]) => [name, entries.get(input.fingerprint)!]),
    );
    const state: PlanState =
      artifact !== undefined
        ? "cached"
        : !needed.has(fingerprint)
          ? "unneeded"
          : node.stage.resumable === true && store.hasDraft(kind, stage, fingerprint)
            ? "partial"
            : "missing";
    const runs = state === "partial" || state === "missing";
    const existing = Object.fromEntries(
      Object.entries(inputs).flatMap(([name, input]) => (input.artifact ? [[name, input.artifact]] : [])),
    );
    entries.set(fingerprint, {
      kind,
      stage,
      fingerprint,
      labels: [...box.labels],
      node,
      inputs,
      state,
      artifact,
      estimate: (runs ? node.stage.estimate?.(node.config as never, existing) : undefined) ?? {},
      rebuild: runs ? explainRebuild({ kind, ...partsOf(node, box.inputs) }, others) : undefined,
    });
  }
  return { entries: [...entries.values()] };
}
