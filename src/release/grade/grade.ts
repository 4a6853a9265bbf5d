/** @file A release graded by its own public summary: what the facts earn, and what only a person can add. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listFiles } from "../../artifacts/index.ts";
import { formatTable, groupBy } from "../../core/index.ts";
import type { Paper } from "../papers/paper.ts";
import { SUMMARY_FILE } from "../papers/public-summary.ts";
import { CRITERIA, type Graded } from "./criteria.ts";

export type GradedCriterion = {
  readonly id: string;
  readonly sheet: string;
  readonly dimension: string;
  readonly question: string;
  readonly by: "facts" | "person";
  readonly met: boolean;
  /** Why not, where it is not met. */
  readonly note: string;
};

type Score = { readonly met: number; readonly of: number };

export type Grade = {
  /** What recorded facts can earn. */
  readonly facts: Score;
  /** What needs a person's answer. */
  readonly person: Score;
  readonly criteria: readonly GradedCriterion[];
};

/** Grades what lies in memory. */
export function grade(graded: Graded): Grade {
  const criteria = CRITERIA.map(({ fault, ...criterion }) => {
    const note = fault(graded);
    return { ...criterion, met: note === undefined, note: note ?? "" };
  });
  const score = (by: "facts" | "person"): Score => {
    const own = criteria.filter((criterion) => criterion.by === by);
    return { met: own.filter(({ met }) => met).length, of: own.length };
  };
  return { facts: score("facts"), person: score("person"), criteria };
}

/** Grades the release in `dir`, from its files alone. */
export async function gradeRelease(dir: string): Promise<Grade> {
  const read = (path: string): Promise<string> => readFile(join(dir, path), "utf8");
  const facts = (await read("legal/facts.jsonl"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { id: string }).id.slice(0, 12));
  return grade({
    summary: JSON.parse(await read(`legal/${SUMMARY_FILE}.json`)) as Paper,
    files: new Set(await listFiles(dir)),
    card: await read("README.md"),
    html: await read(`legal/${SUMMARY_FILE}.html`),
    facts: new Set(facts),
  });
}

const share = ({ met, of }: Score): string => `${met} of ${of}`;

/** The grade for people: a table by section, then what is missing and who can add it. */
export function renderGrade({ facts, person, criteria }: Grade): string {
  const rows = [...groupBy(criteria, ({ sheet }) => sheet)].map(([sheet, list]) => {
    const by = (who: string): string => {
      const own = list.filter((criterion) => criterion.by === who);
      return own.length === 0 ? "–" : share({ met: own.filter(({ met }) => met).length, of: own.length });
    };
    return [sheet, by("facts"), by("person")];
  });
  const missing = (who: "facts" | "person"): string[] => [
    ...new Set(
      criteria
        .filter(({ by, met }) => by === who && !met)
        .map(({ note, question }) => `  ${question}\n    ${note}`),
    ),
  ];
  const lines = [
    formatTable(["section of the public summary", "by records", "by a person"], rows),
    `\nRecords earn ${share(facts)}; a person's answers ${share(person)}.`,
  ];
  const records = missing("facts");
  const people = missing("person");
  if (records.length > 0) lines.push("\nNot on record:", ...records);
  if (people.length > 0) lines.push("\nNeeds a person (`npx firn provider`):", ...people);
  return lines.join("\n");
}
