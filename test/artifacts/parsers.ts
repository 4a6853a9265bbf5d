/** @file The parsers of `artifacts`: files and answers that other programs and other people made. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { downloadFile } from "../../src/artifacts/download/download-file.ts";
import { isInside, parseHubAddress, readHubSnapshot } from "../../src/artifacts/download/hub-api.ts";
import { readPullRecord } from "../../src/artifacts/download/pull-repository.ts";
import { listS3Objects, parseS3Address } from "../../src/artifacts/download/s3-api.ts";
import {
  DocumentsWriter,
  fingerprintOf,
  makeDocument,
  openTokens,
  readArtifact,
  readConversations,
  readDocuments,
  readEvaluations,
  readJsonl,
  readOutputFilter,
  readParquetRows,
  SafetensorsFile,
  TensorFolder,
  TokensWriter,
  writeSafetensors,
} from "../../src/artifacts/index.ts";
import { loadZstd } from "../../src/artifacts/zstd.ts";
import { assert } from "../../src/core/index.ts";
import { drain, type HostileParser, put } from "../hostile/parser.ts";
import { answerWith } from "../servers/raw-server.ts";

const SHA = "ab".repeat(32);
const json = (value: unknown): string => JSON.stringify(value);
const signal = new AbortController().signal;
const patience = { attempts: 1, waitMs: 1, silenceMs: 2000 };

/** Sound files of the formats that only a writer can make. */
async function written() {
  const dir = await mkdtemp(join(tmpdir(), "firn-samples-"));
  try {
    await writeSafetensors(join(dir, "model.safetensors"), [
      { name: "a.weight", dtype: "F32", shape: [2, 3], data: Float32Array.from([1, 2, 3, 4, 5, 6]) },
      { name: "b", dtype: "BF16", shape: [2], data: Float32Array.from([1, -1]) },
    ]);
    const documents = new DocumentsWriter(dir, "train");
    await documents.write(
      ["Der Firn.", "La neige, l’été.", "雪"].map((text, i) =>
        makeDocument({ id: `s/f#${i}`, source: "s", licence: "MIT", text, url: "https://example.org/a" }),
      ),
    );
    await documents.close();
    const tokens = await TokensWriter.create(dir, { vocabSize: 50, tokenizer: SHA });
    await tokens.startSplit("train");
    const fields = { language: "deu", source: "s", bytes: 5, repeats: 1 };
    await tokens.add(Int32Array.of(1, 2, 3), { id: "a", ...fields });
    await tokens.add(Int32Array.of(4, 5), { id: "b", ...fields });
    await tokens.close();
    const read = (name: string): Promise<Buffer> => readFile(join(dir, name));
    return {
      safetensors: await read("model.safetensors"),
      documents: await read("documents/train-00000.parquet"),
      index: await read("train.idx"),
      ids: await read("train.bin"),
      tokens: await read("tokens.json"),
      rows: await read("documents.parquet"),
    };
  } finally {
    await rm(dir, { recursive: true });
  }
}
const files = await written();
const zstd = await loadZstd();

async function readSafetensors(path: string): Promise<void> {
  const file = await SafetensorsFile.open(path);
  try {
    for (const { name, dtype } of file.tensors.values())
      if (["F32", "F16", "BF16"].includes(dtype)) await file.floats(name);
  } finally {
    await file.close();
  }
}

/** Puts the sound files of a tokens artifact beside the one in question. */
async function readTokens(dir: string, name: string, bytes: Buffer): Promise<void> {
  const sound = {
    "train.idx": files.index,
    "train.bin": files.ids,
    "tokens.json": files.tokens,
    "documents.parquet": files.rows,
  };
  for (const [path, content] of Object.entries({ ...sound, [name]: bytes }))
    await writeFile(join(dir, path), content);
  const tokens = await openTokens(dir, "train");
  assert(tokens.ids.length === tokens.tokenCount, "as many ids as the index says");
  await tokens.documents();
}

const JSONL = [
  json({ text: "Schnee", id: 1 }),
  json({ text: "Firn\u2028", n: [1.5, null] }),
  "",
  json("x"),
].join("\n");
const made = { stage: "documents", version: 1, config: { seed: 1, nested: [{ a: null }] } };
const MANIFEST = json({
  format: 1,
  kind: "documents",
  ...made,
  fingerprint: fingerprintOf({ ...made, inputs: { source: SHA } }),
  inputs: { source: { kind: "source", stage: "acquire", fingerprint: SHA } },
  files: [{ path: "documents/train-00000.parquet", bytes: 12, sha256: SHA }],
  summary: {},
});
const raw = (headers: string, body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

export const artifactParsers: readonly HostileParser[] = [
  {
    name: "safetensors",
    file: "src/artifacts/safetensors.ts",
    samples: [files.safetensors],
    read: async (bytes, dir) => readSafetensors(await put(dir, "x.safetensors", bytes)),
  },
  {
    name: "the index of sharded safetensors",
    file: "src/artifacts/safetensors-folder.ts",
    samples: [
      json({ metadata: { total_size: 28 }, weight_map: { "a.weight": "a.safetensors", b: "a.safetensors" } }),
    ],
    read: async (bytes, dir) => {
      await put(dir, "a.safetensors", files.safetensors);
      await put(dir, "model.safetensors.index.json", bytes);
      const folder = await TensorFolder.open(dir);
      await folder.close();
    },
  },
  {
    name: "Parquet",
    file: "src/artifacts/parquet.ts",
    samples: [files.documents, files.rows],
    read: async (bytes, dir) => drain(readParquetRows(await put(dir, "x.parquet", bytes))),
  },
  {
    name: "documents",
    file: "src/artifacts/documents.ts",
    samples: [files.documents],
    read: async (bytes, dir) => {
      const folder = join(dir, "documents");
      await mkdir(folder, { recursive: true });
      await put(folder, "train-00000.parquet", bytes);
      await drain(readDocuments(dir, "train"));
    },
  },
  ...(["", ".gz", ".zst"] as const).map(
    (packing): HostileParser => ({
      name: `JSON Lines${packing}`,
      file: packing === "" ? "src/artifacts/jsonl.ts" : "src/artifacts/decompress.ts",
      samples: [
        packing === ".gz"
          ? gzipSync(JSONL)
          : packing === ".zst"
            ? zstd.compress(Buffer.from(JSONL), 1)
            : JSONL,
      ],
      around:
        packing === ""
          ? [
              ["", ""],
              ['{"text":"', '"}\n'],
            ]
          : [],
      read: async (bytes, dir) => {
        for await (const batch of readJsonl(await put(dir, `x.jsonl${packing}`, bytes)))
          for (const item of batch)
            assert("value" in item || item.detail !== undefined, "a value or a reason");
      },
    }),
  ),
  ...(["train.idx", "train.bin", "tokens.json", "documents.parquet"] as const).map(
    (name, i): HostileParser => ({
      name: `tokens: ${name}`,
      file: "src/artifacts/tokens.ts",
      samples: [[files.index, files.ids, files.tokens, files.rows][i]!],
      read: (bytes, dir) => readTokens(dir, name, bytes),
    }),
  ),
  {
    name: "conversations",
    file: "src/artifacts/conversations.ts",
    samples: [
      json({
        id: "1",
        language: "deu",
        skill: "s",
        messages: [
          { role: "user", content: "a" },
          { role: "assistant", content: "b" },
        ],
      }),
    ],
    read: async (bytes, dir) => {
      await put(dir, "train.jsonl", bytes);
      await readConversations(dir, "train");
    },
  },
  {
    name: "evaluation records",
    file: "src/artifacts/evaluations.ts",
    samples: [json({ task: "compression", example: "all", bytes: 10, gzip: 9, xz: 8, brotli: 7 })],
    read: async (bytes, dir) => {
      await put(dir, "records.jsonl", bytes);
      await readEvaluations(dir);
    },
  },
  {
    name: "the output filter",
    file: "src/artifacts/output-filter.ts",
    samples: [
      json({
        format: "firn-output-filter",
        formatVersion: 1,
        version: 3,
        written: "2026-01-31T10:00:00.000Z",
        key: SHA,
        entries: [{ request: "r1", added: "2026-01-31", units: 12, hashes: [SHA.slice(32)] }],
      }),
    ],
    read: async (bytes, dir) => readOutputFilter(await put(dir, "filter.json", bytes)),
  },
  {
    name: "manifests",
    file: "src/artifacts/manifest.ts",
    samples: [MANIFEST],
    read: async (bytes, dir) => {
      await put(dir, "manifest.json", bytes);
      await readArtifact(dir);
    },
  },
  {
    name: "the record of a pull",
    file: "src/artifacts/download/pull-repository.ts",
    samples: [
      json({
        repository: "a/b",
        endpoint: "https://example.org",
        revision: "main",
        commit: "a".repeat(40),
        licence: null,
        complete: true,
        files: { "config.json": { bytes: 1, sha256: SHA } },
      }),
    ],
    read: async (bytes, dir) => {
      await put(dir, "pulled.json", bytes);
      await readPullRecord(dir);
    },
  },
  {
    name: "answers of the Hub",
    file: "src/artifacts/download/hub-api.ts",
    share: 0.3,
    samples: [
      raw(
        'Link: <http://127.0.0.1/api/next?cursor=x>; rel="next"\r\n',
        json({ sha: "a".repeat(40), cardData: { license: ["mit", "apache-2.0"] } }),
      ),
    ],
    read: (bytes) =>
      answerWith(
        [
          bytes,
          Buffer.from(raw("", json([{ type: "file", path: "a/b.txt", size: 3, oid: "b".repeat(40) }]))),
        ],
        async (endpoint) => {
          const access = { endpoint, patience };
          await readHubSnapshot({ kind: "models", repository: "a/b", revision: "main" }, access, signal);
        },
      ),
  },
  {
    name: "listings of the Hub",
    file: "src/artifacts/download/hub-api.ts",
    share: 0.3,
    samples: [
      raw(
        "Content-Type: application/json\r\n",
        json([
          { type: "directory", path: "a", size: 0, oid: "c".repeat(40) },
          { type: "file", path: "a/b.txt", size: 3, oid: "b".repeat(40) },
          {
            type: "file",
            path: "../c",
            size: 9,
            oid: "d".repeat(40),
            lfs: { oid: SHA, size: 9, pointerSize: 1 },
          },
        ]),
      ),
    ],
    read: (bytes) =>
      answerWith([Buffer.from(raw("", json({ sha: "a".repeat(40) }))), bytes], async (endpoint) => {
        const access = { endpoint, patience };
        const { files: listed } = await readHubSnapshot(
          { kind: "models", repository: "a/b", revision: "main" },
          access,
          signal,
        );
        for (const { path } of listed) assert(isInside(path), "every path stays inside the repository");
      }),
  },
  {
    name: "listings of S3",
    file: "src/artifacts/download/s3-api.ts",
    share: 0.3,
    samples: [
      raw(
        "Content-Type: application/xml\r\n",
        '<?xml version="1.0"?><ListBucketResult xmlns="x"><Contents><Key>a &amp; b.jsonl</Key><Size>12</Size></Contents>' +
          "<IsTruncated>false</IsTruncated></ListBucketResult>",
      ),
    ],
    read: (bytes) =>
      answerWith([bytes], async (endpoint) => {
        const access = { endpoint, region: "us-east-1", keys: undefined, patience };
        const objects = await listS3Objects({ bucket: "abc", prefix: "" }, access, signal);
        for (const { bytes: size } of objects) assert(size >= 0, "sizes are not negative");
      }),
  },
  {
    name: "downloads: Content-Range, ETag, redirects",
    file: "src/artifacts/download/download-file.ts",
    share: 0.3,
    samples: ['HTTP/1.1 200 OK\r\nContent-Length: 8\r\nETag: "a"\r\n\r\n01234567'],
    near: [
      'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 3-7/8\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n34567',
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */8\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n",
    ],
    read: async (bytes, dir) => {
      const path = join(dir, "file");
      await rm(path, { force: true });
      await writeFile(`${path}.firn-tmp`, "012");
      await answerWith([bytes], async (url) => {
        const options = { url: `${url}/file`, path, access: { patience }, signal };
        await downloadFile({ ...options, expect: { bytes: 8 } });
        assert((await readFile(path)).length === 8, "a file of the expected length");
      });
    },
  },
  {
    name: "addresses hf:// and s3://",
    file: "src/artifacts/download/s3-api.ts",
    samples: ["hf://datasets/owner/name@main/a/b*.parquet", "s3://bucket-name/a/b c.jsonl"],
    around: [
      ["hf://", ""],
      ["hf://a/b@", "/c"],
      ["s3://", "/a"],
    ],
    read: (bytes) => {
      const address = bytes.toString();
      if (address.startsWith("s3")) parseS3Address(address);
      else parseHubAddress(address, "models");
    },
  },
];
