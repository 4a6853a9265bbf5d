/** @file The view of training runs in German. */
import type { Words } from "../english.ts";

export const runs: Words["runs"] = {
  title: "Trainingsläufe",
  lead: "Die Kurven der Läufe in diesem Speicher, beendet oder noch im Gang. Wählen Sie mehrere, um sie zu vergleichen; klicken Sie auf eine Kurve, um zu sehen, woraus ein Schritt gelernt hat.",
  none: "In diesem Speicher gibt es noch keine Trainingsläufe. Starten Sie `firn build nano`.",
  choose: "Welche Läufe",
  running: "läuft",
  smoothing: (steps) => (steps <= 1 ? "Glättung: keine" : `Glättung: ${steps} Schritte`),
  loss: "Verlust (Nat pro Token)",
  bitsPerByte: "Bit pro Byte",
  gradientNorm: "Norm des Gradienten",
  learningRate: "Lernrate",
  sources: "Verlust nach Quelle",
  languages: "Verlust nach Sprache (die am meisten veränderten)",
  samples: "Was das Modell zu denselben Worten sagt",
  sampleAt: (step, last) =>
    step === 0 ? "Vor dem Training" : last ? `Nach dem Training (Schritt ${step})` : `Nach Schritt ${step}`,
  live: (share, left, rate) => `${share} getan, ${rate} Token/s, noch ${left}`,
  skipped: (steps) =>
    steps === 1 ? "1 Schritt wurde übersprungen" : `${steps} Schritte wurden übersprungen`,
  step: "Schritt",
  trace: "Seine Texte zeigen",
  learntFrom: (step, count) => `Schritt ${step} hat aus ${count} Texten gelernt`,
};
