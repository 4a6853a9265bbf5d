/** @file The parsers of `model` and `release`: weights, checkpoints and papers that others made. */
import { cp, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson, sha256 } from "../../src/core/index.ts";
import { APERTUS_8B, parameterSpecs, readModelConfig, toHfConfig } from "../../src/model/index.ts";
import { hashRelease, writeChecksums } from "../../src/release/checksums.ts";
import { NotAPickle, PickleGlobal, PickleObject, PickleTuple } from "../../src/release/megatron/pickle.ts";
import { readPickle } from "../../src/release/megatron/read-pickle.ts";
import { writePickle } from "../../src/release/megatron/write-pickle.ts";
import { openWeightsFolder } from "../../src/release/index.ts";
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

const CHECKPOINT = fileURLToPath(new URL("../reference/tiny-apertus-megatron", import.meta.url));
const RANK = join("iter_0000007", "mp_rank_00", "model_optim_rng.pt");
const checkpoint = await readFile(join(CHECKPOINT, RANK));

const key = newSigningKey();
const pickled = new Map<unknown, unknown>([
  ["args", new PickleObject("argparse.Namespace", [])],
  ["list", [1, -1, 2 ** 40, 12345678901234567890n, true, null, "é"]],
  ["tuple", new PickleTuple(["storage", new PickleGlobal("torch.FloatStorage"), "0", "cpu", 4])],
]);

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
      await mkdir(join(dir, "legal"), { recursive: true });
      await put(dir, "legal/facts.jsonl", bytes);
      await rm(join(dir, "SHA256SUMS"), { force: true });
      await writeChecksums(dir, await hashRelease(dir));
      await verifyRelease(dir);
    },
  },
];
