/** @file The stage that makes documents of all sources together: cleaned, without duplicates, split. */
import { type CleanConfig, cleanDocuments } from "../../data/index.ts";
import { defineStage, stageNode, type StageNode } from "../../pipeline/index.ts";

/** `sources` by id, in the order of the recipe, which is the order of the documents. */
export function cleanNode(config: CleanConfig, sources: ReadonlyMap<string, StageNode>): StageNode {
  const ids = [...sources.keys()];
  const stage = defineStage<CleanConfig, Record<string, "source">>({
    name: "clean",
    version: 1,
    inputs: Object.fromEntries(ids.map((id) => [id, "source" as const])),
    output: "documents",
    run: (context) =>
      cleanDocuments(
        ids.map((id) => context.inputs[id]!.dir),
        context.config,
        context.dir,
        context,
      ),
  });
  return stageNode("documents", stage, config, Object.fromEntries(sources));
}
