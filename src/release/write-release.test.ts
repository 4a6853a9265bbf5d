import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SafetensorsFile, writeFileAtomic, writeJsonAtomic, writeSafetensors } from "../artifacts/index.ts";
import { type Json, randomStream, silentReporter, type Work } from "../core/index.ts";
import { APERTUS_8B, fromHfConfig, type ModelConfig, parameterSpecs, toHfConfig } from "../model/index.ts";
import { readFacts, type ReleaseFact } from "./facts.ts";
import { modelCard } from "./model-card.ts";
import { openQuestions, renderSections } from "./paper.ts";
import type { ProviderProfile } from "./provider.ts";
import { publicSummary, renderPublicSummary } from "./public-summary.ts";
import { type ReleaseOptions, writeRelease } from "./write-release.ts";

const CONFIG: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 16,
  hiddenSize: 32,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  ffnSize: 32,
  contextLength: 64,
};

const fact = (kind: string, data: Json): ReleaseFact => ({
  id: createHash("sha256")
    .update(JSON.stringify([kind, data]))
    .digest("hex"),
  kind,
  stage: kind,
  fingerprint: "f".repeat(64),
  data,
});

const SOURCE = { reader: "folder", bytes: 5000, files: 2, revision: "1.0", contentRights: null };
const COUNT = { documents: 10, bytes: 4000, tokens: 1000 };
const FACTS: ReleaseFact[] = [
  fact("source", {
    ...SOURCE,
    id: "udhr",
    title: "Universal Declaration",
    licence: "CC0-1.0",
    category: "public-dataset",
    url: "https://example.org/udhr",
    period: { from: "1948", to: "2024-05" },
  }),
  fact("source", {
    ...SOURCE,
    id: "books",
    title: "Old <b>books</b> | more",
    licence: "LicenseRef-PD",
    category: "public-dataset",
    url: null,
    period: { from: "1800", to: "1920" },
  }),
  fact("step", {
    step: "quality",
    in: { documents: 25, bytes: 9000 },
    out: { documents: 21, bytes: 8000 },
    changed: 0,
    reasons: { short: 4 },
    languages: {},
  }),
  fact("step", {
    step: "pii",
    in: { documents: 21, bytes: 8000 },
    out: { documents: 21, bytes: 7990 },
    changed: 3,
    reasons: {},
    languages: {},
  }),
  fact("tokenizer", { vocabSize: 16, sha256: "a".repeat(64), documents: 20, bytes: 8000, languages: 3 }),
  fact("tokenize", {
    tokenizer: "a".repeat(64),
    vocabSize: 16,
    splits: {
      train: {
        documents: 20,
        bytes: 8000,
        tokens: 2000,
        languages: { deu: COUNT, roh: { documents: 10, bytes: 4000, tokens: 1000 } },
        sources: { udhr: { ...COUNT, tokens: 1980 }, books: { ...COUNT, tokens: 20 } },
      },
    },
  }),
  fact("initialise", { parameters: 1234, seed: 28 }),
  fact("train", {
    steps: 10,
    tokens: 4000,
    flops: 1.5e12,
    parameters: 1234,
    finalLoss: 3.21,
    epochs: 2,
    goldfishShare: 0.02,
  }),
  fact("evaluate", {
    bitsPerByte: {
      all: {
        name: "all",
        documents: 2,
        bytes: 100,
        tokens: 30,
        model: 1.9,
        unigram: 4,
        bigram: 3,
        gzip: 3.1,
        xz: null,
      },
      languages: [
        {
          name: "deu",
          documents: 2,
          bytes: 100,
          tokens: 30,
          model: 1.9,
          unigram: 4,
          bigram: 3,
          gzip: 3,
          xz: 3,
        },
      ],
    },
    languageByLikelihood: {
      lines: 50,
      candidates: 10,
      chance: 0.1,
      modelAccuracy: 0.8,
      identifierAccuracy: 0.9,
    },
    conversations: null,
  }),
];
const PROVIDER: ProviderProfile = {
  name: "Example Laboratory",
  contact: "lab@example.org",
  illegalContent: "A list.",
};
const RELEASE = { name: "tiny-1", version: "1.0.0", date: "2026-11-23" };

const summaryOf = (facts: readonly ReleaseFact[], provider: ProviderProfile = PROVIDER): string =>
  renderPublicSummary(publicSummary(readFacts(facts), provider, RELEASE));
const cardOf = (facts: readonly ReleaseFact[], provider: ProviderProfile = PROVIDER): string =>
  modelCard({
    record: readFacts(facts),
    provider,
    release: RELEASE,
    config: CONFIG,
    licence: "Apache-2.0",
    ggufFiles: [],
  });
const short = (kind: string): string => FACTS.find((item) => item.kind === kind)!.id.slice(0, 12);

describe("the public summary", () => {
  it("has the template's headings and labels in their order", () => {
    const text = summaryOf(FACTS);
    const order = [
      "# Public Summary of Training Content",
      "**Version of the Summary:**",
      "**Last update:** 23/11/26 (2026-11-23)",
      "## 1. General information",
      "### 1.1. Provider identification",
      "**Provider name and contact details:**",
      "### 1.2. Model identification",
      "### 1.3 Modalities, overall training data size and other characteristics",
      "☒ Less than 1 billion tokens",
      "## 2. List of data sources",
      "### 2.1. Publicly available datasets",
      "### 2.2 Private non-publicly available datasets obtained from third parties",
      "#### 2.2.1. Datasets commercially licensed by rightsholders or their representatives",
      "### 2.3 Data crawled and scraped from online sources",
      "### 2.4 User data",
      "### 2.5 Synthetic data",
      "### 2.6 Other sources of data",
      "## 3. Data processing aspects",
      "### 3.1. Respect of reservation of rights from text and data mining exception or limitation",
      "### 3.2. Removal of illegal content",
      "### 3.3. Other information (optional)",
      "## Open questions",
    ];
    let from = 0;
    for (const piece of order) {
      const at = text.indexOf(piece, from);
      expect(at, piece).toBeGreaterThanOrEqual(from);
      from = at;
    }
  });

  it("cites the fact behind every figure", () => {
    const text = summaryOf(FACTS);
    expect(text).toMatch(new RegExp(`Exactly 2,000 tokens.*fact:${short("tokenize")}`));
    expect(text).toMatch(new RegExp(`Latest date.*05/2024.*fact:${short("source")}`));
    expect(text).toMatch(/documents changed: 3.*fact:/);
    expect(text).toMatch(/German 50\.0 %/);
  });

  it("lists by name the public datasets above three per cent", () => {
    const text = summaryOf(FACTS);
    const large = text.slice(text.indexOf("List of large"), text.indexOf("General description of other"));
    expect(large).toContain("Universal Declaration");
    expect(large).not.toContain("books");
    expect(text).toContain("Old \\<b\\>books\\</b\\> \\| more");
  });

  it("says No only when every training source is on record", () => {
    expect(summaryOf(FACTS)).toMatch(/Were crawlers used[^\n]*☐ Yes ☒ No/);
    for (const missing of ["tokenize", "source"]) {
      const text = summaryOf(FACTS.filter(({ kind }) => kind !== missing));
      expect(text).not.toContain("☒ No");
      expect(text).toMatch(/Were crawlers used[^\n]*☐ Yes ☐ No\. not recorded/);
    }
    const finetuned = [...FACTS, fact("finetune", { steps: 1 })];
    expect(summaryOf(finetuned)).not.toContain("☒ No");
    const explained = [
      ...finetuned,
      fact("conversations", { train: 300, licence: "CC0-1.0", madeBy: "templates" }),
    ];
    expect(summaryOf(explained)).toMatch(/other than those described[^\n]*☒ Yes/);
    expect(summaryOf(explained)).toMatch(/Was synthetic AI-generated data[^\n]*☒ No/);
    const distilled = [...finetuned, fact("conversations", { train: 300, madeBy: "some-model" })];
    expect(summaryOf(distilled)).toMatch(/Was synthetic AI-generated data[^\n]*☒ Yes/);
  });

  it("prints gaps where neither ledger nor provider answers, and collects them", () => {
    const sections = publicSummary(readFacts([]), PROVIDER, RELEASE);
    const open = openQuestions(sections);
    expect(open.length).toBeGreaterThan(20);
    expect(open.map(({ label }) => label)).toContain("Date of placement of the model on the Union market:");
    expect(renderSections(sections, 2)).not.toMatch(/☒ (Yes|No)/);
    const signed = summaryOf(FACTS, { ...PROVIDER, codeOfPractice: false, placementDate: "2026-12-01" });
    expect(signed).toMatch(/Are you a Signatory[^\n]*☐ Yes ☒ No/);
    expect(signed).toContain("01/12/26 (2026-12-01)");
  });
});

describe("the papers", () => {
  it("never claim compliance and survive facts of any shape", () => {
    const anyFact = fc.record({
      id: fc.stringMatching(/^[0-9a-f]{64}$/),
      kind: fc.constantFrom(
        "source",
        "step",
        "tokenize",
        "train",
        "finetune",
        "evaluate",
        "freeze",
        "conversations",
      ),
      stage: fc.string(),
      fingerprint: fc.string(),
      data: fc.oneof(
        fc.jsonValue(),
        fc
          .constantFrom(...FACTS.map(({ data }) => data))
          .chain((data) =>
            fc
              .constantFrom(...Object.keys(data as object))
              .chain((key) => fc.jsonValue().map((value) => ({ ...(data as object), [key]: value }))),
          ),
      ),
    });
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 8 }), (facts) => {
        const list = facts as unknown as ReleaseFact[];
        for (const paper of [summaryOf(list), cardOf(list)]) {
          expect(paper).not.toMatch(/complian|undefined|NaN|\[object/i);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("print a card with front matter, figures and the link under its title", () => {
    const card = cardOf(FACTS);
    expect(card.startsWith('---\nlanguage:\n  - "de"\n  - "roh"\nlicense: "apache-2.0"\n')).toBe(true);
    expect(card).toContain("value: 1.9000");
    expect(card).toMatch(new RegExp(`Pre-training: 10 steps, 4,000 tokens.*fact:${short("train")}`));
    expect(card).toContain("below the indicative criterion");
    expect(card).toContain("dropped: short 4");
    expect(card).toContain("[Public Summary of Training Content](legal/");
    expect(card).toContain("**not recorded: intended use**");
  });
});

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
      facts: FACTS,
      provider: PROVIDER,
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
    expect(files.map(({ name }) => name).sort()).toEqual([
      "Public_Summary_of_Training_Content.json",
      "Public_Summary_of_Training_Content.md",
      "README.md",
      "SHA256SUMS",
      "chat_template.jinja",
      "config.json",
      "facts.jsonl",
      "generation_config.json",
      "model.safetensors",
      "tiny-1-f32.gguf",
      "tokenizer.json",
    ]);
    const sums = await readFile(join(first, "SHA256SUMS"), "utf8");
    const lines = sums.trimEnd().split("\n");
    expect(lines).toHaveLength(10);
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
