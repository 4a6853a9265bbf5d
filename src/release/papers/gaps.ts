/** @file `gaps.md`: every question that any paper leaves open, once, with the papers it stands in and who can close it. */
import { field, openQuestions, type Paper, section, shown } from "./paper.ts";

/** The list as a paper of its own; it has no open questions but those it lists. */
export function gapList(papers: readonly Paper[]): Paper {
  const open = new Map<string, { readonly titles: Set<string>; readonly closedBy: "person" | "records" }>();
  for (const paper of papers) {
    for (const { gap, closedBy } of openQuestions(paper.sections)) {
      const what = gap.replace(/^.*?not recorded: /, "");
      const entry = open.get(what) ?? { titles: new Set<string>(), closedBy };
      entry.titles.add(paper.title);
      open.set(what, entry);
    }
  }
  const list = [...open].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = (wanted: "person" | "records") =>
    list
      .filter(([, { closedBy }]) => closedBy === wanted)
      .map(([what, { titles }]) => field(`${what}:`, shown([...titles].join("; "))));
  const orNone = (fields: ReturnType<typeof lines>) =>
    fields.length === 0 ? [field("None.", shown(""))] : fields;
  return {
    title: "Gaps",
    file: "gaps",
    isGapList: true,
    follows: "the papers beside it: what they could not answer, and in which of them",
    release: papers[0]!.release,
    sections: [
      section("For the provider to answer (npx firn provider)", orNone(lines("person"))),
      section("For the records to show", orNone(lines("records"))),
    ],
  };
}
