/** @file The stage that lets a model continue a few prompts, so that one can see what training has changed. */
import { writeJsonAtomic } from "../../artifacts/index.ts";
import { defineStage, type StageContext } from "../../pipeline/index.ts";
import { loadTokenizer } from "../../tokenizer/index.ts";
import { readWeights } from "../../train/index.ts";
import { type SampleQuestions, sampleWeights } from "../sample-weights.ts";

export interface SamplesConfig extends SampleQuestions {
  /** What the printed list is headed with, e.g. `before training`. */
  readonly title: string;
}

const inputs = { weights: "weights", tokenizer: "tokenizer" } as const;

export const samples = defineStage({
  name: "samples",
  version: 1,
  inputs,
  output: "evaluations",
  async run(context: StageContext<SamplesConfig, typeof inputs>) {
    const { config, dir, report, signal, threads } = context;
    const { config: model, weights } = await readWeights(context.inputs.weights.dir);
    const { tokenizer } = await loadTokenizer(context.inputs.tokenizer.dir);
    const records = await sampleWeights({ config: model, weights, tokenizer }, config, {
      name: config.title,
      threads,
      signal,
    });
    report.line(`Samples ${config.title}:`);
    for (const { prompt, text } of records) report.line(`  [${prompt}]${text.replaceAll("\n", "⏎")}`);
    await writeJsonAtomic(`${dir}/samples.json`, { title: config.title, records });
    const summary = { title: config.title, samples: records.map(({ prompt, text }) => ({ prompt, text })) };
    context.fact("samples", summary);
    return summary;
  },
});
