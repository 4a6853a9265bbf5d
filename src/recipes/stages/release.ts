/**
 * @file The stage that makes the release: the chat model (or the base where there is none), with its papers. What the
 * papers print and no earlier stage said (provider, compute, domains, the model itself) is recorded here as facts of the release.
 */
import path from "node:path";
import type { ArtifactKind } from "../../artifacts/index.ts";
import type { Json } from "../../core/index.ts";
import { factId, hostDecisions } from "../../ledger/index.ts";
import { defineStage, type StageContext, type StageNode, stageNode } from "../../pipeline/index.ts";
import {
  domainList,
  openWeightsFolder,
  type ProviderProfile,
  type ReleaseFact,
  type ReleaseSummary,
  unwritableGguf,
  writeRelease,
} from "../../release/index.ts";
import type { ReleaseSection } from "../sections.ts";
import { trainingCompute } from "../training-compute.ts";

export interface ReleaseConfig extends ReleaseSection {
  readonly name: string;
  readonly provider: ProviderProfile;
}

const inputs = {
  weights: "weights",
  tokenizer: "tokenizer",
  evaluations: "evaluations",
  documents: "documents",
  tokens: "tokens",
} as const satisfies Record<string, ArtifactKind>;

async function run(context: StageContext<ReleaseConfig, typeof inputs>): Promise<ReleaseSummary> {
  const { config, dir, fingerprint } = context;
  const { weights, tokenizer, evaluations, documents, tokens } = context.inputs;
  const facts: ReleaseFact[] = [...context.lineageFacts()];
  const record = (kind: string, data: Json): ReleaseFact => {
    context.fact(kind, data);
    const id = factId({ kind, stage: "release", fingerprint, attempt: 0, data });
    return { id, kind, stage: "release", fingerprint, data };
  };
  facts.push(record("provider", JSON.parse(JSON.stringify(config.provider)) as Json));
  const { config: model, tensors } = await openWeightsFolder(weights.dir);
  await tensors.close();
  const compute = trainingCompute(facts, model, config.provider.hardware);
  if (compute !== undefined) facts.push(record("compute", compute));
  const decisions = await hostDecisions({
    documentsGlob: path.join(documents.dir, "documents", "train-*.parquet"),
    rejectsGlob: path.join(documents.dir, "rejects", "*.parquet"),
    tokensParquet: path.join(tokens.dir, "documents.parquet"),
  });
  const domains = domainList(decisions.kept, config.provider.sme === true);
  facts.push(record("domains", domains.fact));
  return writeRelease(
    {
      name: config.name,
      version: config.version,
      date: config.date,
      licence: config.licence,
      ggufTypes: config.gguf,
      dtype: config.dtype,
      weightsDir: weights.dir,
      tokenizerDir: tokenizer.dir,
      evaluationsDir: evaluations.dir,
      corpusFiles: documents.manifest.files,
      ...(decisions.kept.length + decisions.dropped.length === 0
        ? {}
        : { addresses: { domainsCsv: domains.csv, decisions } }),
      facts,
      record,
      dir,
    },
    context,
  );
}

const release = defineStage<ReleaseConfig, typeof inputs>({
  name: "release",
  version: 7,
  inputs,
  output: "release",
  estimate({ gguf }) {
    const missing = unwritableGguf(gguf);
    if (missing.length === 0) return {};
    return {
      note: `${missing.join(", ")} cannot be written here: llama.cpp's library is not installed. Run \`npm ci\` without --omit=optional, or leave it out of \`release.gguf\`.`,
    };
  },
  run,
});

/** The release's node. */
export function releaseNode(
  config: ReleaseConfig,
  from: { readonly [Name in keyof typeof inputs]: StageNode },
): StageNode {
  return stageNode("release", release, config, from);
}
