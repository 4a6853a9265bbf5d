/**
 * @file What a stage is: a plain value that turns named input artifacts into one output artifact. Stages do not
 * know each other; a recipe wires them together as nodes.
 */
import type { Artifact, ArtifactKind } from "../artifacts/index.ts";
import type { Json, Work } from "../core/index.ts";

/** What a stage expects to spend; every number is for the whole stage. */
export interface StageEstimate {
  readonly tokens?: number;
  readonly bytes?: number;
  readonly flops?: number;
  readonly seconds?: number;
  /** One line of explanation for the plan. */
  readonly note?: string;
}

export interface StageContext<Config, Inputs extends Record<string, ArtifactKind>> extends Work {
  readonly config: Config;
  /** Of the artifact being made: what its facts carry. */
  readonly fingerprint: string;
  readonly inputs: { readonly [Name in keyof Inputs]: Artifact };
  /** The output folder (`….partial/`) to write into. Everything in it becomes part of the artifact. */
  readonly dir: string;
  /**
   * Facts that earlier stages of this artifact's line recorded (for papers): stage by stage, inputs before what was
   * made of them, and within a stage oldest first. The same in every run of the same recipe.
   *
   * @throws FirnError `LEDGER_INCOMPLETE` if the ledger does not know how an input came to be
   */
  readonly lineageFacts: () => readonly LineageFact[];
}

/** A ledger fact as a later stage sees it. */
export interface LineageFact {
  /** `factId` of the ledger room, the number a printed paper carries: the same in every run of the same recipe. */
  readonly id: string;
  readonly kind: string;
  readonly stage: string;
  readonly fingerprint: string;
  readonly data: Json;
}

export interface Stage<
  Config = Json,
  Inputs extends Record<string, ArtifactKind> = Record<string, ArtifactKind>,
> {
  /** Lower-case, hyphenated; the artifact's folder carries it. */
  readonly name: string;
  /** Raise it when the same config would now give other bytes. */
  readonly version: number;
  readonly inputs: Inputs;
  readonly output: ArtifactKind;
  /** True when `run` can go on from what an earlier, killed run left in `dir`; else `dir` is emptied first. */
  readonly resumable?: boolean;
  /** Cheap; called by `firn plan`. Gets the inputs that already exist. */
  estimate?(config: Config, inputs: { readonly [Name in keyof Inputs]?: Artifact }): StageEstimate;
  /** Does the work and returns the manifest's summary. */
  run(context: StageContext<Config, Inputs>): Promise<Json>;
}

/** A stage with its config and its inputs: one box of a recipe's tree. */
export interface StageNode {
  /** How people call this box in the recipe, e.g. `pretrain`. */
  readonly label: string;
  readonly stage: Stage<never, Record<string, ArtifactKind>>;
  readonly config: Json;
  readonly inputs: { readonly [name: string]: StageNode };
}

/** Keeps the types of a stage while it is written down. */
export function defineStage<Config, Inputs extends Record<string, ArtifactKind>>(
  stage: Stage<Config, Inputs>,
): Stage<Config, Inputs> {
  return stage;
}

/** Puts a stage into a recipe's tree. `config` must be plain JSON: it is part of the fingerprint. */
export function stageNode<Config, Inputs extends Record<string, ArtifactKind>>(
  label: string,
  stage: Stage<Config, Inputs>,
  config: Config,
  inputs: { readonly [Name in keyof Inputs]: StageNode },
): StageNode {
  return {
    label,
    stage,
    config: config as Json,
    inputs,
  };
}
