/** @file Cleaning that was stopped while it judged, grouped or distributed: goes on to the same bytes, or says why not. */
import { cpSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DocumentsWriter, makeDocument, readDocuments, readRejects } from "../artifacts/index.ts";
import { randomStream, sha256, type Work } from "../core/index.ts";
import { acquireSource } from "./acquire-source.ts";
import { cleanConfigSchema } from "./clean-config.ts";
import { cleanDocuments } from "./clean-documents.ts";
import type { DocumentsSummary } from "./freeze.ts";
import { type RecordedFact, workWith } from "./recorded-work.test-work.ts";
import { resolveSource } from "./resolve-source.ts";
import { sourceSpecSchema } from "./source-spec.ts";

const WORDS = {
  eng: "the snow of winter that fell upon mountains became firn and then ice under its own weight as years passed".split(
    " ",
  ),
  deu: "der Schnee des Winters der auf die Berge fiel wurde zu Firn und dann zu Eis unter seinem Gewicht im Lauf".split(
    " ",
  ),
};

let dir: string;
let sources: string[];
let whole: Cleaned;

/** A source of texts in two languages, every tenth one a copy, every seventh nearly one; in row groups of 100. */
async function makeSource(id: string, count: number): Promise<string> {
  const spec = sourceSpecSchema.parse({
    id,
    licence: "CC0-1.0",
    category: "other",
    reader: { type: "jsonl", path: "x.jsonl" },
  });
  const to = join(dir, id);
  await acquireSource(await resolveSource(spec, dir), to, workWith(1, []));
  const random = randomStream(1, id);
  const texts: string[] = [];
  const raw = new DocumentsWriter(to, "raw", { rowGroupRows: 100 });
  for (let i = 0; i < count; i++) {
    const language = i % 3 === 0 ? "deu" : "eng";
    const words = WORDS[language];
    let text = Array.from({ length: 60 }, () => words[random.integer(words.length)]!).join(" ");
    if (i % 10 === 9) text = texts[random.integer(texts.length)]!;
    else if (i % 7 === 6) text = `${texts[random.integer(texts.length)]!} again`;
    texts.push(text);
    const declaredLanguage = i % 2 === 0 && i % 10 !== 9 && i % 7 !== 6 ? language : null;
    await raw.write([
      makeDocument({ id: `${id}/f#${i}`, text, source: id, licence: "CC0-1.0", declaredLanguage }),
    ]);
  }
  await raw.close();
  const rejects = new DocumentsWriter(to, "rejects");
  const broken = makeDocument({ id: `${id}/f#broken`, text: "", source: id, licence: "CC0-1.0" });
  await rejects.write([{ ...broken, step: "extract", reason: "json-invalid", detail: null }]);
  await rejects.close();
  return to;
}

interface Cleaned {
  readonly summary: DocumentsSummary;
  readonly facts: readonly RecordedFact[];
  readonly bytes: Record<string, string>;
  readonly said: readonly string[];
}

const config = cleanConfigSchema.parse({
  seed: 3,
  nearDuplicates: { memoryMiB: 1 },
  quality: { minBytes: 10 },
  mix: { caps: [{ language: "deu", maxBytes: 20_000 }], epochs: [{ minCopies: 2, epochs: 1.5 }] },
});

interface Watch {
  readonly workers?: number;
  /** Called at every batch and every band; the state is then saved after every batch. */
  readonly onBatch?: () => void;
  readonly onFact?: () => void;
}

async function clean(out: string, { workers = 1, onBatch, onFact }: Watch = {}): Promise<Cleaned> {
  const facts: RecordedFact[] = [];
  const said: string[] = [];
  const quiet = workWith(workers, facts);
  const work: Work = {
    ...quiet,
    report: { ...quiet.report, line: (text) => void said.push(text) },
    fact: (kind, data) => {
      onFact?.();
      quiet.fact(kind, data);
    },
    ...(onBatch === undefined ? {} : { signal: { throwIfAborted: onBatch } as AbortSignal }),
  };
  const summary = await cleanDocuments(sources, config, out, work, {}, () => onBatch !== undefined);
  const bytes: Record<string, string> = {};
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(out.length);
    if (entry.isFile() && !path.includes(".firn-tmp")) bytes[path] = sha256(await readFile(join(out, path)));
  }
  return { summary, facts, bytes, said };
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-clean-resume-"));
  await writeFile(join(dir, "x.jsonl"), "{}\n");
  sources = [await makeSource("one", 250), await makeSource("two", 150)];
  whole = await clean(join(dir, "whole"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("cleaning that was killed", () => {
  it("judges what was not judged yet, and ends in the same bytes and facts", async () => {
    expect(whole.summary.rejected).toBeGreaterThan(100);
    const reasons = whole.summary.steps.flatMap((step) => Object.keys(step.reasons));
    expect(reasons).toEqual(expect.arrayContaining(["exact-duplicate", "near-duplicate", "over-quota"]));
    // What lies on the disk at a moment is what a kill at that moment leaves.
    const steps = join(dir, "steps");
    const moments: string[] = [];
    const take = (): void => {
      const moment = join(dir, `moment-${moments.length}`);
      cpSync(steps, moment, { recursive: true });
      moments.push(moment);
    };
    let calls = 0;
    let facts = 0;
    await clean(steps, {
      // Five batches for the languages, five (each asked for twice) to be judged, and the first bands.
      onBatch: () => {
        calls += 1;
        if (calls > 5 && calls < 19 && calls % 3 === 0) take();
      },
      // After everything has been distributed.
      onFact: () => {
        facts += 1;
        if (facts === 2) take();
      },
    });
    const judged: number[] = [];
    for (const moment of [...moments, steps]) {
      const again = await clean(moment, { workers: judged.length === 4 ? 2 : 1 });
      judged.push(Number(/goes on after (\d+) judged/.exec(again.said.join())?.[1] ?? 0));
      expect({ ...again, said: [] }).toEqual({ ...whole, said: [] });
    }
    expect([...judged].sort((a, b) => a - b)).toEqual(judged);
    // The ends of the row groups.
    expect(new Set(judged)).toEqual(new Set([0, 100, 250, 350, 400]));
  });

  it("trusts no journal whose files are not what they were", async () => {
    const moment = join(dir, "harmed");
    let calls = 0;
    await clean(join(dir, "steps-2"), {
      onBatch: () => {
        if (++calls === 12) cpSync(join(dir, "steps-2"), moment, { recursive: true });
      },
    });
    const files = ["journal.firn-tmp", "judged.firn-tmp/bands/band-3"];
    for (const file of files) {
      const out = join(dir, "harmed-copy");
      await rm(out, { recursive: true, force: true });
      await cp(moment, out, { recursive: true });
      const bytes = await readFile(join(out, file));
      bytes[bytes.length >> 2]! ^= 1;
      await writeFile(join(out, file), bytes);
      const again = await clean(out);
      expect(again.said.join(), file).toMatch(/journal of an interrupted run is not used/);
      expect({ ...again, said: [] }).toEqual({ ...whole, said: [] });
    }
  });

  it("loses no document and keeps none twice", async () => {
    const ids: string[] = [];
    for (const split of ["train", "heldout"] as const)
      for await (const batch of readDocuments(join(dir, "steps"), split))
        ids.push(...batch.map(({ id }) => id));
    for await (const batch of readRejects(join(dir, "steps"))) ids.push(...batch.map(({ id }) => id));
    expect(ids).toHaveLength(402);
    expect(new Set(ids).size).toBe(402);
  });
});
