/** @file Where the tables of a training run lie in a store, found through the manifests of what it was made from. */
import path from "node:path";
import type { Artifact, Store } from "../artifacts/index.ts";
import type { RunTables } from "../ledger/index.ts";
import { inputOf } from "./find-artifact.ts";

/** The tables of the run that made `weights`; each artifact is checked against its checksums first. */
export async function openRun(store: Store, weights: Artifact): Promise<RunTables> {
  const tokens = await inputOf(store, weights, "tokens");
  const documents = await inputOf(store, tokens, "documents");
  for (const artifact of [weights, tokens, documents]) await store.verify(artifact);
  const sources = await Promise.all(
    Object.values(documents.manifest.inputs).map(({ kind, stage, fingerprint }) =>
      store.find(kind, stage, fingerprint),
    ),
  );
  return {
    exposureParquet: path.join(weights.dir, "exposure.parquet"),
    documentsGlob: path.join(documents.dir, "documents", "*.parquet"),
    rejectsGlob: path.join(documents.dir, "rejects", "*.parquet"),
    tokensParquet: path.join(tokens.dir, "documents.parquet"),
    rawGlobs: sources.flatMap((source) =>
      source === undefined ? [] : [path.join(source.dir, "raw", "*.parquet")],
    ),
  };
}
