/** @file The output layer and its loss as one operator, computed a few rows at a time. */
import { assert } from "../../core/index.ts";
import type { Graph, Value } from "../graph.ts";
import * as onnx from "../primitives.ts";

export interface CrossEntropy {
  /** Σ weightᵢ · −log softmax(h·Wᵀ)ᵢ[labelᵢ], shape []. */
  readonly loss: Value;
  /** −log probability of each label, [rows], unweighted. */
  readonly negativeLogLikelihood: Value;
}

/** The smallest normal fp32 number: while training, a label's loss is at most −ln of it, 87.3 nats. Its gradient is exact. */
const SMALLEST = 2 ** -126;

/**
 * Cross-entropy of softmax(h·Wᵀ) against `labels`. The logits of all rows are by far the largest tensor of a training
 * step, so they exist for `chunkRows` rows at a time only, and what the gradient needs of them (softmax − onehot)
 * is turned into dh and dW at once, inside the same chunk.
 *
 * @param hidden [rows, width]; weight [vocabulary, width]; labels [rows] int32; rowWeights [rows] float32 (0 drops
 *   the row; they already hold the 1/count of a mean)
 */
export function linearCrossEntropy(
  graph: Graph,
  hidden: Value,
  weight: Value,
  labels: Value,
  rowWeights: Value,
  chunkRows: number,
  withGradient: boolean,
): CrossEntropy {
  const rows = hidden.shape[0]!;
  const likelihoods: Value[] = [];
  const losses: Value[] = [];
  const hiddenGradients: Value[] = [];
  let weightGradient: Value | undefined;
  const account = (nll: Value, rowWeight: Value): void => {
    likelihoods.push(nll);
    losses.push(onnx.sumAll(graph, onnx.multiply(graph, nll, rowWeight)));
  };
  for (let start = 0; start < rows; start += chunkRows) {
    const end = Math.min(rows, start + chunkRows);
    const count = end - start;
    const h = onnx.slice(graph, hidden, 0, start, end);
    const label = onnx.reshape(graph, onnx.slice(graph, labels, 0, start, end), [count, 1]);
    const rowWeight = onnx.reshape(graph, onnx.slice(graph, rowWeights, 0, start, end), [count, 1]);
    const logits = onnx.matMul(graph, h, weight, { transposeB: true });
    if (!withGradient) {
      const logProbability = onnx.gatherLast(graph, onnx.unary(graph, "LogSoftmax", logits), label);
      account(onnx.unary(graph, "Neg", logProbability), rowWeight);
      continue;
    }
    const probabilities = onnx.softmax(graph, logits);
    const likely = onnx.gatherLast(graph, probabilities, label);
    account(
      onnx.unary(graph, "Neg", onnx.unary(graph, "Log", onnx.maximum(graph, likely, graph.scalar(SMALLEST)))),
      rowWeight,
    );
    // dLogits = diag(rowWeight)·E with E = softmax − onehot. The weights are put on the narrow matrices instead of on E.
    // −1 is computed from `likely` so that the softmax has been read before the scatter, which then works in place.
    const minusOne = onnx.subtract(graph, onnx.multiply(graph, likely, graph.scalar(0)), graph.scalar(1));
    const error = onnx.scatterAdd(graph, probabilities, label, minusOne, 1);
    hiddenGradients.push(onnx.multiply(graph, onnx.matMul(graph, error, weight), rowWeight));
    const dWeight = onnx.matMul(graph, error, onnx.multiply(graph, h, rowWeight), { transposeA: true });
    weightGradient = weightGradient === undefined ? dWeight : onnx.add(graph, weightGradient, dWeight);
  }
  const loss = losses.reduce((sum, part) => onnx.add(graph, sum, part));
  if (withGradient) {
    const dHidden = onnx.concatenate(graph, hiddenGradients, 0);
    graph.record({
      operator: "linearCrossEntropy",
      inputs: [hidden, weight],
      outputs: [loss],
      backward: ([incoming]) => {
        // The gradients above are those of the loss itself, so nothing may stand between it and `gradients`.
        assert(incoming === graph.scalar(1), "linearCrossEntropy must be the last operator before gradients");
        return [dHidden, weightGradient];
      },
    });
  }
  return {
    loss,
    negativeLogLikelihood: onnx.reshape(graph, onnx.concatenate(graph, likelihoods, 0), [rows]),
  };
}
