import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DocumentsWriter, makeDocument, openTokens } from "../artifacts/index.ts";
import { type Json, sha256, silentReporter, type Work } from "../core/index.ts";
import { loadTokenizer, TOKENIZER_FILES } from "./tokenizer-files.ts";
import { tokenizeDocuments } from "./tokenize-documents.ts";
import { tokenizerConfigSchema, trainTokenizer } from "./train-tokenizer.ts";

const TEXTS = {
  deu: "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
  fra: "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
  jpn: "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
};
let root: string;
let documentsDir: string;

interface Fact {
  readonly kind: string;
  readonly data: Json;
}

function workWith(facts: Fact[], signal = new AbortController().signal): Work {
  return {
    report: silentReporter,
    signal,
    fact: (kind, data) => facts.push({ kind, data }),
    workers: 1,
    threads: 1,
  };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "firn-tokenizer-stages-"));
  documentsDir = join(root, "documents");
  for (const split of ["train", "heldout"] as const) {
    const writer = new DocumentsWriter(documentsDir, split);
    for (const [language, text] of Object.entries(TEXTS)) {
      for (let copy = 0; copy < (split === "train" ? 5 : 1); copy++) {
        const id = `${split}/${language}#${copy}`;
        await writer.write([
          makeDocument({ id, text: `${text} ${copy}`, source: "test", licence: "CC0-1.0", language }),
        ]);
      }
    }
    await writer.close();
  }
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const config = tokenizerConfigSchema.parse({
  vocabSize: 450,
  specialBlock: 80,
  systemText: "You are a test.",
});

describe("trainTokenizer and tokenizeDocuments", () => {
  it("turn documents into a tokenizer folder and into tokens that decode to the documents", async () => {
    const facts: Fact[] = [];
    const tokenizerDir = join(root, "tokenizer");
    const trained = await trainTokenizer(config, { documentsDir, dir: tokenizerDir }, workWith(facts));
    expect((await readdir(tokenizerDir)).sort()).toEqual([...TOKENIZER_FILES].sort());
    expect(trained).toMatchObject({ vocabSize: 450, merges: 450 - 80 - 256, documents: 15, languages: 3 });
    expect(trained.sha256).toBe(sha256(await readFile(join(tokenizerDir, "tokenizer.json"))));
    const { tokenizer, sha256: hash } = await loadTokenizer(tokenizerDir);
    expect(hash).toBe(trained.sha256);
    expect(tokenizer.systemText).toBe("You are a test.");

    const dir = join(root, "tokens");
    const summary = await tokenizeDocuments(
      { documentsDir, tokenizerDir, dir, splits: ["train", "heldout"] },
      workWith(facts),
    );
    const heldout = await openTokens(dir, "heldout");
    const rows = await heldout.documents();
    expect(
      rows.map(({ offset, length }) => tokenizer.decode(heldout.ids.subarray(offset, offset + length))),
    ).toEqual(Object.values(TEXTS).map((text) => `<s>${text} 0</s>`));
    expect(heldout).toMatchObject({ vocabSize: 450, tokenizer: trained.sha256 });
    expect(summary.splits["heldout"]).toMatchObject({
      documents: 3,
      tokens: heldout.tokenCount,
      bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
      sources: { test: { documents: 3 } },
    });
    expect(Object.keys(summary.splits["train"]!.languages)).toEqual(["deu", "fra", "jpn"]);
    expect(facts).toEqual([
      { kind: "tokenizer", data: trained },
      { kind: "tokenize", data: summary },
    ]);
  });

  it("write the same bytes every time", async () => {
    const folders = ["once", "twice"].map((name) => join(root, name));
    for (const dir of folders) {
      await trainTokenizer(config, { documentsDir, dir: join(dir, "tokenizer") }, workWith([]));
      await tokenizeDocuments(
        { documentsDir, tokenizerDir: join(dir, "tokenizer"), dir: join(dir, "tokens"), splits: ["train"] },
        workWith([]),
      );
    }
    for (const name of [
      "tokenizer/tokenizer.json",
      "tokenizer/chat_template.jinja",
      "tokens/train.bin",
      "tokens/documents.parquet",
    ]) {
      const [once, twice] = await Promise.all(folders.map((dir) => readFile(join(dir, name))));
      expect(once!.equals(twice!), name).toBe(true);
    }
  });

  it("stop when asked to and leave nothing half done", async () => {
    const stopped = workWith([], AbortSignal.abort(new Error("stop")));
    const dir = join(root, "stopped");
    await expect(trainTokenizer(config, { documentsDir, dir }, stopped)).rejects.toThrow("stop");
    await trainTokenizer(config, { documentsDir, dir: join(root, "other") }, workWith([]));
    const options = { documentsDir, tokenizerDir: join(root, "other"), dir, splits: ["train"] as const };
    await expect(tokenizeDocuments(options, stopped)).rejects.toThrow("stop");
    expect(await readdir(dir)).toEqual([]);
  });

  it("say which folder or file is missing or broken", async () => {
    await expect(loadTokenizer(join(root, "nowhere"))).rejects.toMatchObject({ code: "TOKENIZER_FILE" });
    const dir = join(root, "broken");
    await trainTokenizer(config, { documentsDir, dir }, workWith([]));
    await writeFile(join(dir, "tokenizer_config.json"), '{"default_system_text": 7}');
    await expect(loadTokenizer(dir)).rejects.toMatchObject({ code: "TOKENIZER_JSON" });
  });

  it("refuse a configuration that cannot work", () => {
    const parse = (value: object): unknown => tokenizerConfigSchema.parse(value);
    expect(() => parse({ vocabSize: 1200 })).toThrow(/at least specialBlock \+ 256/);
    expect(() => parse({ vocabSize: 4096, specialBlock: 60 })).toThrow();
    expect(() => parse({ vocabSize: 4096, systemText: "\u0000" })).toThrow(/control characters/);
    expect(() => parse({ vocabSize: 4096, temperature: 1 })).toThrow();
    expect(parse({ vocabSize: 4096 })).toMatchObject({
      specialBlock: 1000,
      minFrequency: 2,
      languageTemperature: 1,
    });
  });
});
