/**
 * @file Byte-pair encoding without merging: take the longest token that fits behind the one before, and step back
 * where none does. Two neighbours fit when merging their bytes would give just these two; a row of tokens whose
 * neighbours fit is what merging gives (van Antwerpen and Neubeck, "So many tokens, so little time", 2024, and the
 * `bpe` crate of github/rust-gems). It costs a few look-ups per token instead of several per byte.
 */
import { type MergeRules, NO_RULE, RuleTable } from "./rule-table.ts";
import { type SpeltToken, TokenTrie } from "./token-trie.ts";

const NONE = -1;
/** Working memory for longer pieces is given back after each. */
const LONGEST_KEPT = 1 << 16;

/** Words per token in `Derivations`. */
const STRIDE = 4;
const UNREACHABLE = -2;
const BYTE = -1;

/**
 * How merging makes each token out of its own bytes: the rank of the rule that makes it in the end (−1 for bytes, −2
 * when merging never makes it) and the two tokens that the rule joins, side by side in memory.
 */
type Derivations = Int32Array;

/** Whether merging the bytes of two tokens gives these two tokens. `rules` holds the rules that may be used. */
function fits(derivations: Derivations, rules: RuleTable, first: number, second: number): boolean {
  // From the last merge back to the first: would one across the border have come before it?
  let limit = NO_RULE;
  for (;;) {
    if (rules.rank(first, second) < limit) return false;
    const firstRank = derivations[STRIDE * first]!;
    const secondRank = derivations[STRIDE * second]!;
    if (firstRank > secondRank) {
      limit = firstRank;
      first = derivations[STRIDE * first + 2]!;
    } else {
      if (secondRank === BYTE) return true;
      // Of two merges by the same rule the left one comes first.
      limit = secondRank + 1;
      second = derivations[STRIDE * second + 1]!;
    }
  }
}

/** `undefined` when a rule's tokens can come into being after the rule's turn: then time is not the order of rank. */
function derive(tokenOfByte: Int32Array, rules: MergeRules, all: RuleTable): Derivations | undefined {
  const ids = [tokenOfByte, rules.left, rules.right, rules.joined].map((tokens) =>
    tokens.reduce((most, id) => Math.max(most, id), 0),
  );
  const derivations = new Int32Array(STRIDE * (Math.max(...ids) + 1));
  const rankOf = (token: number): number => derivations[STRIDE * token]!;
  for (let at = 0; at < derivations.length; at += STRIDE) derivations[at] = UNREACHABLE;
  for (const token of tokenOfByte) derivations[STRIDE * token] = BYTE;
  const earlier = new RuleTable(rules.left.length);
  for (let i = 0; i < rules.left.length; i++) {
    const left = rules.left[i]!;
    const right = rules.right[i]!;
    const joined = rules.joined[i]!;
    if (all.rank(left, right) !== i) continue;
    const bothReachable = rankOf(left) !== UNREACHABLE && rankOf(right) !== UNREACHABLE;
    if (bothReachable && fits(derivations, earlier, left, right)) {
      if (rankOf(joined) !== UNREACHABLE) return undefined;
      derivations.set([i, left, right], STRIDE * joined);
    }
    earlier.set(left, right, i);
  }
  for (let i = 0; i < rules.left.length; i++) {
    if (all.rank(rules.left[i]!, rules.right[i]!) !== i) continue;
    if (Math.max(rankOf(rules.left[i]!), rankOf(rules.right[i]!)) > i) return undefined;
  }
  return derivations;
}

/** What the reachable tokens that are not bytes spell. */
function spelt(tokenOfByte: Int32Array, derivations: Derivations): SpeltToken[] {
  const bytesOf: Uint8Array[] = [];
  for (const [byte, token] of tokenOfByte.entries()) bytesOf[token] = Uint8Array.of(byte);
  const tokens: number[] = [];
  for (let at = 0; at < derivations.length; at += STRIDE) if (derivations[at]! >= 0) tokens.push(at / STRIDE);
  tokens.sort((a, b) => derivations[STRIDE * a]! - derivations[STRIDE * b]!);
  return tokens.map((id) => {
    const a = bytesOf[derivations[STRIDE * id + 1]!]!;
    const b = bytesOf[derivations[STRIDE * id + 2]!]!;
    const bytes = new Uint8Array(a.length + b.length);
    bytes.set(a);
    bytes.set(b, a.length);
    bytesOf[id] = bytes;
    return { id, bytes };
  });
}

/** Encodes the bytes of one piece after the other; keeps its working memory between calls. */
export class FittingEncoder {
  /** The result of the latest `merge`, from the start; what is behind it means nothing. */
  tokens = new Int32Array(256);
  readonly #derivations: Derivations;
  readonly #rules: RuleTable;
  readonly #trie: TokenTrie;
  /** Byte positions from which no row of tokens reaches the end. */
  #dead = new Uint8Array(256);

  private constructor(derivations: Derivations, rules: RuleTable, trie: TokenTrie) {
    this.#derivations = derivations;
    this.#rules = rules;
    this.#trie = trie;
  }

  /** `undefined` for rules that do not allow this way of encoding; no trained tokenizer has such rules. */
  static of(tokenOfByte: Int32Array, rules: MergeRules): FittingEncoder | undefined {
    const table = RuleTable.of(rules);
    const derivations = derive(tokenOfByte, rules, table);
    if (derivations === undefined) return undefined;
    const trie = new TokenTrie(tokenOfByte, spelt(tokenOfByte, derivations));
    return new FittingEncoder(derivations, table, trie);
  }

  /** Encodes `bytes[0 … length)` into `tokens` and returns how many tokens there are. */
  merge(bytes: Uint8Array, length: number): number {
    if (length > this.tokens.length) this.#resize(length);
    const { tokens } = this;
    const dead = this.#dead;
    const trie = this.#trie;
    dead.fill(0, 0, length + 1);
    let count = 0;
    let at = 0;
    let next = trie.longest(bytes, 0, length);
    while (at < length) {
      const token = this.#fitting(next, at, count === 0 ? NONE : tokens[count - 1]!);
      if (token === NONE) {
        // Every token can be taken back; the bytes alone would be a way to the end if nothing else were.
        dead[at] = 1;
        count -= 1;
        next = tokens[count]!;
        at -= trie.lengthOf(next);
      } else {
        tokens[count++] = token;
        at += trie.lengthOf(token);
        next = trie.longest(bytes, at, length);
      }
    }
    return count;
  }

  /** Gives back what a very long piece took; `tokens` is lost then. */
  release(): void {
    if (this.tokens.length > LONGEST_KEPT) this.#resize(256);
  }

  /** `token` or the longest of its beginnings that can stand at byte `at` behind `previous`, or −1. */
  #fitting(token: number, at: number, previous: number): number {
    const trie = this.#trie;
    while (token !== NONE) {
      const open = this.#dead[at + trie.lengthOf(token)] === 0;
      if (open && (previous === NONE || fits(this.#derivations, this.#rules, previous, token))) return token;
      token = trie.shorter(token);
    }
    return NONE;
  }

  #resize(length: number): void {
    this.tokens = new Int32Array(length);
    this.#dead = new Uint8Array(length + 1);
  }
}
