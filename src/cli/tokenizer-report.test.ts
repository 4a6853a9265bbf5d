import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  APERTUS_PATTERN,
  loadTokenizer,
  PieceCounter,
  PreTokenizer,
  saveTokenizer,
  type Tokenizer,
  tokenizerFromMerges,
  trainMerges,
} from "../tokenizer/index.ts";
import { reportTokenizers, tokenizerReportLines } from "./tokenizer-report.ts";

let folder: string;

/** Trained on one German sentence, so that it is unfair on purpose. */
async function germanTokenizer(tokens: number): Promise<Tokenizer> {
  const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
  counter.add("Alle Menschen sind frei und gleich an Würde und Rechten geboren. ".repeat(9));
  const merges = await trainMerges(counter.total(), { tokens, minFrequency: 2 });
  return tokenizerFromMerges(merges, { specialBlock: 80, systemText: "S" });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firn-fairness-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("the report on tokenizers", () => {
  it("sets two tokenizers side by side on every translation of the declaration", async () => {
    await saveTokenizer(await germanTokenizer(300), folder);
    const trained = (await loadTokenizer(join(folder, "tokenizer.json"))).tokenizer;
    const reports = await reportTokenizers([
      { name: "trained", tokenizer: trained },
      { name: "bytes", tokenizer: await germanTokenizer(256) },
    ]);
    const [ours, bytes] = reports.map(({ report }) => report);
    expect(ours!.languages.length).toBeGreaterThan(500);
    expect(ours!.sameText.languages).toBeGreaterThan(400);
    expect(ours!.languages.every(({ roundTrip }) => roundTrip)).toBe(true);
    expect(bytes!.perByte).toMatchObject({ worstFactor: 1, gini: 0 });
    expect(bytes!.sameText.gini).toBeGreaterThan(0.1);
    expect(ours!.languages.at(-1)!.language).toMatch(/^deu/);
    const lines = tokenizerReportLines(reports, 3).join("\n");
    expect(lines).toContain("trained: bytes/token");
    expect(lines).toMatch(/^deu_\S+ +[\d,]+ +\d\.\d\d/m);
  });
});
