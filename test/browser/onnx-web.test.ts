/** @file The ONNX export in onnxruntime-web in a real browser, against the decoder's specification. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { logSoftmax, type ModelConfig, referenceLogits } from "../../src/model/index.ts";
import { openWeightsFolder, writeOnnxFolder } from "../../src/release/index.ts";
import { TINY, writeTinyModel } from "../release/tiny-model.ts";
import { sharedBrowser, noBrowser } from "./chromium.ts";

const IDS = [1, 84, 120, 250, 338, 81, 99, 140, 141, 300, 2, 17];
const RUNTIME = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
/** Scores, then reads the same tokens in pieces of 5, 1, 1, … with the cache. */
const PAGE = `<!doctype html><script type="module">
import * as ort from "/runtime/ort.wasm.min.mjs";
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = "/runtime/";
const load = (model, name) => ort.InferenceSession.create("/models/" + model + "/onnx/" + name + ".onnx",
  { externalData: [{ path: "model.onnx_data", data: "/models/" + model + "/onnx/model.onnx_data" }] });
const integers = (list) => new ort.Tensor("int64", BigInt64Array.from(list, BigInt), [1, list.length]);
const ones = (length) => integers(Array.from({ length }, () => 1));
window.judge = async (model, ids, kvHeads, headDim) => {
  const scoring = await load(model, "scoring");
  const { logprobs } = await scoring.run({ input_ids: integers(ids), attention_mask: ones(ids.length) });
  const speaking = await load(model, "model");
  let past = Object.fromEntries(speaking.inputNames.filter((name) => name.startsWith("past")).map((name) =>
    [name, new ort.Tensor("float32", new Float32Array(0), [1, kvHeads, 0, headDim])]));
  const logits = [];
  let keys = 0;
  for (let at = 0; at < ids.length; ) {
    const piece = ids.slice(at, at === 0 ? 5 : at + 1);
    at += piece.length;
    const out = await speaking.run({ input_ids: integers(piece), attention_mask: ones(at), ...past });
    logits.push(...out.logits.data);
    past = Object.fromEntries(Object.entries(out).filter(([name]) => name !== "logits")
      .map(([name, value]) => [name.replace("present", "past_key_values"), value]));
    keys = past["past_key_values.0.key"].dims[2];
  }
  return { logprobs: [...logprobs.data], logits, keys };
};
</script>`;

function serve(models: string): Promise<Server> {
  const TYPES: Readonly<Record<string, string>> = { ".mjs": "text/javascript", ".wasm": "application/wasm" };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://loopback");
    const [, root, ...rest] = pathname.split("/");
    const dir = root === "runtime" ? RUNTIME : root === "models" ? models : undefined;
    if (dir === undefined) {
      response.setHeader("Content-Type", "text/html").end(PAGE);
      return;
    }
    readFile(path.join(dir, ...rest)).then(
      (bytes) => {
        response.setHeader("Content-Type", TYPES[path.extname(pathname)] ?? "application/octet-stream");
        response.end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

interface Judged {
  readonly logprobs: number[];
  readonly logits: number[];
  readonly keys: number;
}

describe.skipIf(noBrowser)("the ONNX files in a browser", () => {
  let dir: string;
  let page: Page;
  let server: Server;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "firn-onnx-"));
    server = await serve(dir);
    page = await (await sharedBrowser()).newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("window.judge !== undefined");
  });
  afterAll(async () => {
    await page?.close();
    server?.closeAllConnections();
    server?.close();
    await rm(dir, { recursive: true });
  });

  it.each<[string, ModelConfig]>([
    ["scaled rotations, shared key heads", TINY],
    [
      "plain rotations, one key head",
      { ...TINY, ropeScaling: null, kvHeads: 1, headDim: 32, layers: 1, vocabSize: 352 },
    ],
  ])("speak with a cache and score as the specification does: %s", async (label, config) => {
    const name = label.replaceAll(/\W+/g, "-");
    const { weightsDir, tokenizerDir, weights } = await writeTinyModel(
      path.join(dir, `${name}-model`),
      config,
      21,
    );
    const folder = await openWeightsFolder(weightsDir);
    await writeOnnxFolder({ weights: folder, tokenizerDir, dir: path.join(dir, name) });
    await folder.tensors.close();
    const call = `window.judge(${JSON.stringify([name, IDS, config.kvHeads, config.headDim]).slice(1, -1)})`;
    const { logprobs, logits, keys } = await page.evaluate<Judged>(call);
    const positions = IDS.map((_, t) => t);
    const segments = IDS.map(() => 0);
    const expected = referenceLogits(config, weights, IDS, positions, segments);
    expect(logits).toHaveLength(expected.length);
    const largest = Math.max(...expected.map((value, i) => Math.abs(value - logits[i]!)));
    // Float32 against float64.
    expect(largest).toBeLessThan(1e-4);
    expect(keys).toBe(IDS.length);
    expect(logprobs).toHaveLength(IDS.length - 1);
    logprobs.forEach((logprob, t) => {
      const row = logSoftmax(expected.subarray(t * config.vocabSize, (t + 1) * config.vocabSize));
      expect(Math.abs(logprob - row[IDS[t + 1]!]!)).toBeLessThan(1e-4);
    });
  });

  it("are refused for heads that ONNX Runtime cannot rotate", async () => {
    const { weightsDir } = await writeTinyModel(path.join(dir, "odd"), { ...TINY, headDim: 24 }, 1);
    const weights = await openWeightsFolder(weightsDir);
    const wrong = writeOnnxFolder({ weights, tokenizerDir: undefined, dir: path.join(dir, "none") });
    await expect(wrong).rejects.toThrow(/RELEASE_ONNX_SHAPE.*heads of 24/s);
    await weights.tensors.close();
  });
});
