/** @file Reads the `config.json` of a folder of weights. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeError, FirnError, parseJson } from "../core/index.ts";
import type { ModelConfig } from "./config.ts";
import { fromHfConfig } from "./hf-config.ts";

/** The model that `<dir>/config.json` describes. Throws `MODEL_CONFIG_UNREADABLE` or `MODEL_HF_CONFIG`. */
export async function readModelConfig(dir: string): Promise<ModelConfig> {
  const path = join(dir, "config.json");
  let json: unknown;
  try {
    json = parseJson(await readFile(path, "utf8"));
  } catch (cause) {
    throw new FirnError("MODEL_CONFIG_UNREADABLE", {
      expected: "a folder of weights with a config.json",
      got: describeError(cause),
      where: path,
      next: "Give a Hugging Face folder of Apertus shape, or a weights artifact as `firn build` leaves it under store/weights/.",
      cause,
    });
  }
  return fromHfConfig(json, path);
}
