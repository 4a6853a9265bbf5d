/**
 * @file The matching blocks of two token sequences after Ratcliff & Obershelp (Dr. Dobb's Journal, July 1988), block for
 * block as Python's `difflib.SequenceMatcher` finds them without its `autojunk` rule: the longest common run, then the
 * same on its left and on its right.
 */

/** A sequence with the places of each of its tokens. */
export interface IndexedSequence {
  readonly tokens: Int32Array;
  readonly places: ReadonlyMap<number, readonly number[]>;
}

export function indexSequence(tokens: Int32Array): IndexedSequence {
  const places = new Map<number, number[]>();
  for (let i = 0; i < tokens.length; i++) {
    const list = places.get(tokens[i]!);
    if (list === undefined) places.set(tokens[i]!, [i]);
    else list.push(i);
  }
  return { tokens, places };
}

interface Block {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

/** The longest common run in a[aFrom, aTo) and b[bFrom, bTo); of several, the one that begins first in a, then in b. */
function longestBlock(
  a: Int32Array,
  b: IndexedSequence,
  [aFrom, aTo, bFrom, bTo]: readonly [number, number, number, number],
): Block {
  let best: Block = { a: aFrom, b: bFrom, size: 0 };
  // Length of the common run that ends at each place of b, for the last and for this token of a.
  let before = new Map<number, number>();
  for (let i = aFrom; i < aTo; i++) {
    const now = new Map<number, number>();
    for (const j of b.places.get(a[i]!) ?? []) {
      if (j < bFrom) continue;
      if (j >= bTo) break;
      const size = (before.get(j - 1) ?? 0) + 1;
      now.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    before = now;
  }
  return best;
}

/** How many tokens of `b` lie in matching blocks of at least `minBlock` tokens, and the longest block. */
export function matchedTokens(
  a: Int32Array,
  b: IndexedSequence,
  minBlock: number,
): { readonly matched: number; readonly longest: number } {
  const open: [number, number, number, number][] = [[0, a.length, 0, b.tokens.length]];
  let matched = 0;
  let longest = 0;
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const [aFrom, aTo, bFrom, bTo] = range;
    if (aTo - aFrom < minBlock || bTo - bFrom < minBlock) continue;
    const block = longestBlock(a, b, range);
    // What lies beside a short block is no longer than it, and would not count either.
    if (block.size < minBlock) continue;
    matched += block.size;
    longest = Math.max(longest, block.size);
    open.push([aFrom, block.a, bFrom, block.b], [block.a + block.size, aTo, block.b + block.size, bTo]);
  }
  return { matched, longest };
}
