/**
 * @file What a public summary is graded by, after the AI Accountability Lab's criteria for published summaries (Trinity
 * College Dublin): its sections S1 to S8 and dimensions D1 to D6, as far as a program can judge them.
 */
import { formatInteger } from "../../core/index.ts";
import { type Field, fieldsOf, type Paper } from "../papers/paper.ts";
import { SUMMARY_FILE, SUMMARY_TITLE } from "../papers/public-summary.ts";
import { type SheetSection, TEMPLATE_LABELS, type TemplateLabel } from "./template-labels.data.ts";

export type Dimension =
  | "D1 Clarity"
  | "D2 Completeness"
  | "D3 Consistency"
  | "D4 Correctness"
  | "D5 Accessibility"
  | "D6 Comprehension";

/** What is graded: the summary and what lies around it. */
export interface Graded {
  readonly summary: Paper;
  /** Paths of the release's files, `/`-separated. */
  readonly files: ReadonlySet<string>;
  /** `README.md` of the release. */
  readonly card: string;
  /** The summary as HTML. */
  readonly html: string;
  /** First 12 digits of every fact in `facts.jsonl`. */
  readonly facts: ReadonlySet<string>;
}

export interface Criterion {
  readonly id: string;
  readonly sheet: SheetSection;
  readonly dimension: Dimension;
  readonly question: string;
  /** Whether recorded facts can earn the point, or only a person. */
  readonly by: "facts" | "person";
  /** Undefined where it is met; else why not. */
  readonly fault: (graded: Graded) => string | undefined;
}

function findField({ summary }: Graded, { heading, label }: TemplateLabel): Field | undefined {
  return fieldsOf(summary.sections).find(
    (entry) => entry.heading.startsWith(heading) && entry.field.label === label,
  )?.field;
}

const textOf = (field: Field | undefined): string => (field?.answer ?? []).map(({ text }) => text).join(" ");

function unanswered(field: Field | undefined): string | undefined {
  if (field === undefined) return "the field is missing";
  if (field.answer.length === 0) return "the field is empty";
  return field.answer.find(({ basis }) => basis === "gap")?.text;
}

const VAGUE = /\b(?:later date|to be (?:announced|determined)|various sources|and so on|etc\b|tbd|todo)/i;
const PRAISE =
  /\b(?:state[- ]of[- ]the[- ]art|world[- ]class|cutting[- ]edge|best[- ]in[- ]class|high[- ]quality|carefully curated|industry[- ]leading)\b/i;
/** Words of the form's own instructions, which only stand in an answer when nobody wrote one. */
const INSTRUCTION =
  /\b(?:please (?:specify|indicate)|insert (?:url|link|text)|free text|if applicable, provide)\b/i;

const wordFault =
  (pattern: RegExp, what: string) =>
  (text: string): string | undefined => {
    const match = pattern.exec(text);
    return match === null ? undefined : `${what}: “${match[0]}”`;
  };
const vague = wordFault(VAGUE, "vague");
const praise = wordFault(PRAISE, "advertising");
const instruction = wordFault(INSTRUCTION, "an instruction of the form left in");

function perLabel(label: TemplateLabel, index: number): Criterion[] {
  const id = String(index + 1).padStart(2, "0");
  const base = { sheet: label.sheet, by: label.by };
  const at = `${label.heading} ${label.label}`;
  const words = (graded: Graded): string | undefined => {
    const field = findField(graded, label);
    const text = textOf(field);
    return field === undefined ? "the field is missing" : (vague(text) ?? praise(text) ?? instruction(text));
  };
  return [
    {
      ...base,
      id: `D2.${id}`,
      dimension: "D2 Completeness",
      question: `Answered, or said not to apply: ${at}`,
      fault: (graded) => unanswered(findField(graded, label)),
    },
    {
      ...base,
      by: "facts",
      id: `D1.${id}`,
      dimension: "D1 Clarity",
      question: `No vagueness, no advertising, no leftover instruction: ${at}`,
      fault: words,
    },
  ];
}

const named = (heading: string, label: string): TemplateLabel => ({
  sheet: "S1 Document",
  heading,
  label,
  by: "facts",
});
const DATES = named("Version", "Last update:");
const VERSION = named("Version", "Version of the Summary:");
const SIZE = named("1.3", "Training data size:");
const CONTENT = named("1.3", "Types of content:");
const LATEST = named("1.3", "Latest date of data acquisition/collection for model training:");
const LANGUAGES = named("1.3", "Description of the linguistic characteristics of the overall training data:");

function says(label: TemplateLabel, pattern: RegExp, missing: string): Criterion["fault"] {
  return (graded) => (pattern.test(textOf(findField(graded, label))) ? undefined : missing);
}

function labelsInOrder({ summary }: Graded): string | undefined {
  const found = fieldsOf(summary.sections);
  for (const [index, { heading, label }] of TEMPLATE_LABELS.entries()) {
    const entry = found[index];
    if (entry === undefined || entry.field.label !== label || !entry.heading.startsWith(heading))
      return `place ${index + 1} holds “${entry?.field.label ?? "nothing"}” instead of “${label}”`;
  }
  return found.length === TEMPLATE_LABELS.length ? undefined : "there are more fields than in the template";
}

function sizeTick(graded: Graded): string | undefined {
  const text = textOf(findField(graded, SIZE));
  const figures = [...text.matchAll(/([\d,]+) tokens/g)].map(([, digits]) =>
    Number(digits!.replaceAll(",", "")),
  );
  const ticked = /☒ ([^·☐.]+)/.exec(text)?.[1]?.trim();
  if (!/Exactly [\d,]+ tokens/.test(text) || ticked === undefined) return "no figure beside the ticked range";
  const tokens = figures.reduce((sum, figure) => sum + figure, 0);
  const range =
    tokens < 1e9
      ? "Less than 1 billion tokens"
      : tokens <= 1e13
        ? "1 billion to 10 trillions tokens"
        : "More than 10 trillions tokens";
  return range === ticked ? undefined : `${formatInteger(tokens)} tokens is not “${ticked}”`;
}

/** A question answered No has follow-ups that do not apply; one answered Yes has follow-ups that say something. */
function answersAgree({ summary }: Graded): string | undefined {
  const byHeading = new Map<string, Field[]>();
  for (const { heading, field } of fieldsOf(summary.sections))
    byHeading.set(heading, [...(byHeading.get(heading) ?? []), field]);
  for (const [heading, fields] of byHeading) {
    const answers = fields.flatMap((field) => field.answer.flatMap(({ answer }) => answer ?? []));
    if (answers.length === 0 || heading.startsWith("3.")) continue;
    const no = answers.every((answer) => answer === "no");
    const follow = fields.filter(({ label }) => label.startsWith("If yes"));
    const wrong = follow.find((field) => textOf(field).startsWith("Not applicable") !== no);
    if (wrong !== undefined && no) return `${heading}: No, and yet “${wrong.label}” is answered`;
  }
  return undefined;
}

function factsKnown({ summary, facts }: Graded): string | undefined {
  for (const { field } of fieldsOf(summary.sections)) {
    for (const { facts: cited, text } of field.answer) {
      const unknown = cited.find((id) => !facts.has(id));
      if (unknown !== undefined) return `fact ${unknown} of “${text.slice(0, 60)}” is not in facts.jsonl`;
    }
  }
  return undefined;
}

function figuresCite({ summary }: Graded): string | undefined {
  const bare = fieldsOf(summary.sections)
    .flatMap(({ field }) => field.answer)
    .find(({ facts, basis, answer }) => facts.length === 0 && (basis === "fact" || answer !== undefined));
  return bare === undefined ? undefined : `“${bare.text.slice(0, 60)}” cites nothing`;
}

function outsourced({ summary }: Graded): string | undefined {
  const link = fieldsOf(summary.sections).find(({ field }) =>
    /^\s*(?:see )?https?:\S+\.?\s*$/i.test(textOf(field)),
  );
  return link === undefined ? undefined : `“${link.field.label}” is only a link`;
}

function misplaced(graded: Graded): string | undefined {
  const text = fieldsOf(graded.summary.sections)
    .filter(({ heading }) => heading.startsWith("1.3"))
    .map(({ field }) => textOf(field))
    .join(" ");
  const match = /\b(?:opt-?out|robots\.txt|consent|toxic\w*)\b/i.exec(text);
  return match === null ? undefined : `“${match[0]}” belongs into section 3`;
}

const whole = (
  id: string,
  dimension: Dimension,
  question: string,
  fault: Criterion["fault"],
  sheet: SheetSection = "S1 Document",
  by: Criterion["by"] = "facts",
): Criterion => ({ id, sheet, dimension, question, by, fault });

const WHOLE: readonly Criterion[] = [
  whole("D4.01", "D4 Correctness", "The template's labels, exactly and in order", labelsInOrder),
  whole(
    "D4.02",
    "D4 Correctness",
    "The date in the form's format, and one that cannot be misread",
    says(DATES, /^\d\d\/\d\d\/\d\d \(\d{4}-\d\d-\d\d\)$/, "not DD/MM/YY (YYYY-MM-DD)"),
  ),
  whole(
    "D4.03",
    "D4 Correctness",
    "The exact size lies in the ticked range",
    sizeTick,
    "S2 General information",
  ),
  whole("D4.04", "D4 Correctness", "Every figure and every yes or no rests on a record", figuresCite),
  whole("D4.05", "D4 Correctness", "Every cited record is published with the paper", factsKnown),
  whole("D3.01", "D3 Consistency", "Answers and their follow-ups agree", answersAgree),
  whole("D3.02", "D3 Consistency", "The same model name in the paper and on the card", ({ summary, card }) =>
    card.includes(`# ${summary.release.name}\n`) ? undefined : "the card is headed otherwise",
  ),
  whole(
    "D3.03",
    "D3 Consistency",
    "Nothing of section 3 in section 1.3",
    misplaced,
    "S2 General information",
  ),
  whole(
    "D5.01",
    "D5 Accessibility",
    "Readable as a page, as a Word file, as text and by machines",
    ({ files }) => {
      const missing = ["html", "docx", "md", "json"].find(
        (end) => !files.has(`legal/${SUMMARY_FILE}.${end}`),
      );
      return missing === undefined ? undefined : `no .${missing}`;
    },
  ),
  whole("D5.02", "D5 Accessibility", "Linked from the model card under its correct title", ({ card }) =>
    card.includes(`[${SUMMARY_TITLE}](legal/${SUMMARY_FILE}.md)`) ? undefined : "no such link",
  ),
  whole("D5.03", "D5 Accessibility", "All legal documents in one place", ({ files }) => {
    const missing = ["Copyright_Policy.md", "Model_Documentation_Form.md", "gaps.md"].find(
      (file) => !files.has(`legal/${file}`),
    );
    return missing === undefined ? undefined : `no legal/${missing}`;
  }),
  whole("D5.04", "D5 Accessibility", "Title and description that a search engine finds", ({ html }) =>
    html.includes('<meta name="description"') && html.includes(`<title>${SUMMARY_TITLE}`)
      ? undefined
      : "no description or title",
  ),
  whole("D5.05", "D5 Accessibility", "The content stands inside, not behind links", outsourced),
  whole(
    "D6.01",
    "D6 Comprehension",
    "Says whether this is the latest version, where all versions are, and where changes are announced",
    says(VERSION, /latest version stands at .*Changes are announced at /, "one of the three is missing"),
    "S1 Document",
    "person",
  ),
  whole(
    "D6.02",
    "D6 Comprehension",
    "Types of content as categories, without praise",
    says(CONTENT, /^Text: /, "no categories"),
    "S2 General information",
    "person",
  ),
  whole(
    "D6.03",
    "D6 Comprehension",
    "Says whether the model is continuously trained",
    says(LATEST, /continuously trained/, "not said"),
    "S2 General information",
  ),
  whole(
    "D6.04",
    "D6 Comprehension",
    "Names the official languages of the Union one by one",
    says(LANGUAGES, /Official languages of the European Union: /, "not named"),
    "S2 General information",
  ),
];

/** Every criterion. */
export const CRITERIA: readonly Criterion[] = [...TEMPLATE_LABELS.flatMap(perLabel), ...WHOLE];
