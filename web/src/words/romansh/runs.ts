/** @file The view of training runs in Romansh (Rumantsch Grischun). */
import type { Words } from "../english.ts";

export const runs: Words["runs"] = {
  title: "Trenaments",
  lead: "Las curvas dals trenaments en quest deposit, finids u anc en cuors. Tschernì plirs per als cumparegliar; cliccai sin ina curva per vesair da tge ch’in pass ha emprendì.",
  none: "Quest deposit n’ha anc nagins trenaments. Lantschai `firn build nano`.",
  choose: "Trenaments da mussar",
  running: "en cuors",
  smoothing: (steps) => (steps <= 1 ? "Glischada: nagina" : `Glischada: ${steps} pass`),
  loss: "Perdita (nats per token)",
  bitsPerByte: "Bits per byte",
  gradientNorm: "Norma dal gradient",
  learningRate: "Rata d’emprender",
  sources: "Perdita tenor funtauna",
  languages: "Perdita tenor lingua (quellas ch’èn sa midadas il pli fitg)",
  samples: "Tge ch’il model di als medems pleds",
  sampleAt: (step, last) =>
    step === 0
      ? "Avant il trenament"
      : last
        ? `Suenter il trenament (pass ${step})`
        : `Suenter il pass ${step}`,
  live: (share, left, rate) => `${share} fatg, ${rate} tokens/s, anc ${left}`,
  skipped: (steps) => (steps === 1 ? "1 pass è vegnì surseglì" : `${steps} pass èn vegnids surseglids`),
  step: "Pass",
  trace: "Mussar ses documents",
  learntFrom: (step, count) => `Il pass ${step} ha emprendì da ${count} documents`,
};
