/** @file The stage that lets a model continue a few prompts, so that one can see what training has changed. */
import { writeJsonAtomic } from "../../artifacts/index.ts";
import { generateSamples } from "../../evaluate/index.ts";
import { OnnxModel } from "../../generate/index.ts";
import { defineStage, type StageContext } from "../../pipeline/index.ts";
import { loadTokenizer } from "../../tokenizer/index.ts";
import { readWeights } from "../../train/index.ts";
import { textCodec } from "../text-codec.ts";

export interface SamplesConfig {
  /** What the printed list is headed with, e.g. `before training`. */
  readonly title: string;
  readonly prompts: readonly { readonly language: string; readonly text: string }[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
}

/** Prompt plus answer of a sample, in tokens. */
const SAMPLE_CONTEXT = 96;

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
    const speaker = new OnnxModel(model, weights, { name: config.title, threads, length: SAMPLE_CONTEXT });
    try {
      const records = await generateSamples(
        speaker,
        textCodec(tokenizer),
        config.prompts.map(({ language, text }, i) => ({ id: `prompt-${i + 1}`, language, text })),
        { maxTokens: config.maxTokens, temperature: config.temperature, seed: config.seed, signal },
      );
      report.line(`Samples ${config.title}:`);
      for (const { prompt, text } of records) report.line(`  [${prompt}]${text.replaceAll("\n", "⏎")}`);
      await writeJsonAtomic(`${dir}/samples.json`, { title: config.title, records });
      const summary = { title: config.title, samples: records.map(({ prompt, text }) => ({ prompt, text })) };
      context.fact("samples", summary);
      return summary;
    } finally {
      await speaker.close();
    }
  },
});
