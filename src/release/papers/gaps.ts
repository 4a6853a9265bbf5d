/** @file `gaps.md`: every question that any paper leaves open, once, with the papers it stands in and who can close it. */
import { field, openQuestions, type Paper, section, shown } from "./paper.ts";

/** Gaps that running the program again with more records would close; the others need a person. */
const BY_RECORDS =
  /sizes? of|size in tokens|tokenizer|languages of|training compute|second method|training runs|steps|results|domains of|how the weights|sources$|period of \d/;

/** The list as a paper of its own; it has no open questions but those it lists. */
export function gapList(papers: readonly Paper[]): Paper {
  const open = new Map<string, Set<string>>();
  for (const paper of papers) {
    for (const { gap } of openQuestions(paper.sections)) {
      const what = gap.replace(/^.*?not recorded: /, "");
      const titles = open.get(what) ?? new Set();
      open.set(what, titles.add(paper.title));
    }
  }
  const list = [...open].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = (wanted: boolean) =>
    list
      .filter(([what]) => BY_RECORDS.test(what) === wanted)
      .map(([what, titles]) => field(`${what}:`, shown([...titles].join("; "))));
  const orNone = (fields: ReturnType<typeof lines>) =>
    fields.length === 0 ? [field("None.", shown(""))] : fields;
  return {
    title: "Gaps",
    file: "gaps",
    follows: "the papers beside it: what they could not answer, and in which of them",
    release: papers[0]!.release,
    sections: [
      section("For the provider to answer (`npx firn provider`)".replaceAll("`", ""), orNone(lines(false))),
      section("For the records to show", orNone(lines(true))),
    ],
  };
}
