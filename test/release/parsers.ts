/** @file The parsers of `model`, `generate` and `release`: weights, checkpoints and papers that others made. */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkGguf } from "../../src/generate/gguf-check.ts";
import { JsonGrammarBuilder } from "../../src/generate/json-grammar.ts";
import { schemaElement } from "../../src/generate/schema-grammar.ts";
import { canonicalJson, FirnError, sha256 } from "../../src/core/index.ts";
import { readModelConfig } from "../../src/model/read-model-config.ts";
import { APERTUS_8B, parameterSpecs, toHfConfig } from "../../src/model/index.ts";
import { hashRelease, writeChecksums } from "../../src/release/checksums.ts";
import { NotAPickle, PickleGlobal, PickleObject, PickleTuple } from "../../src/release/megatron/pickle.ts";
import { readPickle } from "../../src/release/megatron/read-pickle.ts";
import { writePickle } from "../../src/release/megatron/write-pickle.ts";
import { openWeightsFolder, writeApertusGguf } from "../../src/release/index.ts";
import {
  readPublicKey,
  readSigningKey,
  newSigningKey,
  publicPem,
  signStatement,
  checkStatement,
} from "../../src/release/signature.ts";
import { verifyRelease } from "../../src/release/verify-release.ts";
import { type HostileParser, put } from "../hostile/parser.ts";
import { TINY, writeTinyModel } from "./tiny-model.ts";

const CHECKPOINT = fileURLToPath(new URL("../reference/tiny-apertus-megatron", import.meta.url));
const RANK = join("iter_0000007", "mp_rank_00", "model_optim_rng.pt");
const checkpoint = await readFile(join(CHECKPOINT, RANK));

async function tinyGguf(): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), "firn-gguf-sample-"));
  try {
    const folders = await writeTinyModel(dir, { ...TINY, layers: 1 }, 4);
    const path = join(dir, "tiny.gguf");
    await writeApertusGguf({ ...folders, path, type: "F32", about: { name: "tiny", languages: ["de"] } });
    return await readFile(path);
  } finally {
    await rm(dir, { recursive: true });
  }
}
const gguf = await tinyGguf();
/** The tensors' numbers may be anything; what is read is before them. */
const GGUF_HEADER = 16 * 1024;

const key = newSigningKey();
const pickled = new Map<unknown, unknown>([
  ["args", new PickleObject("argparse.Namespace", [])],
  ["list", [1, -1, 2 ** 40, 12345678901234567890n, true, null, "é"]],
  ["tuple", new PickleTuple(["storage", new PickleGlobal("torch.FloatStorage"), "0", "cpu", 4])],
]);

const SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 20 },
    age: { type: "integer", minimum: 0, maximum: 150 },
    tags: { type: "array", items: { enum: ["a", "b", 1, null] }, minItems: 1, maxItems: 4 },
    kid: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
  },
  required: ["name"],
  additionalProperties: false,
  $defs: { node: { type: "object", properties: { kid: { $ref: "#/$defs/node" } }, required: [] } },
};
const FACT = { kind: "step", stage: "documents", fingerprint: "", data: { kept: 3 } };

export const releaseParsers: readonly HostileParser[] = [
  {
    name: "config.json",
    file: "src/model/hf-config.ts",
    samples: [JSON.stringify(toHfConfig(APERTUS_8B, "bfloat16"))],
    read: async (bytes, dir) => {
      await put(dir, "config.json", bytes);
      await readModelConfig(dir);
    },
  },
  {
    name: "torch.save archives",
    file: "src/release/megatron/torch-file.ts",
    share: 0.3,
    samples: [checkpoint],
    read: async (bytes, dir) => {
      await cp(CHECKPOINT, dir, { recursive: true });
      await put(dir, RANK, bytes);
      const { config, tensors } = await openWeightsFolder(dir);
      try {
        for (const { name } of parameterSpecs(config)) await tensors.floats(name);
      } finally {
        await tensors.close();
      }
    },
  },
  {
    name: "pickles",
    file: "src/release/megatron/read-pickle.ts",
    samples: [writePickle(pickled as unknown as Parameters<typeof writePickle>[0])],
    around: [
      ["\x80\x02(", "t."],
      ["\x80\x02", "."],
    ],
    pieces: ["N", "(", "]", "}", ")", "N\x85", "]a", "\x94", "K\x01"],
    read: (bytes) => {
      try {
        readPickle(bytes);
      } catch (error) {
        // Its reader says so; the file around it makes the error.
        if (!(error instanceof NotAPickle)) throw error;
      }
    },
  },
  {
    name: "headers of GGUF files",
    file: "src/generate/gguf-check.ts",
    samples: [gguf],
    near: [gguf.subarray(0, GGUF_HEADER)],
    read: async (bytes, dir) => checkGguf(await put(dir, "x.gguf", bytes)),
  },
  {
    name: "JSON schemas",
    file: "src/generate/schema-grammar.ts",
    samples: [JSON.stringify(SCHEMA)],
    around: [['{"type":"string","enum":["', '"]}']],
    read: (bytes) => {
      let schema: unknown;
      try {
        schema = JSON.parse(bytes.toString());
      } catch {
        return;
      }
      for (const strict of [true, false]) {
        const builder = new JsonGrammarBuilder();
        try {
          builder.build(schemaElement(builder, schema, { strict }));
        } catch (error) {
          if (!(error instanceof FirnError)) throw error;
        }
      }
    },
  },
  {
    name: "signatures and keys",
    file: "src/release/signature.ts",
    share: 0.3,
    samples: [
      JSON.stringify(signStatement("application/vnd.test+json", { id: "r1" }, { pem: key, where: "k" })),
    ],
    near: [publicPem(readSigningKey(key, "k")), key],
    read: (bytes) => {
      const text = bytes.toString();
      if (text.startsWith("-----")) readPublicKey(text, "x");
      else checkStatement(text, "x");
    },
  },
  {
    name: "checksums of a release",
    file: "src/release/verify-release.ts",
    share: 0.3,
    samples: [`${sha256("a")}  model.safetensors\n`],
    read: async (bytes, dir) => {
      await put(dir, "model.safetensors", Buffer.from("a"));
      await put(dir, "SHA256SUMS", bytes);
      await verifyRelease(dir);
    },
  },
  {
    name: "facts of a release",
    file: "src/release/verify-release.ts",
    share: 0.3,
    samples: [`${canonicalJson({ ...FACT, id: sha256(canonicalJson(FACT)) })}\n`],
    read: async (bytes, dir) => {
      const { mkdir } = await import("node:fs/promises");
      await mkdir(join(dir, "legal"), { recursive: true });
      await put(dir, "legal/facts.jsonl", bytes);
      await rm(join(dir, "SHA256SUMS"), { force: true });
      await writeChecksums(dir, await hashRelease(dir));
      await verifyRelease(dir);
    },
  },
];
