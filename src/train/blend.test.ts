import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { packBlend } from "./blend.ts";

const SOURCES = ["books", "code", "web"];

/** 120 documents of three sources. */
function corpus() {
  const random = randomStream(2, "blend");
  const offsets = [0];
  const sources: string[] = [];
  for (let i = 0; i < 120; i++) {
    sources.push(SOURCES[i % 3]!);
    offsets.push(offsets[i]! + 10 + random.integer(40));
  }
  const ids = Int32Array.from({ length: offsets.at(-1)! }, () => random.integer(50));
  return { ids, offsets, sources, names: sources.map((source, i) => `${source}-${i}`) };
}

describe("a blend of sources", () => {
  const documents = corpus();
  const shape = { length: 16, sequences: 400, seed: 7 };
  const stages = [
    { fromTokens: 0, weights: { web: 3, books: 1 } },
    { fromTokens: 200 * 16, weights: { web: 1, code: 1 } },
  ];
  const packing = packBlend(documents, stages, shape);
  const sourceOf = (index: number): string => {
    const found = new Set(packing.pieces(index).map(({ document }) => documents.sources[document]));
    expect(found.size, "a sequence is of one source").toBe(1);
    return [...found][0]!;
  };

  it("keeps each stage's shares at every point, to within one sequence", () => {
    const shares = [
      { web: 0.75, books: 0.25, code: 0 },
      { web: 0.5, books: 0, code: 0.5 },
    ];
    for (const [stage, wanted] of shares.entries()) {
      const counts: Record<string, number> = { web: 0, books: 0, code: 0 };
      for (let i = 0; i < 200; i++) {
        counts[sourceOf(stage * 200 + i)]! += 1;
        for (const source of SOURCES) {
          const share = wanted[source as keyof typeof wanted];
          expect(Math.abs(counts[source]! - share * (i + 1)), `${source} at ${i}`).toBeLessThanOrEqual(1);
        }
      }
    }
    expect(packing.changesAt).toEqual([200]);
  });

  it("goes on in a source where the stage before stopped, so that an epoch has no label twice", () => {
    const seen = new Map<string, number>();
    let sequences = 0;
    for (let i = 0; i < shape.sequences; i++) {
      if (sourceOf(i) !== "code") continue;
      sequences += 1;
      if (sequences > 60) break;
      let at = 0;
      for (const { document, start, length } of packing.pieces(i)) {
        for (let j = 0; j < length; j++, at++) {
          const key = `${document}:${start + j}`;
          if (at > 0) seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }
    }
    expect(Math.max(...seen.values())).toBe(1);
  });

  it("has a document in an epoch as often as it repeats", () => {
    const repeats = documents.sources.map((source) => (source === "code" ? 3 : 1));
    const once = packBlend(documents, [{ fromTokens: 0, weights: { web: 1, code: 1 } }], shape);
    const often = packBlend(
      { ...documents, repeats },
      [{ fromTokens: 0, weights: { web: 1, code: 1 } }],
      shape,
    );
    expect(often.sequencesPerEpoch).toBeGreaterThan(once.sequencesPerEpoch * 1.8);
  });

  it("is the same whoever asks, in whatever order", () => {
    const again = packBlend(documents, stages, shape);
    for (const index of [399, 0, 250, 17]) expect(again.pieces(index)).toEqual(packing.pieces(index));
  });

  it.each([
    [[{ fromTokens: 5, weights: { web: 1 } }], /from 0 tokens/],
    [[{ fromTokens: 0, weights: { wbe: 1 } }], /Did you mean web/],
    [[{ fromTokens: 0, weights: { web: 0 } }], /weight above 0/],
  ])("refuses %j", (wrong, message) => {
    expect(() => packBlend(documents, wrong as typeof stages, shape)).toThrow(message);
  });
});
