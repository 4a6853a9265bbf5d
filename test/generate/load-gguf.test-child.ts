/** @file The process that may die: loads each GGUF whose path it is sent, lets the model speak, and says how it went. */
import { describeError, FirnError } from "../../src/core/index.ts";
import { openLlamaModel } from "../../src/generate/index.ts";

async function load(path: string): Promise<string> {
  let model;
  try {
    model = await openLlamaModel(path, { name: "fuzzed", threads: 1, sequences: 1, contextLength: 256 });
  } catch (error) {
    if (error instanceof FirnError && error.code === "GENERATE_GGUF") return "refused";
    return `threw ${describeError(error)}`;
  }
  try {
    const ids = model.tokenizeText("the <s> \u0000 übel", { specialTokens: true });
    const prompt = [1, ...ids].filter((id) => id < model.vocabSize).slice(0, 100);
    if (prompt.length > 0 && model.contextLength > 110)
      for await (const _ of model.generate(prompt, { maxTokens: 3, temperature: 0 })) continue;
    return "spoke";
  } catch (error) {
    return error instanceof FirnError ? "refused" : `threw ${describeError(error)}`;
  } finally {
    await model.close();
  }
}

process.on("message", (path: string) => {
  void load(path).then((outcome) => process.send?.(outcome));
});
process.send?.("ready");
