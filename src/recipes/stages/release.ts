/** @file The stage that makes the release: the chat model (or the base where there is none), with its papers. */
import type { ArtifactKind } from "../../artifacts/index.ts";
import { defineStage, type StageNode, stageNode } from "../../pipeline/index.ts";
import { type ProviderProfile, writeRelease } from "../../release/index.ts";
import type { ReleaseSection } from "../sections.ts";

export interface ReleaseConfig extends ReleaseSection {
  readonly name: string;
  readonly provider: ProviderProfile;
}

const inputs = {
  weights: "weights",
  tokenizer: "tokenizer",
  evaluations: "evaluations",
} as const satisfies Record<string, ArtifactKind>;

const release = defineStage<ReleaseConfig, typeof inputs>({
  name: "release",
  version: 1,
  inputs,
  output: "release",
  run: (context) => {
    const { config, dir } = context;
    return writeRelease(
      {
        name: config.name,
        version: config.version,
        date: config.date,
        licence: config.licence,
        ggufTypes: config.gguf,
        dtype: config.dtype,
        provider: config.provider,
        weightsDir: context.inputs.weights.dir,
        tokenizerDir: context.inputs.tokenizer.dir,
        evaluationsDir: context.inputs.evaluations.dir,
        facts: context.lineageFacts(),
        dir,
      },
      context,
    );
  },
});

/** The release's node. */
export function releaseNode(
  config: ReleaseConfig,
  from: { readonly [Name in keyof typeof inputs]: StageNode },
): StageNode {
  return stageNode("release", release, config, from);
}
