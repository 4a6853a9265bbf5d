/** @file The Model Documentation Form's fields in the order of Annexes XI and XII of Regulation (EU) 2024/1689. */
import { asField, formSections } from "./model-documentation.ts";
import { memorisationStatement } from "./memorisation.ts";
import { field, gap, type Paper, type Section, section, stated } from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";

/** Points of the annexes and the form's fields that answer them. */
const ANNEX_XI: readonly (readonly [string, readonly string[]])[] = [
  ["1(a) Tasks that the model is intended to perform and systems it can be integrated in", ["15", "16"]],
  ["1(b) Acceptable use policies", ["14"]],
  ["1(c) Date of release and methods of distribution", ["4", "5", "12a"]],
  ["1(d) Architecture and number of parameters", ["7", "11a"]],
  ["1(e) Modality and format of inputs and outputs", ["9", "10"]],
  ["1(f) Licence", ["13a", "13b"]],
  ["2(a) Technical means for integration", ["17"]],
  ["2(b) Design specifications of the model and of the training process", ["8", "20", "21"]],
  ["2(c) Data used for training, testing and validation", ["22", "23", "24", "25a", "26", "27", "28", "29"]],
  ["2(d) Computational resources and training time", ["30b", "31b", "32"]],
  ["2(e) Known or estimated energy consumption", ["33", "34"]],
];
const ANNEX_XII: readonly (readonly [string, readonly string[]])[] = [
  ["1(a) Tasks that the model is intended to perform and systems it can be integrated in", ["15", "16"]],
  ["1(b) Acceptable use policies", ["14"]],
  ["1(c) Date of release and methods of distribution", ["4", "5", "12b"]],
  ["1(d) Interaction with hardware or software that is not part of the model", ["17", "18"]],
  ["1(e) Versions of relevant software", ["19"]],
  ["1(f) Architecture and number of parameters", ["7", "11b"]],
  ["1(g) Modality and format of inputs and outputs", ["9", "10"]],
  ["1(h) Licence", ["13a", "13b"]],
  ["2(a) Technical means for integration", ["17"]],
  ["2(b) Modality, format and maximum size of inputs and outputs", ["9", "10"]],
  ["2(c) Data used for training, testing and validation", ["22", "23", "27"]],
];

function extract(
  input: PaperInput,
  title: string,
  file: string,
  points: typeof ANNEX_XI,
  more: readonly Section[],
): Paper {
  const fields = new Map(formSections(input).flatMap((part) => part.fields.map((one) => [one.number, one])));
  return {
    title,
    file,
    follows: "Regulation (EU) 2024/1689, from the fields of the Model Documentation Form",
    release: input.release,
    sections: [
      ...points.map(([heading, numbers]) =>
        section(
          heading,
          numbers.map((number) => asField(fields.get(number)!)),
        ),
      ),
      ...more,
    ],
  };
}

/** Annex XI: technical documentation for the AI Office, with the results of the evaluation (Art. 53(1)(a)). */
export function annexXi(input: PaperInput): Paper {
  const { evaluate } = input.record;
  const bits = evaluate?.data.bitsPerByte?.all?.model;
  return extract(input, "Annex XI: technical documentation", "Annex_XI", ANNEX_XI, [
    section("Testing process and results of its evaluation", [
      field(
        "Results",
        evaluate === undefined || bits === undefined
          ? gap("results of the evaluation")
          : stated(
              `${bits.toFixed(3)} bits per UTF-8 byte of held-out text; README.md and evaluations/ hold all results.`,
              evaluate,
            ),
      ),
      ...(evaluate?.data.memorisation ? [field("Memorisation", memorisationStatement(input.record))] : []),
    ]),
  ]);
}

/** Annex XII: information for downstream providers. */
export function annexXii(input: PaperInput): Paper {
  return extract(input, "Annex XII: information for downstream providers", "Annex_XII", ANNEX_XII, []);
}
