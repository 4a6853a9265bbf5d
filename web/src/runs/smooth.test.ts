import { expect, it } from "vitest";
import { smooth } from "./smooth.ts";

it("keeps a constant, leaves gaps, and changes nothing over one step", () => {
  expect(
    smooth([3, 3, null, 3], 10).map((value) => (value === null ? null : Math.round(value * 1e9) / 1e9)),
  ).toEqual([3, 3, null, 3]);
  expect(smooth([1, 5, 2], 1)).toEqual([1, 5, 2]);
  expect(smooth([0, 1], 2)[1]).toBeCloseTo(2 / 3, 12);
});
