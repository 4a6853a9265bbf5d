/** @file What a finished build says: all of it read back from the manifests of the artifacts. */
import path from "node:path";
import { z } from "zod";
import type { Artifact, EvaluationSummary } from "../artifacts/index.ts";
import { formatCount, formatInteger, formatPercent, formatTable } from "../core/index.ts";
import { renderEvaluation } from "../evaluate/index.ts";
import type { RunResult, StageNode } from "../pipeline/index.ts";
import type { Recipe, RecipeNodes } from "../recipes/index.ts";

const count = z.object({ documents: z.number(), bytes: z.number() });
const documentsSummary = z.object({
  train: count,
  heldout: count,
  rejected: z.number(),
  languages: z.record(z.string(), z.unknown()),
  steps: z.array(z.object({ step: z.string(), reasons: z.record(z.string(), z.number()) })),
});
const extractSummary = z.object({
  id: z.string(),
  documents: z.number(),
  reasons: z.record(z.string(), z.number()),
});
const trainingSummary = z.object({
  parameters: z.number(),
  tokens: z.number(),
  flops: z.number(),
  firstLoss: z.number(),
  finalLoss: z.number(),
  goldfishShare: z.number(),
});
const samplesSummary = z.object({ samples: z.array(z.object({ prompt: z.string(), text: z.string() })) });

/** The manifest's summary of the artifact a box made; undefined where it was not asked for or looks different. */
function summaryOf<T>(result: RunResult, node: StageNode | undefined, schema: z.ZodType<T>): T | undefined {
  const artifact = node === undefined ? undefined : result.artifacts.get(node.label);
  return artifact === undefined ? undefined : schema.safeParse(artifact.manifest.summary).data;
}

function renderDocuments(nodes: RecipeNodes, result: RunResult): string[] {
  const summary = summaryOf(result, nodes.documents, documentsSummary);
  if (summary === undefined) return [];
  const { train, heldout, rejected, languages } = summary;
  const kept = `${formatInteger(train.documents)} to train on (${formatCount(train.bytes)}B), ${formatInteger(heldout.documents)} held out`;
  const steps = [...summary.steps];
  for (const node of nodes.sources) {
    const source = summaryOf(result, node, extractSummary);
    if (source !== undefined) steps.unshift({ step: `read ${source.id}`, reasons: source.reasons });
  }
  const rows = steps.flatMap(({ step, reasons }) =>
    Object.entries(reasons).map(([reason, dropped]) => [step, reason, formatInteger(dropped)]),
  );
  return [
    `Documents: ${kept}, in ${Object.keys(languages).length} languages; ${formatInteger(rejected)} dropped${rows.length === 0 ? "" : ":"}`,
    ...(rows.length === 0 ? [] : [formatTable(["step", "reason", "dropped"], rows)]),
  ];
}

function renderTraining(title: string, summary: z.infer<typeof trainingSummary> | undefined): string[] {
  if (summary === undefined) return [];
  const { parameters, tokens, flops, firstLoss, finalLoss, goldfishShare } = summary;
  return [
    `${title}: ${formatCount(parameters)} parameters, ${formatCount(tokens)} tokens, ${formatCount(flops)}FLOP; ` +
      `loss ${firstLoss.toFixed(3)} → ${finalLoss.toFixed(3)}` +
      (goldfishShare > 0 ? `; goldfish left out ${formatPercent(goldfishShare)} of the labels` : ""),
  ];
}

function renderSamples(nodes: RecipeNodes, result: RunResult): string[] {
  const before = summaryOf(result, nodes.samplesBefore, samplesSummary);
  const after = summaryOf(result, nodes.samplesAfter, samplesSummary);
  if (before === undefined || after === undefined) return [];
  const clean = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
  return [
    "Samples before and after training:",
    ...after.samples.flatMap(({ prompt, text }, i) => [
      `  [${prompt}]`,
      `    before  ${clean(before.samples[i]?.text ?? "")}`,
      `    after   ${clean(text)}`,
    ]),
  ];
}

function renderEvaluations(artifact: Artifact | undefined): string[] {
  if (artifact === undefined) return [];
  const summary = artifact.manifest.summary as unknown as EvaluationSummary;
  // The samples stand beside those of before training.
  return [renderEvaluation({ ...summary, samples: [] })];
}

function renderRelease(recipe: Recipe, nodes: RecipeNodes, result: RunResult): string[] {
  const release = nodes.release === undefined ? undefined : result.artifacts.get(nodes.release.label);
  if (release === undefined) return [];
  return [
    `Release: ${path.relative(process.cwd(), release.dir)}`,
    "Next:",
    "  npx firn serve          talk to it in the browser, see each next token's distribution",
    "  npx firn chat           talk to it here",
    `  npx firn trace step 1   which documents were in training step 1 of ${recipe.name}`,
  ];
}

/** The end of `firn build`. Parts that the build was not asked for are left out. */
export function renderBuildSummary(recipe: Recipe, nodes: RecipeNodes, result: RunResult): string {
  const parts = [
    renderDocuments(nodes, result),
    [
      ...renderTraining("Pretraining", summaryOf(result, nodes.base, trainingSummary)),
      ...renderTraining("Fine-tuning", summaryOf(result, nodes.chat, trainingSummary)),
    ],
    renderEvaluations(result.artifacts.get(nodes.evaluations.label)),
    renderSamples(nodes, result),
  ];
  const ran = result.ran.length === 0 ? "everything was there already" : `${result.ran.length} stages ran`;
  return [
    ...parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")),
    [`${recipe.name}: ${ran}.`, ...renderRelease(recipe, nodes, result)].join("\n"),
  ].join("\n\n");
}
