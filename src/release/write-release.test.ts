import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SafetensorsFile, writeFileAtomic, writeJsonAtomic, writeSafetensors } from "../artifacts/index.ts";
import { type Json, randomStream, silentReporter, type Work } from "../core/index.ts";
import { factId } from "../ledger/index.ts";
import { fromHfConfig, parameterSpecs, toHfConfig } from "../model/index.ts";
import { CONFIG, FACTS, FULL_PROVIDER, inputOf, RELEASE, withProvider } from "./papers/example.test-facts.ts";
import { type ReleaseOptions, writeRelease } from "./write-release.ts";

describe("a release", () => {
  let dir: string;
  const facts: { kind: string; data: Json }[] = [];
  const work: Work = {
    report: silentReporter,
    signal: new AbortController().signal,
    fact: (kind, data) => facts.push({ kind, data }),
    workers: 1,
    threads: 1,
  };
  let options: ReleaseOptions;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "firn-release-"));
    const weightsDir = join(dir, "weights");
    const tokenizerDir = join(dir, "tokenizer");
    const random = randomStream(1, "weights");
    await writeJsonAtomic(join(weightsDir, "config.json"), toHfConfig(CONFIG, "float32"));
    await writeSafetensors(
      join(weightsDir, "model.safetensors"),
      parameterSpecs(CONFIG).map(({ name, shape }) => {
        const length = shape.reduce((product, size) => product * size, 1);
        return { name, shape, dtype: "F32", data: Float32Array.from({ length }, () => random.normal()) };
      }),
    );
    const pattern =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    await writeJsonAtomic(join(tokenizerDir, "tokenizer.json"), {
      pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Split", pattern: { Regex: pattern } }] },
      added_tokens: [{ id: 0, content: "<s>", special: true }],
      model: { type: "BPE", vocab: { a: 1, b: 2, ab: 3 }, merges: [["a", "b"]], ignore_merges: true },
    });
    await writeFileAtomic(join(tokenizerDir, "chat_template.jinja"), "{{ messages }}");
    options = {
      ...RELEASE,
      weightsDir,
      tokenizerDir,
      facts: withProvider(FACTS, FULL_PROVIDER),
      record: (kind, data) => {
        const named = { kind, stage: "release", fingerprint: "f".repeat(64), data };
        return { ...named, id: factId({ ...named, attempt: 0 }) };
      },
      corpusFiles: inputOf(FACTS).corpusFiles,
      addresses: {
        domainsCsv: "rank,domain\n1,example.org\n",
        decisions: {
          kept: [{ host: "www.example.org", documents: 2, bytes: 300, tokens: 70 }],
          dropped: [{ host: "example.com", step: "opt-out", reason: "robots", documents: 4 }],
        },
      },
      licence: "Apache-2.0",
      dir: "",
    };
  });
  afterAll(() => rm(dir, { recursive: true }));

  const release = async (label: string, change: Partial<ReleaseOptions> = {}): Promise<string> => {
    const target = join(dir, label);
    await mkdir(target);
    await writeRelease({ ...options, dir: target, ...change }, work);
    return target;
  };

  it("is complete, checks out against its own checksums and is the same every time", async () => {
    const first = await release("first");
    const files = (await readdir(first, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    const names = new Set(files.map(({ name }) => name));
    for (const name of [
      "Public_Summary_of_Training_Content.docx",
      "Public_Summary_of_Training_Content.html",
      "Public_Summary_of_Training_Content.json",
      "Public_Summary_of_Training_Content.md",
      "Model_Documentation_Form.html",
      "Annex_XI.md",
      "Annex_XII.md",
      "Copyright_Policy.md",
      "Acceptable_Use_Policy.md",
      "Compute_and_Energy.json",
      "California_AB_2013.md",
      "gaps.md",
      "udhr.md",
      "croissant.json",
      "bom.cdx.json",
      "bom.spdx.json",
      "domains.csv",
      "lookup.json",
      "portal.json",
      "facts.jsonl",
      "README.md",
      "SHA256SUMS",
      "model.safetensors",
      "tiny-1-f32.gguf",
    ]) {
      expect(names, name).toContain(name);
    }
    const sums = await readFile(join(first, "SHA256SUMS"), "utf8");
    const lines = sums.trimEnd().split("\n");
    expect(lines).toHaveLength(files.length - 1);
    for (const line of lines) {
      const [hash, path] = line.split("  ");
      const content = await readFile(join(first, path!));
      expect(createHash("sha256").update(content).digest("hex")).toBe(hash);
    }
    const second = await release("second");
    expect(await readFile(join(second, "SHA256SUMS"), "utf8")).toBe(sums);
    expect(facts.map(({ kind }) => kind)).toEqual(["release", "release"]);
    expect(facts[0]).toEqual(facts[1]);
  });

  it("holds the weights bit for bit, with the activation's constants, and can store bfloat16", async () => {
    const target = await release("half", { dtype: "bfloat16", ggufTypes: [] });
    const json: unknown = JSON.parse(await readFile(join(target, "config.json"), "utf8"));
    expect(json).toMatchObject({ torch_dtype: "bfloat16" });
    expect(fromHfConfig(json, "config.json")).toEqual(CONFIG);
    const original = await SafetensorsFile.open(join(options.weightsDir, "model.safetensors"));
    const exact = await SafetensorsFile.open(
      join(await release("exact", { ggufTypes: [] }), "model.safetensors"),
    );
    for (const name of original.tensors.keys())
      expect(await exact.floats(name)).toEqual(await original.floats(name));
    expect(exact.tensors.size).toBe(original.tensors.size + 2 * CONFIG.layers);
    expect(await exact.floats("model.layers.1.mlp.act_fn.beta", [])).toEqual(Float32Array.of(0.5));
    expect(await exact.floats("model.layers.1.mlp.act_fn.eps", [])).toEqual(Float32Array.of(-1e-6));
    const half = await SafetensorsFile.open(join(target, "model.safetensors"));
    expect(half.info("lm_head.weight").dtype).toBe("BF16");
    for (const file of [original, exact, half]) await file.close();
  });

  it("refuses names and tokenizers that would not work, saying why", async () => {
    await expect(release("name", { name: "../x" })).rejects.toThrow(/RELEASE_NAME/);
    await expect(release("none", { tokenizerDir: dir })).rejects.toThrow(
      /RELEASE_TOKENIZER.*tokenizer\.json/,
    );
    await expect(release("no-weights", { weightsDir: dir })).rejects.toThrow(/MODEL_CONFIG_UNREADABLE/);
    const path = join(options.tokenizerDir, "tokenizer.json");
    const tokenizer = await readFile(path, "utf8");
    await writeFileAtomic(path, tokenizer.replace("\\\\p{N}|", "\\\\p{N}{1,3}|"));
    await expect(release("pattern")).rejects.toThrow(/RELEASE_TOKENIZER.*pre-tokenisation/);
    await writeFileAtomic(path, tokenizer.replace('"b": 2', '"b": 200'));
    await expect(release("ids")).rejects.toThrow(/RELEASE_TOKENIZER.*b = 200/);
    await writeFileAtomic(path, tokenizer);
  });
});
