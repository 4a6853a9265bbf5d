import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeDocument } from "../../artifacts/index.ts";
import { randomStream } from "../../core/index.ts";
import { c4Step } from "../steps/c4.ts";
import { qualityRulesStep } from "../steps/quality-rules.ts";
import { c4Schema, qualityRulesSchema } from "./config.ts";
import { parseQualityValues, ValueSample } from "./learn-values.ts";
import { measureQuality, QUALITY_RULES } from "./rules.ts";

const measured = (text: string): Record<string, number> => {
  const { values } = measureQuality(text);
  return Object.fromEntries(QUALITY_RULES.map(({ name }, i) => [name, Number(values[i]!.toFixed(4))]));
};
const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
  .map((units) => String.fromCharCode(...units));
const document = (text: string, language = "deu") =>
  makeDocument({ id: "s/f#1", source: "s", licence: "MIT", text, language });

describe("the measures of Gopher and FineWeb", () => {
  it("count lines, their repetition, ends and beginnings", () => {
    expect(measured("One line here.\nAnother one here.\nOne line here.\n- a point…")).toMatchObject({
      "duplicate-lines": 0.25,
      "line-punctuation": 1,
      bullets: 0.25,
      "ellipsis-lines": 0.25,
      "line-breaks": Number((3 / 11).toFixed(4)),
    });
    expect(measured("Menu\nHome\nA whole sentence.")["line-punctuation"]).toBeCloseTo(1 / 3, 4);
    expect(measured("मैं घर पर हूँ।\n我在家。\nአለ።")["line-punctuation"]).toBe(1);
  });

  it("weigh the commonest n-gram by its characters", () => {
    // "a b" comes three times: 6 of 9 characters; "a b c" twice: 6 of 9.
    expect(measured("a b c a b d a b c")).toMatchObject({
      "top-2-grams": Number((6 / 9).toFixed(4)),
      "top-3-grams": Number((6 / 9).toFixed(4)),
      "top-4-grams": 0,
    });
  });

  it("weigh repeated n-grams without counting a word twice", () => {
    const run = "uno due tre quattro cinque";
    const { length } = run.replaceAll(" ", "");
    expect(measured(`${run} x ${run} y ${run}`)).toMatchObject({
      "repeated-5-grams": Number(((2 * length) / (3 * length + 2)).toFixed(4)),
      "repeated-6-grams": 0,
      "duplicate-lines": 0,
    });
  });

  it("agree with their definition on any words", () => {
    const slow = (words: readonly string[], n: number): number => {
      const seen = new Set<string>();
      let repeated = 0;
      for (let i = 0; i + n <= words.length; ) {
        const gram = words.slice(i, i + n).join(" ");
        if (seen.has(gram)) {
          repeated += gram.replaceAll(" ", "").length;
          i += n;
        } else {
          seen.add(gram);
          i += 1;
        }
      }
      return Number((repeated / Math.max(1, words.join("").length)).toFixed(4));
    };
    fc.assert(
      fc.property(fc.array(fc.constantFrom("ab", "c", "def", "g"), { maxLength: 80 }), (words) => {
        for (const n of [5, 7, 10])
          expect(measured(words.join(" "))[`repeated-${n}-grams`]).toBe(slow(words, n));
      }),
    );
  });

  it("are finite for any text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(measureQuality(text).values.every(Number.isFinite)).toBe(true);
      }),
    );
  });
});

/** Documents of made words, a share of which are `common`; `long` sets the length of the others. */
function corpus(language: string, common: readonly string[], long: number, count: number): string[] {
  const random = randomStream(1, "corpus", language);
  const letter = (): string => String.fromCharCode(97 + random.integer(26));
  const word = (): string => Array.from({ length: 1 + random.integer(long) }, letter).join("");
  return Array.from({ length: count }, () =>
    Array.from({ length: 120 }, (_, i) => {
      const next = random.float() < 0.3 ? common[random.integer(common.length)]! : word();
      return i % 12 === 11 ? `${next}.\n` : next;
    }).join(" "),
  );
}

describe("values that are learnt", () => {
  const config = qualityRulesSchema.parse({ tail: 0.05, minDocuments: 50 });
  const [german, finnish] = [
    ["der", "und", "die"],
    ["ja", "on", "ei"],
  ] as const;
  const sample = new ValueSample(config);
  for (const text of corpus("deu", german, 8, 200)) sample.add("deu", measureQuality(text));
  for (const text of corpus("fin", finnish, 30, 200)) sample.add("fin", measureQuality(text));
  for (const text of corpus("roh", german, 8, 10)) sample.add("roh", measureQuality(text));
  const values = sample.values();

  it("are there for languages with enough documents, the others share those of all", () => {
    expect(Object.keys(values.languages)).toEqual(["deu", "fin"]);
    expect(values.others.documents).toBe(410);
    expect(values.others.stopWords).toEqual([]);
    const few = new ValueSample(config);
    few.add("deu", measureQuality("ein Text"));
    expect(few.values().others).toMatchObject({ documents: 0, values: { "top-2-grams": 0.2 } });
  });

  it("fit the language, and stay near the published ones", () => {
    const { deu, fin } = values.languages;
    expect(fin!.values["long-words"]).toBeGreaterThan(10);
    expect(deu!.values["long-words"]).toBe(10);
    expect(deu!.values["repeated-5-grams"]).toBe(0.075);
    expect(deu!.values["duplicate-line-characters"]).toBe(0.1);
    expect(deu!.stopWords.slice(0, 3).sort()).toEqual(["der", "die", "und"]);
    expect(deu!.stopWords.length).toBeGreaterThanOrEqual(8);
  });

  it("are passed by all but the tail", () => {
    const step = qualityRulesStep(config, values);
    const dropped = corpus("deu", german, 8, 200).filter(
      (text) => "reason" in step.judge(document(text)),
    ).length;
    expect(dropped).toBeLessThanOrEqual(0.05 * 200 * 4);
    const deviations = new ValueSample({ ...config, method: "mean-std" });
    for (const text of corpus("fin", finnish, 30, 60)) deviations.add("fin", measureQuality(text));
    const mean = corpus("fin", finnish, 30, 60).reduce((sum, t) => sum + measured(t)["long-words"]!, 0) / 60;
    expect(deviations.values().languages["fin"]!.values["long-words"]).toBeGreaterThan(mean);
  });

  it("decide with a reason that says what was measured", () => {
    const step = qualityRulesStep(config, values);
    const text = corpus("deu", german, 8, 1)[0]!;
    expect(step.judge(document(text))).toHaveProperty("keep");
    expect(step.judge(document("der und die"))).toMatchObject({ reason: "few-words", detail: "3 < 50" });
    expect(step.judge(document(text.replace(/[a-z]+/g, "ü$&")))).toMatchObject({
      reason: "few-stop-words",
    });
    expect(step.judge(document(`${text}\n`.repeat(3)))).toMatchObject({ reason: "duplicate-lines" });
    expect(step.judge(document(text.replaceAll(".\n", "")))).toMatchObject({
      reason: "line-punctuation",
      detail: expect.stringMatching(/^0\.\d+ < 0\.12$/) as string,
    });
  });

  it("come back from their file, and nothing else does", () => {
    expect(parseQualityValues(JSON.stringify(values), "x")).toEqual(values);
    for (const wrong of ["", "{}", '{"format":2}', "[1]"]) {
      expect(() => parseQualityValues(wrong, "x")).toThrow(
        expect.objectContaining({ code: "DATA_QUALITY_VALUES" }),
      );
    }
  });
});

describe("C4's cleaning", () => {
  const step = c4Step(c4Schema.parse({ minSentences: 2 }));
  const judge = (text: string) => step.judge(document(text));

  it("takes lines out that are no sentences, and footnote marks", () => {
    const text =
      "Home\nThe bear wrote a letter[1] to the north. It took a week.\nPlease enable JavaScript to read this.\nBy using this site you accept our cookie policy.";
    expect(judge(text)).toMatchObject({
      keep: { text: "The bear wrote a letter to the north. It took a week." },
    });
    const strict = c4Step(c4Schema.parse({ terminalPunctuation: true, minSentences: 1 }));
    expect(strict.judge(document("No end of this line\nThis one has an end."))).toMatchObject({
      keep: { text: "This one has an end." },
    });
  });

  it("drops pages that are no prose, for the reason that it says", () => {
    expect(judge("Lorem ipsum dolor sit amet.")).toMatchObject({ reason: "lorem-ipsum" });
    expect(judge("function f() { return 1; }")).toMatchObject({ reason: "curly-bracket" });
    expect(judge("Home\nAbout")).toMatchObject({ reason: "no-lines" });
    expect(judge("Only one sentence here.")).toMatchObject({ reason: "few-sentences", detail: "1 < 2" });
    expect(judge("我在家里看书。他在学校。")).toHaveProperty("keep");
  });
});
