/** @file Models served beside the main one, so that the page can compare them: releases, GGUF files, weights of the store. */
import { findArtifacts } from "./find-artifact.ts";
import { type OpenedModel, openModel } from "./find-model.ts";
import { openStore } from "../artifacts/index.ts";
import { FirnError } from "../core/index.ts";
import { type LanguageModel, OnnxModel } from "../generate/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { readWeights } from "../train/index.ts";

export interface BesideModel {
  readonly name: string;
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly time: Date;
}

interface BesideOptions {
  readonly store: string;
  readonly threads: number;
  readonly sequences: number;
}

/**
 * Opens `name` beside `main`: a folder or file that holds a GGUF as `openModel` does, and weights of the store (`pretrain`,
 * `initialise`, a folder, the start of a fingerprint) in ONNX Runtime with the main model's tokenizer.
 *
 * @throws FirnError `CLI_NO_ARTIFACT`, `CLI_NOT_COMPARABLE`, and those of `openModel`
 */
export async function openBeside(
  name: string,
  main: OpenedModel,
  options: BesideOptions,
): Promise<BesideModel> {
  const isRelease = name.endsWith(".gguf") || name.includes("release");
  if (isRelease) {
    const opened = await openModel(name, options);
    return { ...opened, name: opened.name === main.name ? `${opened.name} (2)` : opened.name };
  }
  const found = (await findArtifacts(openStore(options.store), name)).filter(
    ({ kind }) => kind === "weights",
  );
  const [weights] = found;
  if (weights === undefined || found.length > 1) {
    throw new FirnError("CLI_NOT_COMPARABLE", {
      expected: "one set of weights, or a release",
      got: found.length === 0 ? "another kind of artifact" : found.map(({ dir }) => dir).join(", "),
      where: name,
      next: "`firn show weights` lists the weights of the store; name one by its folder.",
    });
  }
  const { config, weights: tensors } = await readWeights(weights.dir);
  if (config.vocabSize < main.tokenizer.vocabSize) {
    throw new FirnError("CLI_NOT_COMPARABLE", {
      expected: `weights for the ${main.tokenizer.vocabSize} tokens of ${main.name}`,
      got: `weights for ${config.vocabSize} tokens`,
      where: weights.dir,
      next: "Compare models that were trained with the same tokenizer, or name a release, which carries its own.",
    });
  }
  const id = `${weights.manifest.stage}-${weights.manifest.fingerprint.slice(0, 6)}`;
  return {
    name: id,
    model: new OnnxModel(config, tensors, { name: id, threads: options.threads }),
    tokenizer: main.tokenizer,
    time: main.time,
  };
}
