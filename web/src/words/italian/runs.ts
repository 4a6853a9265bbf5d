/** @file The view of training runs in Italian. */
import type { Words } from "../english.ts";

export const runs: Words["runs"] = {
  title: "Addestramenti",
  lead: "Le curve degli addestramenti in questo deposito, finiti o in corso. Ne scelga più d’uno per confrontarli; faccia clic su una curva per vedere da che cosa ha imparato un passo.",
  none: "Questo deposito non ha ancora addestramenti. Avvii `firn build nano`.",
  choose: "Addestramenti da mostrare",
  running: "in corso",
  smoothing: (steps) => (steps <= 1 ? "Levigatura: nessuna" : `Levigatura: ${steps} passi`),
  loss: "Perdita (nat per token)",
  bitsPerByte: "Bit per byte",
  gradientNorm: "Norma del gradiente",
  learningRate: "Tasso di apprendimento",
  sources: "Perdita per fonte",
  languages: "Perdita per lingua (le più cambiate)",
  samples: "Che cosa dice il modello alle stesse parole",
  sampleAt: (step, last) =>
    step === 0
      ? "Prima dell’addestramento"
      : last
        ? `Dopo l’addestramento (passo ${step})`
        : `Dopo il passo ${step}`,
  live: (share, left, rate) => `${share} fatto, ${rate} token/s, ancora ${left}`,
  skipped: (steps) => (steps === 1 ? "1 passo è stato saltato" : `${steps} passi sono stati saltati`),
  step: "Passo",
  trace: "Mostrare i suoi documenti",
  learntFrom: (step, count) => `Il passo ${step} ha imparato da ${count} documenti`,
};
