/** @file The stage that makes documents of all sources together: cleaned, without duplicates, split. */
import type { Json } from "../../core/index.ts";
import { cleanDocuments, type ResolvedClean } from "../../data/index.ts";
import { defineStage, stageNode, type StageNode } from "../../pipeline/index.ts";

/** `sources` by id, in the order of the recipe, which is the order of the documents. */
export function cleanNode(settings: ResolvedClean, sources: ReadonlyMap<string, StageNode>): StageNode {
  const ids = [...sources.keys()];
  const stage = defineStage<Json, Record<string, "source">>({
    name: "clean",
    version: 4,
    inputs: Object.fromEntries(ids.map((id) => [id, "source" as const])),
    output: "documents",
    resumable: true,
    run: (context) =>
      cleanDocuments(
        ids.map((id) => context.inputs[id]!.dir),
        settings.config,
        context.dir,
        context,
        settings.files,
      ),
  });
  return stageNode("documents", stage, settings.identity, Object.fromEntries(sources));
}
