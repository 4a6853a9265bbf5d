import { describe, expect, it } from "vitest";
import { normaliseText } from "../steps/normalise.ts";
import { makeCanaries } from "./canaries.ts";
import { chooseProbeTexts } from "./choose-texts.ts";
import { probesSchema } from "./config.ts";

const canariesOf = (fields: object, seed = 1) =>
  makeCanaries(probesSchema.parse({ canaries: fields }).canaries!, seed);

describe("canaries", () => {
  const { probes, documents, references } = canariesOf({
    characters: [40, 200],
    repetitions: [0, 1, 5],
    each: 2,
  });

  it("are some of every kind, length, repetition and prefix, each different", () => {
    expect(probes).toHaveLength(3 * 2 * 3 * 2 * 2);
    expect(new Set(probes.map(({ text }) => text)).size).toBe(probes.length);
    expect(new Set(probes.map(({ id }) => id)).size).toBe(probes.length);
    for (const { kind, text, id } of probes) {
      const length = Number(id.split("-").find((part) => /^\d+$/.test(part)));
      expect(text.length).toBeLessThanOrEqual(length);
      expect(text.length).toBeGreaterThan(length - 3);
      if (kind === "characters") expect(text).not.toContain(" ");
    }
  });

  it("stand in documents as often as they say, after the same words or after others", () => {
    for (const { id, text, repetitions, prefixes, documents: ids } of probes) {
      const holding = documents.filter((document) => document.text.endsWith(` ${text}`));
      expect(holding.map((document) => document.id)).toEqual(ids);
      expect(
        holding.reduce((sum, { repeats }) => sum + repeats, 0),
        id,
      ).toBe(repetitions);
      const distinct = new Set(holding.map((document) => document.text)).size;
      expect(distinct).toBe(prefixes === "different" ? repetitions : Math.min(1, repetitions));
    }
  });

  it("are normal text, the same for the same seed and others for another", () => {
    for (const { text } of documents) expect(normaliseText(text)).toBe(text);
    const settings = { characters: [40, 200], repetitions: [0, 1, 5], each: 2 };
    expect(canariesOf(settings)).toEqual({ probes, documents, references });
    expect(canariesOf(settings, 2).probes[0]!.text).not.toBe(probes[0]!.text);
  });

  it("have unread texts of every kind and length beside them, which none of them is", () => {
    expect(references).toHaveLength(3 * 2 * 255);
    expect(new Set([...references, ...probes].map(({ text }) => text)).size).toBe(
      3 * 2 * 255 + probes.length,
    );
    for (const { characters, text } of references) expect(characters - text.length).toBeLessThan(3);
  });

  it("name nobody: addresses and numbers are of the kinds set aside for examples", () => {
    const people = canariesOf({ kinds: ["personal-data"], characters: [400] }).probes;
    for (const { text } of people) {
      for (const [, domain] of text.matchAll(/@([a-z.]+[a-z])/g))
        expect("example.org").toContain(domain!.slice(0, 11));
      for (const [, number] of text.matchAll(/called at ([\d-]{6})/g)) expect(number).toBe("555-01");
    }
  });
});

describe("probe texts", () => {
  const rows = Array.from({ length: 200 }, (_, i) => ({
    id: `books/${i}`,
    source: i % 4 === 0 ? "web" : "books",
    bytes: i % 5 === 0 ? 100 : 3000,
    copies: i % 7 === 0 ? 2 : 1,
    parallelKey: null,
  }));
  const config = probesSchema.parse({
    texts: { source: "books", repetitions: [0, 0, 1, 8], perBucket: 5 },
  }).texts!;

  it("are long texts of the source that stand once in the training share, as many for each bucket", () => {
    const chosen = chooseProbeTexts(rows, (i) => i % 11 !== 0, config, 1);
    expect(chosen.size).toBe(20);
    for (const i of chosen.keys()) {
      expect(rows[i]).toMatchObject({ source: "books", bytes: 3000, copies: 1 });
      expect(i % 11).not.toBe(0);
    }
    const times = [...chosen.values()];
    expect([0, 1, 8].map((n) => times.filter((time) => time === n).length)).toEqual([10, 5, 5]);
    expect(chooseProbeTexts(rows, (i) => i % 11 !== 0, config, 1)).toEqual(chosen);
    expect([...chooseProbeTexts(rows, () => true, config, 2).keys()]).not.toEqual([...chosen.keys()]);
  });

  it("are refused when there are too few", () => {
    expect(() => chooseProbeTexts(rows, () => true, { ...config, perBucket: 50 }, 1)).toThrow(
      expect.objectContaining({ code: "DATA_PROBES_FEW" }),
    );
  });
});
