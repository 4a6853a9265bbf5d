/** @file A training plan as text: every figure with its formula and the numbers that went in. */
import { displayWidth, formatBytes, formatDuration, formatInteger, formatPercent } from "../core/index.ts";
import { optimizerNumbersPerParameter, weightBytes } from "./memory.ts";
import type { TrainingPlan } from "./plan.ts";

/** One printed figure. */
export interface PlanLine {
  readonly label: string;
  readonly value: string;
  /** In symbols; empty where the value is an input. */
  readonly formula: string;
  /** The formula with this plan's numbers. */
  readonly numbers: string;
}

export interface PlanSection {
  readonly title: string;
  readonly lines: readonly PlanLine[];
}

const n = (value: number): string => (Number.isInteger(value) ? formatInteger(value) : formatNumber(value));

function formatNumber(value: number): string {
  return value >= 1000 && value < 1e7 ? formatInteger(value) : value.toPrecision(4);
}

/** `4.496e11`: four significant figures, as the technical report writes operations. */
function e(value: number): string {
  return value.toExponential(3).replace("e+", "e");
}

/** SI watt-hours: `4.95 GWh`. */
function formatEnergy(wattHours: number): string {
  const units = ["Wh", "kWh", "MWh", "GWh", "TWh"];
  let unit = 0;
  let value = wattHours;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toPrecision(3)} ${units[unit]}`;
}

function line(label: string, value: string, formula = "", numbers = ""): PlanLine {
  return { label, value, formula, numbers };
}

function modelSection({ config, parameters }: TrainingPlan): PlanSection {
  const { hiddenSize: d, heads: h, kvHeads, headDim: k, ffnSize: f, layers: l, vocabSize: v } = config;
  return {
    title: "Model",
    lines: [
      line(
        "shape",
        `d ${d}, L ${l}, h ${h}, hkv ${kvHeads}, k ${k}, f ${f}, V ${n(v)}`,
        "width, layers, query heads, key/value heads, head width, MLP width, vocabulary",
      ),
      line(
        "attention matrices",
        n(parameters.attention),
        "L·(2·d·h·k + 2·d·hkv·k)",
        `${l}·(2·${d}·${h}·${k} + 2·${d}·${kvHeads}·${k})`,
      ),
      line("MLP matrices", n(parameters.mlp), "L·2·d·f", `${l}·2·${d}·${f}`),
      line("norms, xIELU", n(parameters.small), "L·(2·d + 2·k + 2) + d", `${l}·(2·${d} + 2·${k} + 2) + ${d}`),
      line("embedding, output", n(parameters.embedding + parameters.output), "2·V·d", `2·${v}·${d}`),
      line("parameters N", n(parameters.total), "sum of these"),
      line("without embeddings", n(parameters.nonEmbedding), "N − 2·V·d"),
    ],
  };
}

function flopsSection({ config, setup, flops, parameters }: TrainingPlan): PlanSection {
  const { hiddenSize: d, heads: h, kvHeads, headDim: k, ffnSize: f, layers: l, vocabSize: v } = config;
  const s = setup.sequenceLength;
  const { forward } = flops;
  return {
    title: `Operations (Apertus technical report, App. D; one forward pass over s = ${n(s)} tokens)`,
    lines: [
      line("query, output", e(forward.queryAndOutput), "L·4·s·d·h·k", `${l}·4·${s}·${d}·${h}·${k}`),
      line("key, value", e(forward.keyAndValue), "L·4·s·d·hkv·k", `${l}·4·${s}·${d}·${kvHeads}·${k}`),
      line("scores, values", e(forward.attention), "L·4·h·s²·k", `${l}·4·${h}·${s}²·${k}`),
      line("softmax", e(forward.softmax), "L·3·h·s²", `${l}·3·${h}·${s}²`),
      line("QK-norm", e(forward.qkNorm), "L·4·s·(h + hkv)·k", `${l}·4·${s}·(${h} + ${kvHeads})·${k}`),
      line("MLP", e(forward.mlp), "L·4·s·d·f", `${l}·4·${s}·${d}·${f}`),
      line("norms", e(forward.norms), "L·8·s·d", `${l}·8·${s}·${d}`),
      line("logits", e(forward.logits), "2·s·d·V", `2·${s}·${d}·${v}`),
      line("training, per token", e(flops.perToken), "3·forward / s", `3·${e(forward.total)} / ${s}`),
      line("training, total", e(flops.total), "per token · D", `${e(flops.perToken)}·${e(setup.tokens)}`),
      line(
        "short cut",
        e(flops.sixParametersTotal),
        "6·N·D",
        `6·${e(parameters.total)}·${e(setup.tokens)} = ${formatPercent(flops.sixParametersTotal / flops.total)} of it`,
      ),
    ],
  };
}

function memorySection({
  config,
  setup,
  parameters,
  memory,
  kvCacheBytesPerToken,
}: TrainingPlan): PlanSection {
  const { hiddenSize: d, heads: h, kvHeads, headDim: k, ffnSize: f, layers: l } = config;
  const bytes = weightBytes(setup.precision);
  const numbers = optimizerNumbersPerParameter(setup);
  const total = n(parameters.total);
  const scores =
    setup.attention === "materialised" ? [" + h·s", ` + ${h}·${setup.sequenceLength}`] : ["", ""];
  const { tensor, pipeline } = setup.parallel;
  return {
    title: "Memory",
    lines: [
      line(
        "weights",
        formatBytes(memory.weights),
        `N·${bytes} bytes (${setup.precision})`,
        `${total}·${bytes}`,
      ),
      line("gradients", formatBytes(memory.gradients), "N·4 bytes (fp32)", `${total}·4`),
      line(
        "optimizer",
        formatBytes(memory.optimizer),
        `N·4·${numbers} (${setup.optimizer}${setup.precision === "bf16" ? " + fp32 master copy" : ""})`,
        `${total}·4·${numbers}`,
      ),
      line(
        "activations (estimate)",
        formatBytes(memory.activations),
        setup.recompute === "full"
          ? "b·s·(bytes·(L·d + one layer) + head)"
          : `b·s·(bytes·L·(4·d + 3·h·k + 3·hkv·k + 2·f${scores[0]}) + bytes·2·d + 4·V)`,
        `b ${setup.microBatch}, s ${setup.sequenceLength}, bytes ${bytes}; per layer 4·${d} + 3·${h}·${k} + 3·${kvHeads}·${k} + 2·${f}${scores[1]}`,
      ),
      line(
        "fullest device",
        formatBytes(memory.perDevice.total),
        "weights, gradients, states, activations after the split",
        `tensor ${tensor}, pipeline ${pipeline}, devices ${n(setup.devices)}; ${setup.device.name} has ${formatBytes(setup.device.memoryBytes)}`,
      ),
      line("checkpoint", formatBytes(memory.checkpoint), "weights + optimizer"),
      line(
        "key/value cache per token",
        `${n(kvCacheBytesPerToken)} bytes`,
        "2·L·hkv·k·bytes",
        `2·${l}·${kvHeads}·${k}·${bytes}`,
      ),
    ],
  };
}

function timeSection({ setup, flops, speed, time }: TrainingPlan): PlanSection {
  const peak = setup.device.flopsPerSecond;
  const rate = n(speed.tokensPerSecondPerDevice);
  const given = "utilisation" in setup.speed;
  const first = setup.firstBatch;
  const stepNumbers =
    first === undefined
      ? `${n(setup.tokens)} / ${n(setup.batchTokens)}`
      : `${n(first.untilTokens)} / ${n(first.batchTokens)} + ${n(setup.tokens - first.untilTokens)} / ${n(setup.batchTokens)}`;
  return {
    title: `Time on ${n(setup.devices)} × ${setup.device.name} (${e(peak)} FLOP/s; ${setup.device.source})`,
    lines: [
      line(
        "tokens/s per device",
        rate,
        given ? "peak·utilisation / FLOP per token" : "given",
        given ? `${e(peak)}·${speed.utilisation.toPrecision(3)} / ${e(flops.perToken)}` : "",
      ),
      line(
        "utilisation",
        formatPercent(speed.utilisation),
        given ? "given" : "tokens/s·FLOP per token / peak",
        given ? "" : `${rate}·${e(flops.perToken)} / ${e(peak)}`,
      ),
      line(
        "steps",
        n(time.steps),
        first === undefined
          ? "D / tokens per step"
          : "D₁ / first tokens per step + (D − D₁) / tokens per step",
        `${stepNumbers}, ${time.secondsPerStep.toPrecision(3)} s each`,
      ),
      line(
        "computing time",
        formatDuration(time.seconds),
        "D / (tokens/s · devices)",
        `${n(setup.tokens)} / (${rate}·${n(setup.devices)})`,
      ),
      line("device-hours", n(time.deviceHours), "computing time · devices; no pauses, no failures"),
      line(
        "calendar time",
        formatDuration(time.calendarDays * 86400),
        setup.calendarDays === undefined ? "computing time" : "given",
      ),
    ],
  };
}

function energySection({ setup, time, energy }: TrainingPlan): PlanSection {
  const { averageWatts, maximumWatts } = setup.device;
  const at = (watts: number): string =>
    `${watts} W·${n(setup.devices)}·${time.calendarDays.toPrecision(3)}·24 h`;
  const lines: PlanLine[] = [];
  if (energy.wattHours !== null && averageWatts !== null)
    lines.push(line("energy", formatEnergy(energy.wattHours), "watts·devices·days·24 h", at(averageWatts)));
  else lines.push(line("energy", "unknown", "the draw of this device was not given"));
  if (energy.wattHoursAtLimit !== null && maximumWatts !== null)
    lines.push(line("at the power limit", formatEnergy(energy.wattHoursAtLimit), "", at(maximumWatts)));
  return { title: "Energy (compute devices only)", lines };
}

function checkpointSection({ setup, time, checkpoints }: TrainingPlan): PlanSection | null {
  if (checkpoints === null || setup.checkpoint === undefined) return null;
  const { seconds, meanSecondsBetweenFailures } = setup.checkpoint;
  return {
    title: "Checkpoints",
    lines: [
      line(
        "best interval (Young)",
        `${n(checkpoints.young)} s`,
        "√(2·δ·M)",
        `√(2·${n(seconds)}·${n(meanSecondsBetweenFailures)}) = ${n(checkpoints.everySteps)} steps of ${time.secondsPerStep.toPrecision(3)} s`,
      ),
      line("(Daly)", `${n(checkpoints.daly)} s`, "√(2·δ·M)·(1 + √(δ/2M)/3 + δ/18M) − δ"),
      line("checkpoints", n(checkpoints.count), "steps / interval"),
      line("time lost", formatPercent(checkpoints.lostShare), "δ/τ + τ/(2·M)"),
    ],
  };
}

/** The printed sections of a plan, for text, web and papers alike. */
export function planSections(plan: TrainingPlan): PlanSection[] {
  const checkpoints = checkpointSection(plan);
  return [
    modelSection(plan),
    flopsSection(plan),
    memorySection(plan),
    timeSection(plan),
    energySection(plan),
    ...(checkpoints === null ? [] : [checkpoints]),
    {
      title: "EU AI Act",
      lines: [line("cumulative compute", `${e(plan.verdict.flop)} FLOP`, plan.verdict.sentence)],
    },
  ];
}

/** The plan as aligned text, every formula with its numbers put in. */
export function renderPlanReport(plan: TrainingPlan): string {
  const sections = planSections(plan);
  const lines = sections.flatMap((section) => section.lines);
  const labelWidth = Math.max(...lines.map(({ label }) => displayWidth(label)));
  const pad = (text: string, width: number): string =>
    text + " ".repeat(Math.max(0, width - displayWidth(text)));
  const out = [`Plan for ${plan.name}: ${n(plan.setup.tokens)} tokens`];
  for (const section of sections) {
    const valueWidth = Math.max(...section.lines.map(({ value }) => displayWidth(value)));
    out.push("", section.title);
    for (const { label, value, formula, numbers } of section.lines) {
      const explanation = numbers === "" ? formula : formula === "" ? numbers : `${formula} = ${numbers}`;
      out.push(`  ${pad(label, labelWidth)}  ${pad(value, valueWidth)}  ${explanation}`.trimEnd());
    }
  }
  return out.join("\n");
}
