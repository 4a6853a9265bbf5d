/** @file The view of training runs in English. */

export const runs = {
  title: "Training runs",
  lead: "The curves of the runs in this store, finished or going on. Choose several to compare them; click a curve to see what a step learnt from.",
  none: "This store has no training runs yet. Run `firn build nano`.",
  choose: "Runs to show",
  running: "running",
  smoothing: (steps: number) => (steps <= 1 ? "Smoothing: none" : `Smoothing: ${steps} steps`),
  loss: "Loss (nats per token)",
  bitsPerByte: "Bits per byte",
  gradientNorm: "Gradient norm",
  learningRate: "Learning rate",
  sources: "Loss by source",
  languages: "Loss by language (the most changed)",
  samples: "What the model says to the same words",
  sampleAt: (step: number, last: boolean) =>
    step === 0 ? "Before training" : last ? `After training (step ${step})` : `After step ${step}`,
  live: (share: string, left: string, rate: string) => `${share} done, ${rate} tokens/s, ${left} left`,
  skipped: (steps: number) => (steps === 1 ? "1 step was skipped" : `${steps} steps were skipped`),
  step: "Step",
  trace: "Show its documents",
  learntFrom: (step: number, count: number) => `Step ${step} learnt from ${count} documents`,
};
