/**
 * @file The compute and energy statement: training compute by both methods of the Commission's guidelines on
 * general-purpose AI (C(2025) 7719, Annex A), its place against the legal lines, and energy with its boundary.
 */
import { formatInteger } from "../../core/index.ts";
import type { ReleaseRecord } from "./facts.ts";
import { field, gap, type Paper, section, shown, stated, type Statement } from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";
import { said } from "./said.ts";

const flop = (value: number): string => `${value.toExponential(2)} FLOP`;

function hardwareLine(record: ReleaseRecord): Statement {
  const { compute } = record;
  const used = record.provider?.data.hardware;
  if (
    compute === undefined ||
    compute.data.hardwareFlop === null ||
    used === undefined ||
    record.provider === undefined
  )
    return gap("units, hours, peak rate and utilisation of the training hardware", "person");
  return stated(
    `${formatInteger(used.units)} × ${used.device} · ${used.hours} h · ${used.peakFlops?.toExponential(2)} FLOP/s · ${used.utilisation} = ${flop(compute.data.hardwareFlop)}.`,
    compute,
    record.provider,
  );
}

function agreement({ compute }: ReleaseRecord): Statement {
  if (compute === undefined) return gap("a second method to compare with", "person");
  const { architectureFlop, hardwareFlop, hardwarePeakFlop } = compute.data;
  if (hardwareFlop !== null) {
    const apart = hardwareFlop / architectureFlop - 1;
    const inside = Math.abs(apart) <= 0.3 ? "inside" : "outside";
    return stated(
      `The hardware method gives ${apart >= 0 ? "+" : ""}${(apart * 100).toFixed(0)} % against the architecture method, ${inside} the ±30 % of the guidelines.`,
      compute,
    );
  }
  if (hardwarePeakFlop === null) return gap("a second method to compare with", "person");
  return stated(
    `Utilisation was not measured apart from the count. At their peak all the time the units could have done ${flop(hardwarePeakFlop)}; the architecture method's figure is ${((architectureFlop / hardwarePeakFlop) * 100).toFixed(0)} % of that.`,
    compute,
  );
}

/** Wall-clock training time: range for authorities, exact for the AI Office. */
export function trainingTime(record: ReleaseRecord): { range: Statement; exact: Statement } {
  const used = record.provider?.data.hardware;
  if (used?.hours === undefined) {
    const open = gap("wall-clock time of training", "person");
    return { range: open, exact: open };
  }
  const days = used.hours / 24;
  const months = days / 30.4;
  const range =
    months < 1
      ? "Less than 1 month"
      : months <= 3
        ? "1–3 months"
        : months <= 6
          ? "3–6 months"
          : "More than 6 months";
  return {
    range: said(record, `${range}.`, ""),
    exact: said(
      record,
      `${days.toPrecision(2)} days; ${(days * used.units).toPrecision(2)} ${used.device}-days.`,
      "",
    ),
  };
}

interface Energy {
  readonly devicesKilowattHours: number;
  readonly status: "measured" | "estimated";
}

function deviceEnergy(record: ReleaseRecord): Energy | undefined {
  const used = record.provider?.data.hardware;
  if (used?.measuredKilowattHours !== undefined)
    return { devicesKilowattHours: used.measuredKilowattHours, status: "measured" };
  if (used?.watts === undefined || used.hours === undefined) return undefined;
  return { devicesKilowattHours: (used.watts * used.units * used.hours) / 1000, status: "estimated" };
}

const megawattHours = (kilowattHours: number): string => `${(kilowattHours / 1000).toPrecision(2)} MWh`;

/** Energy of the compute devices during training. */
export function trainingEnergy(record: ReleaseRecord): Statement {
  const energy = deviceEnergy(record);
  return said(
    record,
    energy && `${megawattHours(energy.devicesKilowattHours)} (${energy.status}, compute devices).`,
    "energy used for training",
  );
}

/** Operations to generate 100,000 tokens at the full context. */
export function inferenceCompute({ compute }: ReleaseRecord, contextLength: number): Statement {
  if (compute === undefined) return gap("computation of inference");
  return stated(
    `${flop(compute.data.inferenceFlopPerToken * 1e5)} to generate 100,000 tokens at a context of ${formatInteger(contextLength)} tokens.`,
    compute,
  );
}

function lines({ record }: PaperInput): Statement[] {
  const { compute } = record;
  if (compute === undefined) return [gap("training compute")];
  const { architectureFlop, sentence } = compute.data;
  return [
    stated(sentence, compute),
    stated(
      compute.data.generalPurpose
        ? `Whoever modifies this model with more than ${flop(architectureFlop / 3)} (one third of its training compute) is indicatively the provider of the modified model (guidelines, section 3.2).`
        : `One third of it is ${flop(architectureFlop / 3)}; that line concerns modifications of general-purpose AI models, and this model lies below their criterion.`,
      compute,
    ),
    record.startFrom !== undefined
      ? gap(
          "training compute of the model whose weights training went on from: above one third of it whoever modifies is indicatively the provider, and for the line of systemic risk it counts in full",
          "person",
        )
      : record.initialise === undefined
        ? gap("whether the weights began from another model, whose compute would count")
        : stated(
            "The weights were drawn at random: no other model's training compute is to be added, and the one-third line for modified models does not apply.",
            record.initialise,
          ),
  ];
}

/** Energy of the whole site in kilowatt-hours; undefined unless the PUE is known. */
function siteEnergy(record: ReleaseRecord): number | undefined {
  const pue = record.provider?.data.hardware?.pue;
  const energy = deviceEnergy(record);
  return energy === undefined || pue === undefined ? undefined : energy.devicesKilowattHours * pue;
}

/** Grams of CO₂ equivalent of the training; undefined unless energy, PUE and the grid's intensity are known. */
export function trainingCarbonGrams(record: ReleaseRecord): number | undefined {
  const energy = siteEnergy(record);
  const intensity = record.provider?.data.hardware?.gridGramsPerKilowattHour;
  return energy === undefined || intensity === undefined ? undefined : energy * intensity;
}

/** The same as a statement. */
export function trainingCarbon(record: ReleaseRecord): Statement {
  const grams = trainingCarbonGrams(record);
  const intensity = record.provider?.data.hardware?.gridGramsPerKilowattHour;
  return said(
    record,
    grams === undefined
      ? undefined
      : `${(grams / 1000).toPrecision(2)} kg CO₂ equivalent (estimated, ${intensity} g/kWh assumed).`,
    "carbon intensity of the power used",
  );
}

function energyFields(record: ReleaseRecord): readonly ReturnType<typeof field>[] {
  const used = record.provider?.data.hardware;
  const facility = siteEnergy(record);
  return [
    field("Compute devices", trainingEnergy(record)),
    field(
      "Whole site (devices × power usage effectiveness)",
      said(
        record,
        facility === undefined
          ? undefined
          : `${megawattHours(facility)} (estimated with an assumed PUE of ${used?.pue}).`,
        "energy of the whole site",
      ),
    ),
    field("Carbon", trainingCarbon(record)),
  ];
}

/** The statement as a paper. */
export function computeStatement(input: PaperInput): Paper {
  const { record, release, config } = input;
  const { compute, trainRuns, finetune } = record;
  const runs = [...trainRuns, finetune].filter((run) => run !== undefined);
  return {
    title: "Compute and energy statement",
    file: "Compute_and_Energy",
    follows:
      "the Commission's guidelines on the scope of obligations for general-purpose AI models, C(2025) 7719 final, 19 November 2025, Annex A",
    release,
    sections: [
      section("Training compute", [
        field(
          "Method based on the architecture (operations counted term by term)",
          compute === undefined
            ? gap("training compute")
            : stated(
                `${flop(compute.data.architectureFlop)} for ${formatInteger(compute.data.tokens)} tokens, repetitions counted.`,
                compute,
                ...runs,
              ),
        ),
        field(
          "The same by the short cut 6 · parameters · tokens",
          compute === undefined
            ? gap("training compute")
            : stated(
                `6 · ${formatInteger(compute.data.parameters)} · ${formatInteger(compute.data.tokens)} = ${flop(compute.data.sixParametersFlop)}.`,
                compute,
              ),
        ),
        field("Method based on hardware (units · time · peak · utilisation)", hardwareLine(record)),
        field("Agreement of the methods", agreement(record)),
        field(
          "Counted",
          shown(
            "Every pass that updated parameters, in pre-training and fine-tuning; a multiply-add is two operations, attention counts in full, a backward pass twice a forward pass.",
          ),
        ),
        field(
          "Left out",
          shown(
            "Recomputed activations, the optimizer, evaluation, runs that failed or explored, scoring of data by small classifiers.",
          ),
        ),
      ]),
      section("Against the lines of the law", [field("Verdict", ...lines(input))]),
      section("Energy of training", energyFields(record)),
      section("Computation of inference", [
        field("Benchmark", inferenceCompute(record, config.contextLength)),
      ]),
    ],
  };
}
