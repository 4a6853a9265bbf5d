/** @file The boxes of the transparency page: as large as they say, inside the frame, and none over another. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layTreemap } from "../../web/src/portal/treemap.ts";

describe("a treemap", () => {
  it("fills the frame with boxes of the right size that do not overlap", () => {
    const values = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(values, fc.constantFrom(1, 2.2), (sizes, aspect) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const boxes = layTreemap(
          sizes.map((value, index) => ({ name: String(index), value })),
          aspect,
        );
        expect(boxes).toHaveLength(sizes.length);
        const slack = 1e-9;
        for (const [index, box] of boxes.entries()) {
          expect(box.width * box.height).toBeCloseTo(box.value / total, 9);
          expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(-slack);
          expect(Math.max(box.left + box.width, box.top + box.height)).toBeLessThanOrEqual(1 + slack);
          for (const other of boxes.slice(index + 1)) {
            const apart =
              box.left + box.width <= other.left + slack ||
              other.left + other.width <= box.left + slack ||
              box.top + box.height <= other.top + slack ||
              other.top + other.height <= box.top + slack;
            expect(apart).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("leaves out what is nothing, and keeps one box whole", () => {
    expect(layTreemap([{ name: "none", value: 0 }], 2)).toEqual([]);
    expect(layTreemap([{ name: "all", value: 5 }], 2)).toMatchObject([
      { left: 0, top: 0, width: 1, height: 1 },
    ]);
  });
});
