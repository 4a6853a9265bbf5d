/** @file How much one sequence of tokens repeats another (swiss-ai/apertus_memorization, `core/metrics.py`). */

/** Length of the longest sequence that both contain in this order, with gaps. */
export function longestCommonSubsequence(a: readonly number[], b: readonly number[]): number {
  let above = new Int32Array(b.length + 1);
  let row = new Int32Array(b.length + 1);
  for (const token of a) {
    for (let j = 0; j < b.length; j++) {
      row[j + 1] = token === b[j] ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!);
    }
    [above, row] = [row, above];
  }
  return above[b.length]!;
}

/** Length of the longest run that both contain, without gaps. */
export function longestCommonRun(a: readonly number[], b: readonly number[]): number {
  let above = new Int32Array(b.length + 1);
  let row = new Int32Array(b.length + 1);
  let longest = 0;
  for (const token of a) {
    for (let j = 0; j < b.length; j++) {
      row[j + 1] = token === b[j] ? above[j]! + 1 : 0;
      if (row[j + 1]! > longest) longest = row[j + 1]!;
    }
    [above, row] = [row, above];
  }
  return longest;
}

/** Rouge-L: the harmonic mean of the common subsequence's share of either sequence (Lin 2004); 0 if one is empty. */
export function rougeL(said: readonly number[], truth: readonly number[]): number {
  const common = longestCommonSubsequence(said, truth);
  return common === 0 ? 0 : (2 * common) / (said.length + truth.length);
}

/** Type–token ratio: distinct tokens over all; 0 of nothing. */
export function typeTokenRatio(tokens: readonly number[]): number {
  return tokens.length === 0 ? 0 : new Set(tokens).size / tokens.length;
}

/** Tokens that are the same before the first difference. */
export function commonBeginning(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1;
  return length;
}
