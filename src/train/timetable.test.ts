import { describe, expect, it } from "vitest";
import { timetable } from "./timetable.ts";

describe("the timetable", () => {
  it("of Apertus-8B doubles the batch at 7.04 trillion tokens and ends at 15 trillion", () => {
    const batchGrowth = [{ afterTokens: 7_038_042_112_000, batch: 2048 }];
    const times = timetable({ steps: 2_627_139, batch: 1024, length: 4096, batchGrowth });
    expect(times.growsAt).toEqual([1_678_001]);
    expect([1_678_000, 1_678_001].map((step) => times.batchAt(step))).toEqual([1024, 2048]);
    expect(times.sequencesBefore(1_678_001)).toBe(1_718_272_000);
    expect((times.sequences * 4096) / 15e12).toBeCloseTo(1, 6);
  });

  it("gives every sequence to one step", () => {
    const batchGrowth = [
      { afterTokens: 85, batch: 4 },
      { afterTokens: 250, batch: 7 },
    ];
    const times = timetable({ steps: 20, batch: 3, length: 10, batchGrowth });
    let next = 0;
    for (let step = 1; step <= 20; step++) {
      expect(times.sequencesBefore(step)).toBe(next);
      for (let i = 0; i < times.batchAt(step); i++) expect(times.stepOf(next++)).toBe(step);
    }
    expect(times.sequences).toBe(next);
    expect(times.growsAt).toEqual([4, 8]);
  });

  it("refuses a batch that shrinks", () => {
    const batchGrowth = [{ afterTokens: 100, batch: 2 }];
    expect(() => timetable({ steps: 5, batch: 4, length: 8, batchGrowth })).toThrow("TRAIN_BATCH_GROWTH");
  });
});
