import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type DocumentRecord,
  readDocuments,
  readProbes,
  readRejects,
  type RejectRecord,
} from "../artifacts/index.ts";
import { sha256 } from "../core/index.ts";
import { acquireSource } from "./acquire-source.ts";
import { cleanConfigSchema } from "./clean-config.ts";
import { cleanDocuments, LANGUAGE_MODEL_FILE } from "./clean-documents.ts";
import { extractDocuments } from "./extract-documents.ts";
import type { DocumentsSummary } from "./freeze.ts";
import { LanguageIdentifier } from "./language/identifier.ts";
import { type RecordedFact, workWith } from "./recorded-work.test-work.ts";
import { resolveClean } from "./resolve-clean.ts";
import { resolveSource } from "./resolve-source.ts";
import { sourceSpecSchema } from "./source-spec.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const CODES = [
  "eng",
  "deu_1901",
  "deu_1996",
  "fra",
  "roh_rumgr",
  "ell_monotonic",
  "rus",
  "jpn",
  "tha2",
  "arb",
];
const LANGUAGES = ["eng", "deu", "fra", "roh", "ell", "rus", "jpn", "arb"];

let dir: string;
let sources: string[];
let result: Cleaned;

interface Cleaned {
  readonly summary: DocumentsSummary;
  readonly facts: readonly RecordedFact[];
  readonly out: string;
}

async function acquire(fields: object): Promise<string> {
  const spec = sourceSpecSchema.parse({ licence: "MIT", category: "public-dataset", ...fields });
  const source = await resolveSource(spec, spec.reader.type === "jsonl" ? dir : root);
  const to = join(dir, `source-${spec.id}`);
  await acquireSource(source, to, workWith(1, []));
  await extractDocuments(source, to, workWith(1, []));
  return to;
}

/** A user's own file: good lines, broken ones, and one of everything that the steps are there for. */
const OWN = [
  {
    text: "Write to anna@example.org or to 192.0.2.7 if you have the right to know about the account CH93 0076 2011 6238 5295 7, please, because everyone is entitled to an answer.",
  },
  {
    text: "Toute personne a droit à une nationalité et nul ne peut être arbitrairement privé de sa nationalité ici.",
  },
  { text: "short" },
  { text: "Le droit Le droit Le droit", lang: "deu" },
  {
    text: "Everyone who works has the right to just and favourable remuneration; the rights of others are to be respected and protected by law in every country.",
    lang: "arb",
  },
  {
    text: "Write to anna@example.org or to 192.0.2.7 if you have the right to know about the account CH93 0076 2011 6238 5295 7, please, because everyone is entitled to an answer.\u0000",
  },
];

const STORY = `Everyone who lives in this valley knows the story of the bridge, which the people of both villages built together
after the great flood had taken the old one away. It was made of larch and stone, and every family gave a beam, a
day of work or a loaf of bread. When it was finished, they walked over it from both sides and met in the middle, where the
oldest woman of one village gave her hand to the youngest child of the other, and since then no one has counted the
sides. The bridge has been repaired many times, and some say that not a single piece of the first one is left in it.`;

/** Pages of the web: two nearly the same, one that its site refuses, one that refuses itself. */
const PAGES: { url: string; text: string; licence?: string }[] = [
  { url: "https://open.example.com/story", text: STORY },
  { url: "https://copy.example.com/story", text: STORY.replace("a single piece", "one piece").toUpperCase() },
  { url: "https://closed.example.com/private/story", text: `Another story. ${STORY}` },
];
/** A question of an evaluation set, and a page that has it with other words around. */
const QUESTION =
  "A train leaves the station at 9:40 and travels 126 km at 84 km/h. It stops for 15 minutes. When does it arrive?";
PAGES.push({
  url: "https://open.example.com/exam",
  text: `These are the questions of last summer, as the pupils remember them. ${QUESTION} Nobody knew the answer at once.`,
});
PAGES.push({ url: "https://open.example.com/nc", text: `A third story. ${STORY}`, licence: "cc by-nc 4.0" });
const SNAPSHOT = {
  host: "closed.example.com",
  date: "2026-01-15T12:00:00Z",
  robots: { status: 200, text: "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /private\n" },
};

async function clean(out: string, workers: number, config: object = {}): Promise<Cleaned> {
  const facts: RecordedFact[] = [];
  const settings = cleanConfigSchema.parse({
    seed: 5,
    languages: LANGUAGES,
    mix: {
      caps: [{ source: "books", maxBytes: 60_000 }],
      epochs: [
        { language: "roh", epochs: 2 },
        { language: "jpn", epochs: 0.5 },
      ],
    },
    nearDuplicates: {},
    optOut: { snapshot: "snapshot.jsonl" },
    licences: { content: ["mit", "LicenseRef-Public-Domain"] },
    probes: {
      texts: { source: "books", repetitions: [0, 1, 3], perBucket: 2, minBytes: 500 },
      canaries: { kinds: ["words"], characters: [40], repetitions: [0, 3], each: 1, references: 3 },
    },
    decontaminate: { sets: [{ name: "school", path: "school.jsonl" }] },
    ...config,
  });
  const { files } = await resolveClean(settings, dir);
  const summary = await cleanDocuments(sources, settings, out, workWith(workers, facts), files);
  return { summary, facts, out };
}

async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}

async function hashes(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((name) => !name.includes(".firn-tmp"))
    .sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name.slice(folder.length), sha256(await readFile(name))])),
  ) as Record<string, string>;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-clean-"));
  const lines = [...OWN.map((row) => JSON.stringify(row)), "{broken"];
  await writeFile(join(dir, "own.jsonl"), lines.join("\n"));
  await writeFile(join(dir, "pages.jsonl"), PAGES.map((page) => JSON.stringify(page)).join("\n"));
  await writeFile(join(dir, "school.jsonl"), JSON.stringify({ question: QUESTION, answer: "11:25" }));
  await writeFile(join(dir, "snapshot.jsonl"), `${JSON.stringify(SNAPSHOT)}\n`);
  sources = [
    await acquire({ id: "udhr", reader: { type: "udhr", codes: CODES } }),
    await acquire({
      id: "books",
      reader: { type: "gutenberg", books: ["carroll-alice"] },
      licence: "LicenseRef-Public-Domain",
    }),
    await acquire({
      id: "own",
      reader: { type: "jsonl", path: "own.jsonl", fields: { language: "lang" } },
      category: "user-data",
    }),
    await acquire({
      id: "pages",
      reader: { type: "jsonl", path: "pages.jsonl", fields: { url: "url", licence: "licence" } },
      category: "crawled",
    }),
  ];
  result = await clean(join(dir, "one"), 1);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("cleaning documents", () => {
  it("ends every input document as exactly one of train, held-out or a reject with one step and reason", async () => {
    const raw = (await Promise.all(sources.map((source) => all(readDocuments(source, "raw"))))).flat();
    const broken = (await Promise.all(sources.map((source) => all(readRejects(source))))).flat();
    const train = await all(readDocuments(result.out, "train"));
    const heldout = await all(readDocuments(result.out, "heldout"));
    const rejects = await all(readRejects(result.out));
    const ids = (records: readonly DocumentRecord[]): string[] => records.map((record) => record.id).sort();
    const canaries = train.filter(({ source }) => source === "canaries");
    expect(ids([...train, ...heldout, ...rejects])).toEqual(ids([...raw, ...broken, ...canaries]));
    expect(canaries).toHaveLength(1 + 3);
    expect(rejects.every(({ step, reason }) => step !== "" && reason !== "")).toBe(true);
    expect(result.summary).toMatchObject({
      train: { documents: train.length },
      heldout: { documents: heldout.length },
      rejected: rejects.length,
    });
  });

  it("reconciles the counts of every step", async () => {
    const rejects = await all(readRejects(result.out));
    let expected = result.summary.steps[0]!.in;
    for (const step of result.summary.steps) {
      expect(step.in).toBe(expected);
      const dropped = rejects.filter((reject) => reject.step === step.step);
      expect(step.in - step.out).toBe(dropped.length);
      const byReason: Record<string, number> = {};
      for (const { reason } of dropped) byReason[reason] = (byReason[reason] ?? 0) + 1;
      expect(step.reasons).toEqual(byReason);
      expected = step.out;
    }
    // Canaries are no input documents.
    expect(expected + 4).toBe(result.summary.train.documents + result.summary.heldout.documents);
    const steps = result.facts
      .filter(({ kind }) => kind === "step")
      .map(({ data }) => data as { step: string; languages: object });
    expect(steps.map(({ step }) => step)).toEqual(result.summary.steps.map(({ step }) => step));
    for (const [i, { languages }] of steps.entries()) {
      const counts = Object.values(languages as Record<string, { in: number; out: number }>);
      expect(counts.reduce((sum, count) => sum + count.in, 0)).toBe(result.summary.steps[i]!.in);
      expect(counts.reduce((sum, count) => sum + count.out, 0)).toBe(result.summary.steps[i]!.out);
    }
  });

  it("drops each document of the user's file for the right reason", async () => {
    const rejects = await all(readRejects(result.out));
    const reason = (n: number): string => {
      const found = rejects
        .filter(({ id }) => id === `own/own.jsonl#${n}`)
        .map((reject: RejectRecord) => `${reject.step}/${reject.reason}`);
      return found.join();
    };
    expect([1, 2, 3, 5, 6, 7].map(reason)).toEqual([
      "",
      "",
      expect.stringMatching(/^(quality\/too-short|select-language\/language-unknown)$/),
      "language/language-mismatch",
      "deduplicate/exact-duplicate",
      "extract/json-invalid",
    ]);
    const kept = [
      ...(await all(readDocuments(result.out, "train"))),
      ...(await all(readDocuments(result.out, "heldout"))),
    ];
    expect(kept.find(({ id }) => id === "own/own.jsonl#1")).toMatchObject({
      text: "Write to <email-pii> or to <ip-pii> if you have the right to know about the account <iban-pii>, please, because everyone is entitled to an answer.",
      scrubbed: 3,
      language: "eng",
    });
    expect(kept.find(({ id }) => id === "own/own.jsonl#2")).toMatchObject({
      language: "fra",
      declaredLanguage: null,
    });
    expect(rejects.some(({ source, reason: why }) => source === "books" && why === "over-quota")).toBe(true);
    expect(
      rejects.some(({ id, reason: why }) => id.startsWith("udhr/tha2") && why === "language-not-selected"),
    ).toBe(true);
  });

  it("leaves out what a site refuses, with the evidence, and counts it by signal and agent", async () => {
    const [reject] = (await all(readRejects(result.out))).filter(({ step }) => step === "opt-out");
    expect(reject).toMatchObject({
      id: "pages/pages.jsonl#3",
      reason: "robots",
      detail: "Disallow: /private (robots.txt of closed.example.com, 2026-01-15T12:00:00Z) for CCBot, GPTBot",
    });
    const count = { documents: 1, bytes: reject!.bytes };
    expect(result.facts.find(({ kind }) => kind === "step")!.data).toMatchObject({
      step: "opt-out",
      reasons: { robots: 1 },
      marks: { "agent CCBot": count, "agent GPTBot": count, "signal robots": count },
    });
    expect(result.facts.find(({ kind }) => kind === "optout")!.data).toMatchObject({
      snapshot: { hosts: 1, period: { from: SNAPSHOT.date, to: SNAPSHOT.date } },
      requests: null,
    });
  });

  it("leaves out what its licence does not allow, under its one name", async () => {
    const rejects = await all(readRejects(result.out));
    expect(rejects.find(({ id }) => id === "pages/pages.jsonl#5")).toMatchObject({
      step: "licence",
      reason: "content-licence",
      licence: "CC-BY-NC-4.0",
    });
    expect(result.facts.map(({ data }) => data as Record<string, unknown>)).toContainEqual(
      expect.objectContaining({
        step: "licence",
        allowed: { compilation: null, content: expect.any(Array) as unknown },
      }),
    );
  });

  it("leaves out a page with a question of an evaluation set, and says which", async () => {
    const rejects = await all(readRejects(result.out));
    expect(rejects.find(({ id }) => id === "pages/pages.jsonl#4")).toMatchObject({
      step: "decontaminate",
      reason: "evaluation-item",
      detail: expect.stringMatching(/^school, row 1: (\d+) of its \1 tokens \(1\.00\)$/) as string,
    });
    expect(result.facts.map(({ data }) => data as object).find((data) => "against" in data)).toMatchObject({
      step: "decontaminate",
      marks: { "set school": { documents: 1 } },
      against: { ngram: 8, sets: [{ name: "school", items: 1, tooShort: 0 }] },
    });
  });

  it("keeps the first of near-duplicates and says how many documents it stands for", async () => {
    const rejects = await all(readRejects(result.out));
    expect(rejects.find(({ id }) => id === "pages/pages.jsonl#2")).toMatchObject({
      step: "near-duplicates",
      reason: "near-duplicate",
      detail: "pages/pages.jsonl#1",
    });
    const kept = [
      ...(await all(readDocuments(result.out, "train"))),
      ...(await all(readDocuments(result.out, "heldout"))),
    ];
    expect(kept.find(({ id }) => id === "pages/pages.jsonl#1")!.copies).toBe(2);
    expect(kept.find(({ id }) => id === "own/own.jsonl#1")!.copies).toBe(2);
    const duplicates = rejects.filter(({ reason }) => reason.endsWith("-duplicate")).length;
    const overQuota = rejects.filter(({ reason }) => reason === "over-quota").length;
    expect(kept.reduce((sum, { copies }) => sum + copies, 0)).toBeGreaterThanOrEqual(
      kept.length + duplicates - overQuota,
    );
  });

  it("holds out the same articles in every language, and nothing of them is trained on", async () => {
    const train = await all(readDocuments(result.out, "train"));
    const heldout = await all(readDocuments(result.out, "heldout"));
    const keys = (records: readonly DocumentRecord[], language: string): Set<string | null> =>
      new Set(
        records.filter((r) => r.source === "udhr" && r.language === language).map((r) => r.parallelKey),
      );
    const held = keys(heldout, "eng");
    expect(held.size).toBeGreaterThan(0);
    for (const language of LANGUAGES) {
      expect(keys(heldout, language)).toEqual(held);
      for (const key of keys(train, language)) expect(held.has(key)).toBe(false);
      expect(result.summary.languages[language]!.heldout.bytes).toBeGreaterThan(100);
    }
  });

  it("keeps caps, normal text, and hashes that belong to the text", async () => {
    const train = await all(readDocuments(result.out, "train"));
    const books = train.filter(({ source }) => source === "books").reduce((sum, { bytes }) => sum + bytes, 0);
    expect(books).toBeLessThanOrEqual(60_000);
    expect(books).toBeGreaterThan(55_000);
    for (const { text, sha256: hash, bytes } of train) {
      expect(hash).toBe(sha256(text));
      expect(bytes).toBe(Buffer.byteLength(text));
      expect(text).toBe(text.normalize("NFC").trimEnd());
    }
  });

  it("says how often a document is read, and drops what is read less than once", async () => {
    const train = await all(readDocuments(result.out, "train"));
    const heldout = await all(readDocuments(result.out, "heldout"));
    const texts = train.filter(({ source }) => source === "udhr");
    expect(texts.every(({ language, repeats }) => repeats === (language === "roh" ? 2 : 1))).toBe(true);
    expect(heldout.every(({ repeats }) => repeats === 1)).toBe(true);
    const dropped = (await all(readRejects(result.out))).filter(({ reason }) => reason === "downsampled");
    expect(dropped.length).toBeGreaterThan(3);
    expect(dropped.every(({ language, step }) => language === "jpn" && step === "mix")).toBe(true);
    const fact = result.facts
      .map(({ data }) => data as Record<string, unknown>)
      .find((d) => d["step"] === "mix");
    const bytes = train.filter(({ language }) => language === "roh").reduce((sum, d) => sum + 2 * d.bytes, 0);
    expect(fact).toMatchObject({ epochBytes: { languages: { roh: bytes } } });
  });

  it("lists texts and canaries that are read a chosen number of times, and keeps the unseen ones out", async () => {
    const { probes, references } = await readProbes(result.out);
    expect(probes.map(({ kind, repetitions }) => `${kind} ${repetitions}`).sort()).toEqual([
      "text 0",
      "text 0",
      "text 1",
      "text 1",
      "text 3",
      "text 3",
      "words 0",
      "words 0",
      "words 3",
      "words 3",
    ]);
    const train = await all(readDocuments(result.out, "train"));
    const heldout = await all(readDocuments(result.out, "heldout"));
    for (const { text, repetitions } of probes) {
      const read = train.filter((document) => document.text.includes(text));
      expect(read.reduce((sum, { repeats }) => sum + repeats, 0)).toBe(repetitions);
      expect(heldout.some((document) => document.text.includes(text))).toBe(false);
    }
    expect(references.map(({ kind, characters }) => [kind, characters])).toEqual(
      Array(3).fill(["words", 40]),
    );
    const everything = [...train, ...heldout, ...probes];
    for (const { text } of references)
      expect(everything.some((item) => item.text.includes(text))).toBe(false);
    const data = result.facts.map((fact) => fact.data as Record<string, unknown>);
    expect(data.find(({ step }) => step === "probes")).toMatchObject({
      reasons: { "unseen-probe": 2 },
      file: "probes.jsonl",
      probes: { text: { 0: 2, 1: 2, 3: 2 }, words: { 0: 2, 3: 2 } },
      references: { file: "probe-references.jsonl", texts: 3 },
    });
    expect(data.find(({ id }) => id === "canaries")).toMatchObject({
      category: "synthetic",
      licence: "CC0-1.0",
    });
  });

  it("records what each source contributes", () => {
    const freeze = result.facts.filter(({ kind }) => kind === "freeze").map(({ data }) => data);
    expect(freeze).toMatchObject([
      { source: "udhr", category: "public-dataset", licence: "MIT" },
      { source: "books", licences: { "LicenseRef-Public-Domain": expect.any(Number) as number } },
      { source: "own", category: "user-data" },
      { source: "pages", category: "crawled" },
      { source: "canaries", category: "synthetic", heldout: { documents: 0 } },
    ]);
  });

  it("leaves a language identifier that works, with an honest measure of it", async () => {
    const path = join(result.out, LANGUAGE_MODEL_FILE);
    const identifier = LanguageIdentifier.fromJson(await readFile(path, "utf8"), path);
    expect(
      identifier.identify("Alle Menschen haben das Recht auf Arbeit und freie Berufswahl.").language,
    ).toBe("deu");
    const { accuracy, documents, labels } = result.summary.identifier as Record<string, number>;
    expect(labels).toBe(9);
    expect(documents).toBeGreaterThan(30);
    expect(accuracy).toBeGreaterThan(0.9);
  });

  it("gives the same bytes and facts with one worker and with three", async () => {
    const three = await clean(join(dir, "three"), 3);
    expect(await hashes(three.out)).toEqual(await hashes(result.out));
    expect(three.facts).toEqual(result.facts);
    expect(three.summary).toEqual(result.summary);
  });

  it("leaves finished files, and beside them only what the store sweeps away", async () => {
    expect(Object.keys(await hashes(result.out))).toEqual([
      "/documents/heldout-00000.parquet",
      "/documents/train-00000.parquet",
      "/language-model.json",
      "/optout/snapshot.jsonl",
      "/probe-references.jsonl",
      "/probes.jsonl",
      "/rejects/rejects-00000.parquet",
    ]);
  });

  it("says which step dropped everything when nothing is left", async () => {
    const nothing = clean(join(dir, "nothing"), 1, { languages: ["zul"] });
    await expect(nothing).rejects.toThrow(/DATA_NOTHING_LEFT.*select-language\/language-not-selected/);
    const none = cleanDocuments([dir], cleanConfigSchema.parse({}), join(dir, "none"), workWith(1, []));
    await expect(none).rejects.toMatchObject({ code: "DATA_SOURCE_RECORD" });
  });
});
