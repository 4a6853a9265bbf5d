/**
 * @file The head of a classifier: embedding → hidden layer, ReLU, dropout → one logit, trained with binary cross-entropy
 * and AdamW (as FineWeb2-HQ's, Messmer et al. 2025, and Apertus' heads for toxicity). Plain loops in a fixed order: the
 * same examples give the same bits.
 */
import { randomStream } from "../../core/index.ts";
import { type Embedding, PIECE } from "./embedding.ts";

/** A trained head: hidden = relu(input · vector + inputBias), logit = output · hidden + outputBias. */
export interface Head {
  readonly dimensions: number;
  readonly hidden: number;
  /** Row after row: input weights (hidden × dimensions), their biases, output weights, the output's bias. */
  readonly weights: Float32Array;
}

export interface HeadTraining {
  readonly hidden: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly dropout: number;
}

export interface Example {
  readonly vector: Float32Array;
  readonly label: boolean;
}

const WEIGHT_DECAY = 0.01;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** The probability that the head gives to `vector`, in [0, 1]. */
export function scoreVector({ dimensions, hidden, weights }: Head, vector: Float32Array): number {
  const biases = hidden * dimensions;
  let logit = weights[biases + hidden * 2]!;
  for (let h = 0; h < hidden; h++) {
    let sum = weights[biases + h]!;
    const row = h * dimensions;
    for (let d = 0; d < dimensions; d++) sum += weights[row + d]! * vector[d]!;
    if (sum > 0) logit += weights[biases + hidden + h]! * sum;
  }
  return sigmoid(logit);
}

/** A text, and the SHA-256 of it as its source has it, where that is not the text's own. */
export interface KeyedText {
  readonly text: string;
  readonly key: string | undefined;
}

/**
 * The highest score of the first `pieces` pieces of a text, of which each is looked at by itself; of the whole text where the
 * embedding has no pieces. `undefined` where it has no vector.
 */
export function scoreText(
  head: Head,
  embedding: Embedding,
  { text, key }: KeyedText,
  pieces: number,
): number | undefined {
  const first = embedding.embed(text, key);
  if (first === undefined) return undefined;
  let highest = scoreVector(head, first);
  const end = embedding.whole ? 0 : Math.min(text.length, pieces * PIECE);
  for (let at = PIECE; at < end; at += PIECE) {
    const vector = embedding.embed(text.slice(at, at + PIECE));
    if (vector !== undefined) highest = Math.max(highest, scoreVector(head, vector));
  }
  return highest;
}

/** Mean binary cross-entropy of `examples`, in nats. */
export function headLoss(head: Head, examples: readonly Example[]): number {
  const sum = examples.reduce((total, { vector, label }) => {
    const score = scoreVector(head, vector);
    return total - Math.log(Math.max(1e-12, label ? score : 1 - score));
  }, 0);
  return sum / Math.max(1, examples.length);
}

/** Gradient of the loss of one example, added to `gradient`; `dropped[h]` is 0 or 1 / (1 − dropout). */
function addGradient(
  head: Head,
  { vector, label }: Example,
  kept: Float32Array,
  gradient: Float32Array,
): void {
  const { dimensions, hidden, weights } = head;
  const biases = hidden * dimensions;
  const outputs = biases + hidden;
  const active = new Float64Array(hidden);
  let logit = weights[outputs + hidden]!;
  for (let h = 0; h < hidden; h++) {
    let sum = weights[biases + h]!;
    const row = h * dimensions;
    for (let d = 0; d < dimensions; d++) sum += weights[row + d]! * vector[d]!;
    active[h] = sum > 0 ? sum * kept[h]! : 0;
    logit += weights[outputs + h]! * active[h]!;
  }
  const error = sigmoid(logit) - (label ? 1 : 0);
  gradient[outputs + hidden]! += error;
  for (let h = 0; h < hidden; h++) {
    if (active[h] === 0) continue;
    gradient[outputs + h]! += error * active[h]!;
    const back = error * weights[outputs + h]! * kept[h]!;
    gradient[biases + h]! += back;
    const row = h * dimensions;
    for (let d = 0; d < dimensions; d++) gradient[row + d]! += back * vector[d]!;
  }
}

/**
 * Trains a head on `examples`; of its epochs the one with the least loss on `validation` is kept.
 *
 * @param seed with `label`, decides first weights, order and dropout
 */
export function trainHead(
  examples: readonly Example[],
  validation: readonly Example[],
  config: HeadTraining,
  seed: number,
  label: string,
): Head {
  const { hidden, batch, learningRate, dropout } = config;
  const dimensions = examples[0]!.vector.length;
  const random = randomStream(seed, "classifier head", label);
  const size = hidden * dimensions + hidden * 2 + 1;
  const spread = [Math.sqrt(1 / dimensions), Math.sqrt(1 / hidden)] as const;
  const weights = Float32Array.from({ length: size }, (_, i) => {
    if (i < hidden * dimensions) return random.normal() * spread[0];
    return i >= hidden * dimensions + hidden && i < size - 1 ? random.normal() * spread[1] : 0;
  });
  const head: Head = { dimensions, hidden, weights };
  const [first, second] = [new Float32Array(size), new Float32Array(size)];
  const gradient = new Float32Array(size);
  const kept = new Float32Array(hidden);
  let best = { loss: Number.POSITIVE_INFINITY, weights: weights.slice() };
  let step = 0;
  for (let epoch = 0; epoch < config.epochs; epoch++) {
    const order = random.shuffle(examples.map((_, i) => i));
    for (let at = 0; at < order.length; at += batch) {
      const members = order.slice(at, at + batch);
      gradient.fill(0);
      for (const i of members) {
        for (let h = 0; h < hidden; h++) kept[h] = random.float() < dropout ? 0 : 1 / (1 - dropout);
        addGradient(head, examples[i]!, kept, gradient);
      }
      step += 1;
      const rate = (learningRate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step);
      for (let i = 0; i < size; i++) {
        const g = gradient[i]! / members.length;
        first[i] = BETA1 * first[i]! + (1 - BETA1) * g;
        second[i] = BETA2 * second[i]! + (1 - BETA2) * g * g;
        weights[i]! -=
          learningRate * WEIGHT_DECAY * weights[i]! + (rate * first[i]!) / (Math.sqrt(second[i]!) + EPSILON);
      }
    }
    const loss = headLoss(head, validation.length === 0 ? examples : validation);
    if (loss < best.loss) best = { loss, weights: weights.slice() };
  }
  return { dimensions, hidden, weights: best.weights };
}
