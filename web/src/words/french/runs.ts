/** @file The view of training runs in French. */
import type { Words } from "../english.ts";

export const runs: Words["runs"] = {
  title: "Entraînements",
  lead: "Les courbes des entraînements de ce dépôt, finis ou en cours. Choisissez-en plusieurs pour les comparer ; cliquez sur une courbe pour voir de quoi une étape a appris.",
  none: "Ce dépôt n’a pas encore d’entraînement. Lancez `firn build nano`.",
  choose: "Entraînements à montrer",
  running: "en cours",
  smoothing: (steps) => (steps <= 1 ? "Lissage : aucun" : `Lissage : ${steps} étapes`),
  loss: "Perte (nats par token)",
  bitsPerByte: "Bits par octet",
  gradientNorm: "Norme du gradient",
  learningRate: "Taux d’apprentissage",
  sources: "Perte par source",
  languages: "Perte par langue (celles qui ont le plus changé)",
  samples: "Ce que le modèle dit aux mêmes mots",
  sampleAt: (step, last) =>
    step === 0
      ? "Avant l’entraînement"
      : last
        ? `Après l’entraînement (étape ${step})`
        : `Après l’étape ${step}`,
  live: (share, left, rate) => `${share} fait, ${rate} tokens/s, encore ${left}`,
  skipped: (steps) => (steps === 1 ? "1 étape a été sautée" : `${steps} étapes ont été sautées`),
  step: "Étape",
  trace: "Montrer ses documents",
  learntFrom: (step, count) => `L’étape ${step} a appris de ${count} documents`,
};
