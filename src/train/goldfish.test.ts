import { describe, expect, it } from "vitest";
import { goldfishMask, goldfishTable, murmurHash } from "./goldfish.ts";

/** The sequence of the reference vectors: x ← 1103515245·x + 12345 mod 2³¹, id = 1000 + ((x >> 8) mod 130072). */
function referenceSequence(length: number): Int32Array {
  let x = 12345n;
  return Int32Array.from({ length }, () => {
    x = (1103515245n * x + 12345n) % 2147483648n;
    return 1000 + Number((x >> 8n) % 130072n);
  });
}

function droppedAt(mask: Uint8Array): number[] {
  return [...mask.keys()].filter((i) => mask[i] === 1);
}

describe("goldfish mask", () => {
  it("rebuilds PyTorch's table without PyTorch", () => {
    expect(Array.from(goldfishTable().slice(0, 8))).toEqual([
      0.23368388414382935, 0.4412640333175659, 0.7411476969718933, 0.9092718958854675, 0.7113223075866699,
      0.0011252164840698242, 0.2171628475189209, 0.038202762603759766,
    ]);
    const below = [...goldfishTable().keys()].filter((i) => goldfishTable()[i]! < 0.02);
    expect(below.length).toBe(19901);
    expect(below.slice(0, 10)).toEqual([5, 11, 16, 36, 57, 92, 102, 140, 171, 191]);
  });

  it("drops the reference labels for k = h = 50", () => {
    const ids = referenceSequence(4096);
    expect(Array.from(ids.slice(0, 4))).toEqual([33806, 86599, 69884, 116206]);
    const dropped = droppedAt(goldfishMask(ids, { k: 50, window: 50, hash: "product" }));
    expect(dropped.length).toBe(68);
    expect(dropped.slice(0, 10)).toEqual([177, 212, 215, 467, 468, 475, 565, 576, 611, 744]);
  });

  it("drops the reference labels for k = h = 4", () => {
    const dropped = droppedAt(goldfishMask(referenceSequence(4096), { k: 4, window: 4, hash: "product" }));
    expect(dropped.length).toBe(1043);
    expect(dropped.slice(0, 8)).toEqual([11, 15, 16, 18, 20, 24, 28, 37]);
  });

  it("never drops the first h − 1 labels", () => {
    for (const window of [2, 13, 50]) {
      const mask = goldfishMask(referenceSequence(200), { k: 1.0001, window, hash: "product" });
      expect(droppedAt(mask)[0]).toBeGreaterThanOrEqual(window - 1);
    }
  });
});

describe("the murmur3 hash", () => {
  it("is MurmurHash3_x86_32, by its published vectors", () => {
    // "test", four bytes 0xff, and 21 43 65 87 in memory; seed 0.
    expect(murmurHash(Int32Array.of(0x74736574), 0, 0)).toBe(0xba6bd213);
    expect(murmurHash(Int32Array.of(-1), 0, 0)).toBe(0x76293b50);
    expect(murmurHash(Int32Array.of(0x87654321), 0, 0)).toBe(0xf55b516b);
  });

  it("drops one label in k, also of text whose ids are all even, where the product drops none", () => {
    const even = referenceSequence(40_000).map((id) => 2 * (id >> 1));
    const share = (hash: "murmur3" | "product"): number =>
      droppedAt(goldfishMask(even, { k: 50, window: 64, hash })).length / (even.length - 63);
    expect(share("product")).toBe(0);
    // 2 % ± 4 standard deviations of 40,000 draws.
    expect(Math.abs(share("murmur3") - 0.02)).toBeLessThan(0.0028);
  });

  it("decides from the window alone", () => {
    const ids = referenceSequence(500);
    const config = { k: 3, window: 13, hash: "murmur3" as const };
    const whole = goldfishMask(ids, config);
    expect(goldfishMask(ids.subarray(100), config).subarray(12)).toEqual(whole.subarray(112));
  });
});
