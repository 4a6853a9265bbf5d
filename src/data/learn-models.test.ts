import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DocumentRecord, readDocuments, readRejects, type RejectRecord } from "../artifacts/index.ts";
import { randomStream, sha256 } from "../core/index.ts";
import { acquireSource } from "./acquire-source.ts";
import { HashedEmbedding } from "./classifier/embedding.ts";
import { writeVectorFile } from "./classifier/vectors.test-file.ts";
import { cleanConfigSchema } from "./clean-config.ts";
import { cleanDocuments } from "./clean-documents.ts";
import { extractDocuments } from "./extract-documents.ts";
import type { DocumentsSummary } from "./freeze.ts";
import { type RecordedFact, workWith } from "./recorded-work.test-work.ts";
import { resolveClean } from "./resolve-clean.ts";
import { resolveSource } from "./resolve-source.ts";
import { sourceSpecSchema } from "./source-spec.ts";

const WORDS: Record<string, string[]> = {
  eng: "the of and to in that with which from their house river winter mountain people children bread letter window old small white every".split(
    " ",
  ),
  deu: "der die das und mit von aus dem eine Haus Fluss Winter Berg Leute Kinder Brot Brief Fenster alte kleine weiße jede".split(
    " ",
  ),
};
const SHOP = "buy now cheap offer click sale discount price free shipping order today".split(" ");
const SCORN = ["stupid", "filthy", "worthless", "hateful"];

/** Lines of words of `language`, a share of them from `others`. */
function prose(label: string, language: string, others: readonly string[], share: number): string {
  const random = randomStream(1, label);
  const pick = (list: readonly string[]): string => list[random.integer(list.length)]!;
  return Array.from({ length: 6 }, () => {
    const line = Array.from({ length: 15 }, () =>
      random.float() < share ? pick(others) : pick(WORDS[language]!),
    );
    return `${line.join(" ")}.`;
  }).join("\n");
}

let dir: string;
let sources: string[];
let first: Cleaned;

interface Cleaned {
  readonly summary: DocumentsSummary;
  readonly facts: readonly RecordedFact[];
  readonly out: string;
}

async function source(id: string, rows: readonly object[]): Promise<string> {
  await writeFile(join(dir, `${id}.jsonl`), rows.map((row) => JSON.stringify(row)).join("\n"));
  const reader = { type: "jsonl", path: `${id}.jsonl`, fields: { language: "lang" } };
  const spec = sourceSpecSchema.parse({ id, reader, licence: "MIT", category: "public-dataset" });
  const resolved = await resolveSource(spec, dir);
  const to = join(dir, `source-${id}`);
  await acquireSource(resolved, to, workWith(1, []));
  await extractDocuments(resolved, to, workWith(1, []));
  return to;
}

const TRAINING = {
  embedding: { type: "hashed-ngrams", dimensions: 128 },
  hidden: 8,
  learningRate: 0.01,
  minExamples: 20,
};
const SETTINGS = {
  seed: 3,
  quality: {
    c4: { minSentences: 2 },
    rules: { reference: ["good"], tail: 0.01, minDocuments: 40 },
    classifier: { goodSources: ["good"], keep: 0.5, ...TRAINING },
  },
  toxicity: {
    examples: [{ path: "scorn.jsonl", label: "toxic", languageColumn: "lang" }],
    drop: 0.1,
    others: 0.5,
    ...TRAINING,
  },
};

async function clean(out: string, workers: number, settings: object = SETTINGS): Promise<Cleaned> {
  const config = cleanConfigSchema.parse(settings);
  const { files } = await resolveClean(config, dir);
  const facts: RecordedFact[] = [];
  const summary = await cleanDocuments(sources, config, join(dir, out), workWith(workers, facts), files);
  return { summary, facts, out: join(dir, out) };
}

async function rejectsOf({ out }: Cleaned): Promise<RejectRecord[]> {
  const rejects: RejectRecord[] = [];
  for await (const batch of readRejects(out)) rejects.push(...batch);
  return rejects;
}

async function hashes({ out }: Cleaned): Promise<Record<string, string>> {
  const names = (await readdir(out, { recursive: true })).filter((name) => /\.\w+$/.test(name)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, sha256(await readFile(join(out, name)))])),
  ) as Record<string, string>;
}

const stepFact = ({ facts }: Cleaned, step: string): object =>
  facts.map(({ data }) => data as { step?: string }).find((data) => data.step === step)!;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-learn-"));
  const rows = (count: number, language: string, others: string[], share: number, label: string): object[] =>
    Array.from({ length: count }, (_, i) => ({
      text: prose(`${label} ${i}`, language, others, share),
      lang: language,
    }));
  sources = [
    await source("good", [...rows(90, "eng", [], 0, "good"), ...rows(90, "deu", [], 0, "gut")]),
    await source("web", [
      ...rows(60, "eng", [], 0, "web"),
      ...rows(60, "eng", SHOP, 0.5, "shop"),
      ...rows(20, "eng", SCORN, 0.4, "scorn"),
      ...rows(40, "deu", [], 0, "netz"),
      { text: "No words of any kind, 12 34 { here }.\nNone at all.", lang: "eng" },
      { text: prose("short", "eng", [], 0).split("\n").slice(0, 2).join("\n"), lang: "eng" },
    ]),
  ];
  const examples = Array.from({ length: 80 }, (_, i) => ({
    text: prose(`example ${i}`, "eng", i % 2 === 0 ? SCORN : [], i % 2 === 0 ? 0.4 : 0),
    toxic: i % 2 === 0 ? 1 : 0,
    lang: "en",
  }));
  await writeFile(join(dir, "scorn.jsonl"), examples.map((row) => JSON.stringify(row)).join("\n"));
  first = await clean("one", 1);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("steps that learn", () => {
  it("drop what they are there for, and count to the last document", async () => {
    const rejects = await rejectsOf(first);
    const dropped = (range: readonly [number, number], reason: string): number =>
      rejects.filter(({ id, reason: why }) => {
        const n = Number(/^web\/web\.jsonl#(\d+)$/.exec(id)?.[1] ?? 0);
        return n > range[0] && n <= range[1] && why === reason;
      }).length;
    expect(dropped([60, 120], "low-quality")).toBeGreaterThan(40);
    expect(dropped([0, 60], "low-quality")).toBeLessThan(20);
    expect(dropped([120, 140], "low-quality") + dropped([120, 140], "toxic")).toBeGreaterThan(15);
    expect(dropped([180, 181], "curly-bracket")).toBe(1);
    expect(dropped([181, 182], "few-words")).toBe(1);
    // German has no classifier for toxicity: half of it is drawn.
    expect(
      rejects.filter(({ step, language }) => step === "toxicity" && language === "deu").length,
    ).toBeGreaterThan(20);
    let left = first.summary.steps[0]!.in;
    for (const { in: into, out, reasons } of first.summary.steps) {
      expect(into).toBe(left);
      expect(into - out).toBe(Object.values(reasons).reduce((sum, count) => sum + count, 0));
      left = out;
    }
    expect(left).toBe(first.summary.train.documents + first.summary.heldout.documents);
  });

  it("leave what they learnt in the artifact, and say how good it is", async () => {
    expect(stepFact(first, "quality-rules")).toMatchObject({
      file: "quality-values.json",
      values: { languages: { deu: expect.any(Number) as number, eng: expect.any(Number) as number } },
    });
    const { classifier } = stepFact(first, "toxicity") as {
      classifier: { sha256: string; languages: Record<string, { auc: number; threshold: number }> };
    };
    expect(Object.keys(classifier.languages)).toEqual(["eng"]);
    expect(classifier.languages["eng"]!.auc).toBeGreaterThan(0.9);
    const file = await readFile(join(first.out, "toxicity-classifier.json"));
    expect(sha256(file)).toBe(classifier.sha256);
  });

  it("give the same bytes and facts with two workers", async () => {
    const again = await clean("two", 2);
    expect(await hashes(again)).toEqual(await hashes(first));
    expect(again.facts).toEqual(first.facts);
  });

  it("decide the same by what another build learnt", async () => {
    const { quality, toxicity } = SETTINGS;
    const { goodSources: _, ...training } = quality.classifier;
    const { examples: __, ...labelled } = toxicity;
    const again = await clean("again", 1, {
      seed: 3,
      quality: {
        ...quality,
        rules: { ...quality.rules, values: "one/quality-values.json" },
        classifier: { ...training, model: "one/quality-classifier.json" },
      },
      toxicity: { ...labelled, model: "one/toxicity-classifier.json" },
    });
    const web = (rejects: RejectRecord[]) =>
      rejects
        .filter(({ step }) => step === "quality-rules")
        .map(({ id, reason, detail }) => [id, reason, detail]);
    expect(web(await rejectsOf(again))).toEqual(web(await rejectsOf(first)));
    const files = await hashes(again);
    expect(files["quality-values.json"]).toBe((await hashes(first))["quality-values.json"]);
    const toxic = await readFile(join(again.out, "toxicity-classifier.json"), "utf8");
    expect(JSON.parse(toxic)).toMatchObject({ languages: { eng: { hidden: 8 } } });
  });

  it("judge by vectors of another program, and count the documents that have none", async () => {
    const embedding = new HashedEmbedding(32);
    const raw: DocumentRecord[] = [];
    for (const folder of sources) for await (const batch of readDocuments(folder, "raw")) raw.push(...batch);
    const without = new Set(raw.filter(({ id }) => /^web\/.*#(?:\d*7)$/.test(id)).map(({ id }) => id));
    const rows = raw.flatMap(({ id, text, sha256: key }) =>
      without.has(id) ? [] : [{ sha256: key, vector: [...embedding.embed(text)] }],
    );
    await writeVectorFile(join(dir, "vectors.parquet"), rows);
    const vectors = { type: "vectors", path: "vectors.parquet", madeBy: "hashes" };
    const settings = {
      seed: 3,
      quality: { classifier: { ...SETTINGS.quality.classifier, embedding: vectors } },
    };
    const judged = await clean("vectors", 2, settings);
    const rejects = (await rejectsOf(judged)).filter(({ step }) => step === "quality-classifier");
    const missing = rejects.filter(({ reason }) => reason === "no-vector");
    expect(missing.length).toBeGreaterThan(10);
    expect(missing.every(({ id }) => without.has(id))).toBe(true);
    const low = rejects
      .filter(({ reason }) => reason === "low-quality")
      .map(({ id }) => Number(id.split("#")[1]));
    expect(low.filter((n) => n > 60 && n <= 120).length).toBeGreaterThan(35);
    const { classifier } = stepFact(judged, "quality-classifier") as { classifier: Record<string, unknown> };
    expect(classifier).toMatchObject({
      embedding: { type: "vectors", madeBy: "hashes", dimensions: 32 },
      lookUps: { withVector: expect.any(Number) as number, withoutVector: expect.any(Number) as number },
    });
    // Its classifier judges vectors of the same program alone.
    const { goodSources: _, ...training } = SETTINGS.quality.classifier;
    const known = (madeBy: string) => ({
      seed: 3,
      quality: {
        classifier: {
          ...training,
          model: "vectors/quality-classifier.json",
          embedding: { ...vectors, madeBy },
        },
      },
    });
    await expect(clean("other", 1, known("else"))).rejects.toMatchObject({ code: "DATA_CLASSIFIER" });
    await writeVectorFile(join(dir, "vectors.parquet"), [
      { sha256: sha256("?"), vector: Array<number>(32).fill(1) },
    ]);
    await expect(clean("none", 1, known("hashes"))).rejects.toMatchObject({ code: "DATA_VECTORS_UNKNOWN" });
  });

  it("name a source or a table that cannot be meant", async () => {
    const wrong = (settings: object) => clean("wrong", 1, { seed: 3, ...settings });
    await expect(wrong({ quality: { rules: { reference: ["goood"] } } })).rejects.toMatchObject({
      code: "DATA_UNKNOWN_SOURCE",
      parts: { next: "Did you mean good?" },
    });
    await expect(
      wrong({ toxicity: { examples: [{ path: "scorn.jsonl", text: "body", language: "eng" }] } }),
    ).rejects.toMatchObject({ code: "DATA_EXAMPLES" });
    await expect(
      wrong({ decontaminate: { sets: [{ name: "x", path: "scorn.jsonl", fields: ["body"] }] } }),
    ).rejects.toMatchObject({ code: "DATA_EVALUATION_SET" });
    expect(() => cleanConfigSchema.parse({ toxicity: {} })).toThrow(/either a model, or labelled examples/);
  });
});
