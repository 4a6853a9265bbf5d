import { describe, expect, it } from "vitest";
import { providerProfileSchema } from "../release/index.ts";
import { PROVIDER_QUESTIONS, withAnswer } from "./provider-questions.ts";

/** An answer that fits each question. */
function fitting(key: string, kind: string): string {
  if (kind === "yes-no") return "yes";
  if (kind === "number") return key === "hardware.utilisation" ? "0.4" : "2";
  if (key === "placementDate") return "2026-12-01";
  return key === "website" || key === "updates" ? "https://example.org/" : "one; two";
}

describe("the provider's form", () => {
  it("asks for things the papers know, and a form that was filled in is a whole profile", () => {
    let profile: Record<string, unknown> = {};
    for (const { key, kind } of PROVIDER_QUESTIONS) profile = withAnswer(profile, key, fitting(key, kind));
    const { contentTypes, hardware, inUnion } = providerProfileSchema.parse(profile);
    expect(contentTypes).toEqual(["one", "two"]);
    expect(hardware).toMatchObject({ units: 2, utilisation: 0.4 });
    expect(inUnion).toBe(true);
  });

  it("takes an answer back when it is empty, and leaves the others alone", () => {
    const profile = withAnswer(
      { name: "A", contact: "b", hardware: { device: "c", units: 1 } },
      "contact",
      "",
    );
    expect(JSON.parse(JSON.stringify(profile))).toEqual({ name: "A", hardware: { device: "c", units: 1 } });
  });

  it("refuses what does not fit the question, in words", () => {
    for (const [key, text, expected] of [
      ["inUnion", "maybe", "yes or no"],
      ["hardware.watts", "many", "a number"],
      ["placementDate", "tomorrow", "YYYY-MM-DD"],
      ["website", "example", "Page on which"],
      ["hardware.utilisation", "7", "share of the peak"],
    ] as const)
      expect(() => withAnswer({}, key, text), key).toThrow(new RegExp(`CLI_PROVIDER.*${expected}`));
    expect(() => withAnswer({}, "websit", "x")).toThrow(/Did you mean website/);
  });
});
