/** @file The answer to a rights holder in plain words: what was found, what it did, what can be done, and by when. */
import { formatBytes, formatDuration, formatInteger } from "../core/index.ts";
import { concernsNothing, isKeptAsHash, type OpenRequest, type RequestEffect } from "./request.ts";

const WHAT: Readonly<Record<OpenRequest["kind"], string>> = {
  domain: "the web site",
  url: "the address (and everything below it)",
  hash: "the document with the checksum",
  text: "a passage whose checksum (with the salt in your receipt) is",
  person: "personal data whose checksum (with the salt in your receipt) is",
};

const one = (count: number, word: string): string =>
  `${formatInteger(count)} ${word}${count === 1 ? "" : "s"}`;

function effectLines({ run, ...effect }: RequestEffect): string[] {
  const lines = [`## In the training run ${run.slice(0, 12)}`];
  if (effect.documents + effect.heldout === 0) lines.push("None of the texts that were kept is concerned.");
  else {
    lines.push(
      `${one(effect.documents, "text")} (${formatBytes(effect.bytes)}, ${one(effect.tokens, "token")}) ${effect.documents === 1 ? "was" : "were"} used for training${effect.heldout === 0 ? "" : `, and ${one(effect.heldout, "text")} only for testing`}.`,
    );
    lines.push(
      effect.firstStep === null
        ? "Training drew none of them: the model has not learnt from them."
        : `The model saw them in ${one(effect.steps, "step")} of ${formatInteger(effect.totalSteps)}, first in step ${formatInteger(effect.firstStep)}, ${one(effect.seenTokens, "token")} in all (repetitions counted).`,
    );
  }
  for (const { step, reason, documents } of effect.dropped)
    lines.push(`${one(documents, "text")} had been left out before training: ${step}, ${reason}.`);
  if (effect.releases.length > 0)
    lines.push(
      `Released models made from it: ${effect.releases.map(({ name, fingerprint }) => `${name} (${fingerprint.slice(0, 12)})`).join(", ")}.`,
    );
  return lines;
}

function optionLines({ effects }: OpenRequest): string[] {
  const retrain = effects.flatMap((effect) =>
    effect.retrain === null ? [] : [{ ...effect.retrain, run: effect.run }],
  );
  return [
    "## What can be done",
    "- From the next corpus on: the request is on the list that every new build reads, and such texts are left out.",
    "- Now, where the model is served: answers that repeat the passages can be held back (output filter). The weights stay as they are.",
    ...retrain.map(
      ({ run, fromStep, steps, flop, seconds }) =>
        `- Training run ${run.slice(0, 12)} again from step ${formatInteger(fromStep)}, before the first of them was seen: ${one(steps, "step")}, ${flop.toExponential(1)} operations${seconds === null ? "" : `, about ${formatDuration(seconds)} at the speed of the first time`}.`,
    ),
  ];
}

function decisionLines({ decisions }: OpenRequest): string[] {
  if (decisions.length === 0) return [];
  const words = {
    "next-corpus": "It will be left out from the next corpus on.",
    "output-filter": "Answers that repeat it are held back.",
    retrain: "The model is trained again without it.",
    refused: "It was refused.",
  } as const;
  return [
    "## What was decided",
    ...decisions.map(
      ({ decision, why, time }) =>
        `- ${time.slice(0, 10)}: ${words[decision]}${why === null ? "" : ` ${why}`}`,
    ),
  ];
}

/** The letter as Markdown. `fact` is the hash of the ledger line that holds the request. */
export function requestLetter(request: OpenRequest, fact: string): string {
  const { id, kind, subject, received, deadline, effects } = request;
  return `${[
    `# Your request ${id}`,
    `We received on ${received.slice(0, 10)} a request to leave out ${WHAT[kind]} ${subject}. It is answered by ${deadline.slice(0, 10)} at the latest. It stands in our ledger as ${fact}; that record cannot be changed afterwards without being noticed.`,
    ...(effects.length === 0
      ? ["No model has been trained here yet; the request holds for every one to come."]
      : effects.flatMap(effectLines)),
    ...(concernsNothing(effects) && isKeptAsHash(kind)
      ? [
          "We keep no copy of your words, only a checksum, by which we cannot search texts that come later. If you want them kept out of every corpus to come, tell us the web site or address where they stand, or ask again.",
        ]
      : []),
    ...optionLines(request),
    ...decisionLines(request),
  ].join("\n\n")}\n`;
}
