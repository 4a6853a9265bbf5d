/** @file The provider's form: each question once, in the order in which a person can answer it, and how answers are read. */
import { providerProfileSchema } from "../release/index.ts";
import { FirnError, nearestName } from "../core/index.ts";

type Kind = "text" | "yes-no" | "list" | "number";

export interface Question {
  /** Key of the profile; `hardware.watts` for a part of it. */
  readonly key: string;
  readonly ask: string;
  readonly kind: Kind;
  /** The heading it stands under in the form. */
  readonly part: string;
}

const part = (name: string, ...questions: readonly (readonly [string, Kind, string])[]): Question[] =>
  questions.map(([key, kind, ask]) => ({ key, kind, ask, part: name }));

/** The whole form. */
export const PROVIDER_QUESTIONS: readonly Question[] = [
  ...part(
    "Who you are",
    ["name", "text", "Legal name of the provider"],
    ["contact", "text", "E-mail address or page where you are reached"],
    ["address", "text", "Postal address"],
    ["inUnion", "yes-no", "Are you established in the European Union?"],
    ["representative", "text", "Authorised representative in the Union, or why none is needed"],
    ["sme", "yes-no", "Are you a small or medium-sized enterprise, or a start-up?"],
  ),
  ...part(
    "Where the papers stand",
    ["website", "text", "Page on which the latest papers are published"],
    ["updates", "text", "Page or feed that announces changes of them"],
    ["previousVersions", "text", "Earlier versions and what changed, or that this is the first"],
    ["placementDate", "text", "Day the model was or will be placed on the Union market, YYYY-MM-DD"],
    ["distribution", "text", "Where the model can be had, and how open it is there"],
  ),
  ...part(
    "The training data",
    [
      "contentTypes",
      "list",
      "Kinds of content, separated by semicolons (press publications; source code; …)",
    ],
    ["demographics", "text", "National, regional or demographic characteristics"],
    ["rightsReservations", "text", "Measures to respect reservations of rights"],
    ["illegalContent", "text", "Measures against illegal content (selection for quality is none)"],
    ["biasMeasures", "text", "Measures to detect biases"],
    ["syntheticData", "yes-no", "Did you make training data with another model?"],
    ["userInteractions", "yes-no", "Did you train on what people told the model?"],
    ["otherServices", "yes-no", "Did you train on data of your other services?"],
  ),
  ...part(
    "What the model is for",
    ["intendedUse", "text", "What it is for"],
    ["outOfScopeUse", "text", "What it is not for"],
    ["acceptableUse", "text", "What you forbid"],
    ["limitations", "text", "What it cannot do, and what may go wrong"],
    ["rationale", "text", "Why you designed and trained it this way"],
  ),
  ...part(
    "Copyright",
    ["codeOfPractice", "yes-no", "Have you signed the Code of Practice for general-purpose AI?"],
    ["copyrightResponsible", "text", "Who answers for the copyright policy"],
    ["complaints", "text", "How rights holders complain, and how they are answered"],
  ),
  ...part(
    "What it was trained on",
    ["hardware.device", "text", "Device, e.g. NVIDIA H100"],
    ["hardware.units", "number", "How many"],
    ["hardware.hours", "number", "Hours of training"],
    ["hardware.peakFlops", "number", "Peak operations per second of one"],
    ["hardware.utilisation", "number", "Average share of the peak, 0 to 1"],
    ["hardware.watts", "number", "Average draw of one in watts"],
    ["hardware.pue", "number", "Power usage effectiveness of the site"],
    ["hardware.gridGramsPerKilowattHour", "number", "Grams of CO₂ per kilowatt-hour"],
  ),
];

function mistake(expected: string, got: string, next: string): FirnError {
  return new FirnError("CLI_PROVIDER", { expected, got, next });
}

/** An answer as the profile holds it; an empty one takes the answer back. */
function readAnswer(kind: Kind, text: string): unknown {
  const value = text.trim();
  if (value === "") return undefined;
  if (kind === "list")
    return value
      .split(";")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  if (kind === "number") return Number(value);
  if (kind === "text") return value;
  if (/^(y|yes|true|1)$/i.test(value)) return true;
  if (/^(n|no|false|0)$/i.test(value)) return false;
  return value;
}

/** `profile` with the answer to one question. Throws `CLI_PROVIDER` when the answer is not of its kind. */
export function withAnswer(
  profile: Readonly<Record<string, unknown>>,
  key: string,
  text: string,
): Record<string, unknown> {
  const question = PROVIDER_QUESTIONS.find((known) => known.key === key);
  if (question === undefined) {
    const keys = PROVIDER_QUESTIONS.map((known) => known.key);
    const near = nearestName(key, keys);
    throw mistake(
      `one of ${keys.join(", ")}`,
      key,
      near === undefined ? "Run `firn provider` to see the form." : `Did you mean ${near}?`,
    );
  }
  const [first = "", second] = key.split(".");
  const value = readAnswer(question.kind, text);
  const again = "Give it again, or leave it empty.";
  if (question.kind === "yes-no" && typeof value === "string") throw mistake("yes or no", text, again);
  if (question.kind === "number" && Number.isNaN(value)) throw mistake("a number", text, again);
  const outer = { ...profile };
  if (second === undefined) outer[first] = value;
  else outer[first] = { ...(profile[first] as object | undefined), [second]: value };
  checkAnswer(outer, question, text);
  return outer;
}

function checkAnswer(profile: Record<string, unknown>, { key, ask }: Question, text: string): void {
  const clean = JSON.parse(JSON.stringify(profile)) as unknown;
  const parsed = providerProfileSchema.safeParse(clean);
  const issue = parsed.error?.issues.find(({ path }) => path.join(".") === key);
  if (issue === undefined || text.trim() === "") return;
  throw mistake(
    `${ask}: ${issue.message.replace(/^Invalid input: /, "")}`,
    text,
    "Give it again, or leave it empty.",
  );
}
