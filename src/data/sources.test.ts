import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DocumentRecord, readDocuments, readRejects, type RejectRecord } from "../artifacts/index.ts";
import type { Work } from "../core/index.ts";
import { acquireSource, sourceIdentity } from "./acquire-source.ts";
import { extractDocuments } from "./extract-documents.ts";
import { type RecordedFact, workWith } from "./recorded-work.test-work.ts";
import { resolveSource } from "./resolve-source.ts";
import { type SourceSpec, sourceSpecSchema } from "./source-spec.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let dir: string;
let facts: RecordedFact[];
let work: Work;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-sources-"));
  facts = [];
  work = workWith(1, facts);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const spec = (fields: object): SourceSpec =>
  sourceSpecSchema.parse({ id: "mine", licence: "CC0-1.0", category: "other", ...fields });

async function extract(fields: object): Promise<{ documents: DocumentRecord[]; rejects: RejectRecord[] }> {
  const source = await resolveSource(spec(fields), dir);
  const out = join(dir, "out");
  await extractDocuments(source, out, work);
  const documents: DocumentRecord[] = [];
  const rejects: RejectRecord[] = [];
  for await (const batch of readDocuments(out, "raw")) documents.push(...batch);
  for await (const batch of readRejects(out)) rejects.push(...batch);
  return { documents, rejects };
}

describe("declaring a source", () => {
  const folder = { type: "folder", path: "texts" };
  const problems = (value: object): string => sourceSpecSchema.safeParse(value).error?.message ?? "";

  it("fits on a line: id, reader, licence, category", () => {
    expect(spec({ reader: folder }).reader).toEqual({ ...folder, extensions: [".txt", ".md"] });
    expect(spec({ reader: { type: "jsonl", path: "a.jsonl" } }).reader).toMatchObject({
      fields: { text: "text" },
    });
  });

  it("needs a licence or the reason why there is none, and not both", () => {
    const bare = { id: "mine", reader: folder, category: "other" };
    expect(problems(bare)).toContain("a source needs its licence");
    expect(problems({ ...bare, licenceUnknownBecause: "The donor did not say." })).toBe("");
    expect(problems({ ...bare, licence: "MIT", licenceUnknownBecause: "The donor did not say." })).toContain(
      "not both",
    );
    expect(problems({ ...bare, licence: "free for all!" })).toContain("SPDX");
    for (const licence of [
      "CC-BY-4.0",
      "LicenseRef-UDHR",
      "MIT OR Apache-2.0",
      "GPL-2.0-only WITH Classpath-exception-2.0",
    ]) {
      expect(problems({ ...bare, licence })).toBe("");
    }
  });

  it("refuses unknown keys, categories and impossible periods", () => {
    const good = { id: "mine", reader: folder, category: "other", licence: "MIT" };
    expect(problems({ ...good, license: "MIT" })).toContain("license");
    expect(problems({ ...good, category: "web" })).toContain("category");
    expect(problems({ ...good, period: { from: "2020-05", to: "2019" } })).toContain(
      "from must not lie after to",
    );
    expect(problems({ ...good, period: { from: "1811", to: "1851-12" } })).toBe("");
  });
});

describe("resolving a source", () => {
  const udhr = {
    id: "udhr",
    reader: { type: "udhr", codes: ["eng", "deu_1996"] },
    category: "public-dataset",
  };

  it("finds the files of the npm packages with hashes and version", async () => {
    const source = await resolveSource(spec(udhr), root);
    expect(source.files.map((file) => file.name)).toEqual(["deu_1996", "eng"]);
    expect(source.revision).toBe("6.0.0");
    expect(source.contentHash).toMatch(/^[0-9a-f]{64}$/);
    await expect(resolveSource(spec({ ...udhr, revision: "5.0.0" }), root)).rejects.toMatchObject({
      code: "DATA_SOURCE_REVISION",
    });
  });

  it("says what is missing and what to do", async () => {
    const typo = spec({ ...udhr, reader: { type: "udhr", codes: ["deu_1997"] } });
    await expect(resolveSource(typo, root)).rejects.toThrow(
      /DATA_SOURCE_MISSING.*deu_1997.*Did you mean "deu_1996"/,
    );
    const folder = spec({ reader: { type: "folder", path: "nowhere" } });
    await expect(resolveSource(folder, dir)).rejects.toMatchObject({ code: "DATA_SOURCE_MISSING" });
    const file = spec({ reader: { type: "jsonl", path: "gone.jsonl" } });
    await expect(resolveSource(file, dir)).rejects.toThrow(/gone\.jsonl/);
    await mkdir(join(dir, "empty"));
    await expect(
      resolveSource(spec({ reader: { type: "folder", path: "empty" } }), dir),
    ).rejects.toMatchObject({
      code: "DATA_SOURCE_EMPTY",
    });
  });

  it("depends on names and content, not on where the files lie", async () => {
    for (const place of ["here", "there"]) {
      await mkdir(join(dir, place, "sub"), { recursive: true });
      await writeFile(join(dir, place, "a.txt"), "A");
      await writeFile(join(dir, place, "sub", "b.md"), "B");
      await writeFile(join(dir, place, ".hidden.txt"), "no");
      await writeFile(join(dir, place, "image.png"), "no");
    }
    const at = (path: string) => resolveSource(spec({ reader: { type: "folder", path } }), dir);
    const [here, there] = [await at("here"), await at("there")];
    expect(here.files.map((file) => file.name)).toEqual(["a.txt", "sub/b.md"]);
    expect(sourceIdentity(here)).toEqual(sourceIdentity(there));
    await writeFile(join(dir, "there", "a.txt"), "changed");
    expect((await at("there")).contentHash).not.toBe(here.contentHash);
  });
});

describe("acquiring a source", () => {
  it("writes what is declared and found, without machine paths, and records it", async () => {
    await writeFile(join(dir, "a.txt"), "A text of some length.");
    const source = await resolveSource(
      spec({
        reader: { type: "folder", path: "." },
        contentRights: "Public domain.",
        period: { from: "1900", to: "1910" },
      }),
      dir,
    );
    const record = await acquireSource(source, join(dir, "out"), work);
    const text = await readFile(join(dir, "out", "source.json"), "utf8");
    expect(JSON.parse(text)).toEqual(record);
    expect(text).not.toContain(dir);
    expect(record).toMatchObject({
      id: "mine",
      licence: "CC0-1.0",
      title: "mine",
      period: { from: "1900", to: "1910" },
    });
    expect(facts).toMatchObject([{ kind: "source", data: { id: "mine", files: 1 } }]);
  });
});

describe("extracting documents", () => {
  it("gives the declaration's articles stable ids, keys and addresses", async () => {
    const source = await resolveSource(
      spec({ id: "udhr", reader: { type: "udhr", codes: ["eng", "srp_cyrl"] }, category: "public-dataset" }),
      root,
    );
    await extractDocuments(source, dir, work);
    const documents: DocumentRecord[] = [];
    for await (const batch of readDocuments(dir, "raw")) documents.push(...batch);
    expect(documents).toHaveLength(62);
    expect(documents.find(({ id }) => id === "udhr/eng#3")).toMatchObject({
      text: "Article 3\n\nEveryone has the right to life, liberty and the security of person.",
      declaredLanguage: "eng",
      parallelKey: "3",
      url: "https://www.ohchr.org/EN/UDHR/Pages/Language.aspx?LangID=eng",
      licence: "CC0-1.0",
    });
    expect(documents.find(({ id }) => id === "udhr/srp_cyrl#1")).toMatchObject({
      declaredLanguage: "srp",
      script: "Cyrl",
    });
    expect(facts).toMatchObject([
      { kind: "step", data: { step: "extract", source: "udhr", in: { documents: 62 } } },
    ]);
  });

  it("counts every line once: as a document or as a reject with its reason", async () => {
    const lines = [
      '{"id":"a","text":"one","lang":"de-CH"}',
      "{broken",
      '{"id":"a","text":"again"}',
      '{"text":"\\ud800x"}',
      '{"id":"b"}',
    ];
    await writeFile(join(dir, "x.jsonl"), lines.join("\n"));
    const reader = { type: "jsonl", path: "x.jsonl", fields: { id: "id", language: "lang" } };
    const { documents, rejects } = await extract({ reader, language: "eng" });
    expect(documents.map(({ id, text, declaredLanguage }) => [id, text, declaredLanguage])).toEqual([
      ["mine/x.jsonl#a", "one", "deu"],
      ["mine/x.jsonl#4", "\ufffdx", "eng"],
    ]);
    expect(rejects.map(({ step, reason }) => `${step}/${reason}`)).toEqual([
      "extract/json-invalid",
      "extract/duplicate-id",
      "extract/text-missing",
    ]);
    expect(facts[0]!.data).toMatchObject({ in: { documents: 5 }, out: { documents: 2 } });
  });

  it("refuses a file that changed since it was hashed", async () => {
    await writeFile(join(dir, "x.jsonl"), '{"text":"one"}');
    const source = await resolveSource(spec({ reader: { type: "jsonl", path: "x.jsonl" } }), dir);
    await writeFile(join(dir, "x.jsonl"), '{"text":"two"}');
    await expect(extractDocuments(source, join(dir, "out"), work)).rejects.toMatchObject({
      code: "DATA_SOURCE_CHANGED",
    });
  });

  it("stops when asked to, leaving no finished file", async () => {
    await writeFile(join(dir, "x.jsonl"), '{"text":"one"}');
    const source = await resolveSource(spec({ reader: { type: "jsonl", path: "x.jsonl" } }), dir);
    const stopped = { ...work, signal: AbortSignal.abort(new Error("stopped")) };
    await expect(extractDocuments(source, join(dir, "out"), stopped)).rejects.toThrow("stopped");
    await expect(readDocuments(join(dir, "out"), "raw").next()).rejects.toMatchObject({
      code: "DATA_DOCUMENTS_MISSING",
    });
  });
});
