import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { fieldsOf } from "./papers/paper.ts";
import { type Recreation, recreateSummary, renderRecreation } from "./recreate.ts";

describe("Apertus v1 from its published facts", () => {
  let text: string;
  let made: Recreation;
  beforeAll(async () => {
    text = await readFile(new URL("../../data/apertus-v1.yaml", import.meta.url), "utf8");
    made = recreateSummary(text, "apertus-v1.yaml");
  });
  const of = (heading: string, label: string) =>
    made.comparisons.find((one) => one.heading.startsWith(heading) && one.label.startsWith(label))!;

  it("ticks the same size and date", () => {
    expect(of("1.3", "Training data size").recreated).toContain("☒ More than 10 trillions tokens");
    expect(of("1.3", "Training data size").recreated).toContain("15,000,000,000,000 tokens");
    expect(of("1.2", "Date of placement").recreated).toBe("02/09/25 (2025-09-02)");
  });

  it("agrees on every yes and no, but for the probes that belong under other sources", () => {
    const ticked = made.comparisons.filter(
      ({ agreement }) => agreement === "same" || agreement === "differs",
    );
    const boxes = ticked.filter(({ published }) => published === "Yes" || published === "No");
    expect(boxes.filter(({ agreement }) => agreement === "differs").map(({ heading }) => heading)).toEqual([
      "2.6 Other sources of data",
    ]);
    expect(ticked.length).toBeGreaterThanOrEqual(8);
  });

  it("finds by the three per cent rule which of the nine listed sets had to be listed", () => {
    const large = of("2.1", "List of large").recreated!;
    for (const name of ["FineWeb-Edu", "FineWeb-HQ", "DCLM-Edu", "FineWeb-2"]) expect(large).toContain(name);
    for (const name of ["The Stack", "FineMath", "MegaMath", "Wikipedia"]) expect(large).not.toContain(name);
  });

  it("says of every answer in words what the published one has and ours has not", () => {
    expect(of("1.1", "Provider name")).toMatchObject({ agreement: "same", lacking: [] });
    expect(of("2.1", "List of large")).toMatchObject({
      agreement: "differs",
      lacking: ["The Stack", "Stack v2 Edu", "FineMath", "MegaMath"],
    });
    // Synthetic canaries and probes belong under 2.6; two sets of post-training are not in the facts.
    expect(of("2.1", "General description of other").lacking).toEqual([
      "SmolTalk2",
      "Tulu 3",
      "canary",
      "Gutenberg",
    ]);
    const text = renderRecreation(made);
    expect(text).toContain("published only: The Stack; Stack v2 Edu; FineMath; MegaMath");
    expect(text.indexOf("2.6 Have data sources")).toBeGreaterThan(0);
  });

  it("leaves open what was not published, and fills the follow-ups that were left out", () => {
    expect(of("1.3", "Description of the linguistic").agreement).toBe("theirs");
    expect(of("2.3", "Purposes of the crawler").agreement).toBe("ours");
    const latest = fieldsOf(made.paper.sections).find(({ field }) => field.label.startsWith("Latest date"))!;
    expect(latest.field.answer.map(({ basis }) => basis)).toEqual(["gap", "gap"]);
    expect(renderRecreation(made)).toContain("fields:");
  });

  it("is refused when the manifest has a slip, naming it", () => {
    expect(() => recreateSummary("{", "x")).toThrow(/RELEASE_MANIFEST/);
    expect(() => recreateSummary("release: 1", "x")).toThrow(/RELEASE_MANIFEST.*release/);
    expect(() => recreateSummary(text.replace('label: "Modality:"', 'label: "Modalities:"'), "x")).toThrow(
      /does not have: Modalities/,
    );
  });
});
