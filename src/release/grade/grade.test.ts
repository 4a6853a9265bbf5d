import { describe, expect, it } from "vitest";
import { FACTS, FULL_PROVIDER, inputOf, withProvider } from "../papers/example.test-facts.ts";
import type { ReleaseFact } from "../papers/facts.ts";
import { modelCard } from "../papers/model-card.ts";
import { fieldsOf, type Paper } from "../papers/paper.ts";
import { renderHtml } from "../papers/render-html.ts";
import { releasePapers } from "../papers/write-papers.ts";
import { CRITERIA } from "./criteria.ts";
import { type Grade, grade, renderGrade } from "./grade.ts";

function gradeOf(facts: readonly ReleaseFact[], change: (summary: Paper) => Paper = (paper) => paper): Grade {
  const input = inputOf(facts);
  const papers = releasePapers(input);
  const summary = change(papers[0]!);
  return grade({
    summary,
    files: new Set(
      papers
        .flatMap(({ file }) => ["md", "json", "html", "docx"].map((end) => `legal/${file}.${end}`))
        .concat("legal/gaps.md"),
    ),
    card: modelCard({ ...input, papers }),
    html: renderHtml(summary),
    facts: new Set(facts.map(({ id }) => id.slice(0, 12))),
  });
}

const missed = ({ criteria }: Grade): string[] => criteria.filter(({ met }) => !met).map(({ id }) => id);

describe("a public summary", () => {
  it("earns every point with all facts and a form that was filled in", () => {
    const result = gradeOf(withProvider(FACTS, FULL_PROVIDER));
    expect(result.criteria.filter(({ met }) => !met)).toEqual([]);
    expect(result.facts.of + result.person.of).toBe(CRITERIA.length);
    expect(renderGrade(result)).not.toContain("Needs a person");
  });

  it("earns every point that facts can earn without a word of the provider's", () => {
    const result = gradeOf(FACTS);
    expect(result.criteria.filter(({ met, by }) => !met && by === "facts")).toEqual([]);
    expect(result.person.met).toBeLessThan(result.person.of);
    expect(renderGrade(result)).toContain("Needs a person");
  });

  it("loses the points of records that are not there", () => {
    const without = FACTS.filter(({ kind }) => kind !== "tokenize");
    const lost = missed(gradeOf(withProvider(without, FULL_PROVIDER)));
    expect(lost).toContain("D4.03");
    expect(lost.length).toBeGreaterThan(10);
  });

  it("loses points for praise, vagueness, leftovers, a wrong tick, a moved label and an unknown fact", () => {
    const all = withProvider(FACTS, FULL_PROVIDER);
    const said = (change: object): string[] =>
      missed(gradeOf(withProvider(FACTS, { ...FULL_PROVIDER, ...change })));
    expect(said({ contentTypes: ["carefully curated text"] })).toEqual(["D1.10"]);
    expect(said({ illegalContent: "To be announced" })).toHaveLength(1);
    expect(said({ complaints: "Please specify" })).toHaveLength(1);
    expect(said({ demographics: "robots.txt was honoured" })).toEqual(["D3.03"]);
    const rewrite = (from: string, to: string) => (paper: Paper) =>
      JSON.parse(JSON.stringify(paper).replace(from, to)) as Paper;
    expect(missed(gradeOf(all, rewrite("☒ Less than", "☐ Less than")))).toEqual(["D4.03"]);
    expect(missed(gradeOf(all, rewrite("Model dependencies:", "Dependencies:")))).toContain("D4.01");
    const [{ field }] = fieldsOf(releasePapers(inputOf(all))[0]!.sections).filter(
      (entry) => entry.field.label === "Modality:",
    ) as [ReturnType<typeof fieldsOf>[number]];
    expect(missed(gradeOf(all, rewrite(field.answer[0]!.facts[0]!, "0".repeat(12))))).toContain("D4.05");
  });
});
