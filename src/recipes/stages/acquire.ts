/** @file The stage that reads one declared source: its record and its raw documents. One stage value per source. */
import type { Json } from "../../core/index.ts";
import {
  acquireSource,
  extractDocuments,
  fetchSource,
  type ResolvedSource,
  sourceIdentity,
} from "../../data/index.ts";
import { defineStage, stageNode, type StageNode } from "../../pipeline/index.ts";

/** The node of a source whose files have been found. The config holds their hash and none of their paths. */
export function acquireNode(source: ResolvedSource): StageNode {
  const stage = defineStage<Json, Record<never, never>>({
    // Each source is a stage of its own, so that a changed one is compared with its former self.
    name: `acquire-${source.spec.id.replaceAll(/-+/g, "-").replace(/-$/, "")}`,
    version: 4,
    inputs: {},
    output: "source",
    resumable: true,
    estimate: () => ({
      bytes: source.bytes,
      note: `${source.files.length} files, ${source.spec.licence ?? "licence unknown"}`,
    }),
    async run(context) {
      const here = await fetchSource(source, context);
      const record = await acquireSource(here, context.dir, context);
      const extracted = await extractDocuments(here, context.dir, context);
      return { id: record.id, licence: record.licence, contentHash: record.contentHash, ...extracted };
    },
  });
  return stageNode(`source ${source.spec.id}`, stage, sourceIdentity(source), {});
}
