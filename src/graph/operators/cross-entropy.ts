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
  for (let start = 0; start < rows; start += chunkRows) {
    const end = Math.min(rows, start + chunkRows);
    const count = end - start;
    const h = onnx.sliceRows(graph, hidden, start, end);
    const label = onnx.reshape(graph, onnx.sliceRows(graph, labels, start, end), [count, 1]);
    const rowWeight = onnx.reshape(graph, onnx.sliceRows(graph, rowWeights, start, end), [count, 1]);
    const logits = onnx.matMul(graph, h, weight, { transposeB: true });
    const probabilities = onnx.softmax(graph, logits);
    // log Σ exp(logits) = logit − log p for any token; the likeliest one is safe from underflow. This saves the
    // second exponential that LogSoftmax would cost.
    const largest = onnx.reduceMaxLast(graph, logits);
    const highest = onnx.reduceMaxLast(graph, probabilities);
    const logNormalizer = onnx.subtract(graph, largest, onnx.unary(graph, "Log", highest));
    const nll = onnx.subtract(graph, logNormalizer, onnx.gatherLast(graph, logits, label));
    likelihoods.push(nll);
    losses.push(onnx.sumAll(graph, onnx.multiply(graph, nll, rowWeight)));
    if (!withGradient) continue;
    // dLogits = diag(rowWeight)·E with E = softmax − onehot. The weights are put on the narrow matrices instead of on E.
    // −1 is computed from `highest` so that the softmax has been read before the scatter, which then works in place.
    const minusOne = onnx.subtract(graph, onnx.multiply(graph, highest, graph.scalar(0)), graph.scalar(1));
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
