/**
 * @file The other side of `bench/serve.ts`: a process of its own that serves a model, and that can also run llama.cpp's own
 * loop on the same file and threads, without a server, to be compared with.
 */
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Token } from "node-llama-cpp";
import { openLlamaModel } from "../src/generate/index.ts";
import { startServer, tokenizerCodec } from "../src/serve/index.ts";
import { loadTokenizer } from "../src/tokenizer/index.ts";

const [dir = "", threadsText = "1", parallelText = "1"] = process.argv.slice(2);
const threads = Number(threadsText);
const parallel = Number(parallelText);
const path = join(dir, "model.gguf");

const model = await openLlamaModel(path, {
  name: "bench",
  threads,
  sequences: parallel,
  contextLength: 2048,
});
const { tokenizer } = await loadTokenizer(dir);
const server = await startServer({
  models: [{ id: "bench", model, chat: tokenizerCodec(tokenizer), created: 0 }],
  port: 0,
  limits: { parallel, waiting: 256 },
});

/** Tokens per second of `sequence.evaluate` after its first token: node-llama-cpp with its own sampler. */
async function peer(): Promise<(tokens: number, temperature: number) => Promise<number>> {
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: 0, logLevel: LlamaLogLevel.error });
  const own = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
  const context = await own.createContext({ sequences: 1, contextSize: 2049, threads });
  const sequence = context.getSequence();
  return async (tokens, temperature) => {
    await sequence.clearHistory();
    const prompt = Array.from({ length: 64 }, (_, i) => (1500 + 7 * i) as Token);
    let [count, first, last] = [0, 0, 0];
    const options = { temperature, topP: 0.9, topK: 0, seed: 1 };
    for await (const _ of sequence.evaluate(prompt, options)) {
      last = performance.now();
      if (count++ === 0) first = last;
      if (count === tokens) break;
    }
    return ((count - 1) / (last - first)) * 1000;
  };
}

let direct: Awaited<ReturnType<typeof peer>> | undefined;
process.on("message", (message: { tokens: number; temperature: number } | "stop") => {
  void (async () => {
    if (message === "stop") {
      await server.close();
      await model.close();
      process.exit(0);
    }
    direct ??= await peer();
    process.send?.({ rate: await direct(message.tokens, message.temperature) });
  })();
});
process.send?.({ url: server.url });
