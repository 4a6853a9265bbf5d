/**
 * @file What keeps an answer inside a form: a constraint says which tokens may come next, and the sampler chooses among
 * them alone. Probabilities that are reported stay the model's own.
 */
import type { Grammar, GrammarState } from "./grammar.ts";
import { assert } from "../core/index.ts";

/** The state of one answer; every generation needs a fresh one. */
export interface TokenConstraint {
  /** The tokens that may come next if there are at most `limit` of them; undefined when there are more. */
  few(limit: number): readonly number[] | undefined;
  allows(id: number): boolean;
  /** `id`, which is allowed, has come. */
  accept(id: number): void;
  /** Nothing may follow: the answer is over. */
  readonly complete: boolean;
}

/** A vocabulary's tokens as bytes, in byte order, so that a grammar is walked once for all that begin alike. */
export class TokenTable {
  readonly #ids: Int32Array;
  readonly #bytes: readonly Uint8Array[];
  /** Bytes that a token shares with the one before it. */
  readonly #shared: Uint16Array;
  readonly #byId: readonly (Uint8Array | undefined)[];

  /** `tokenBytes` gives undefined for special tokens, which are no text. */
  constructor(vocabSize: number, tokenBytes: (id: number) => Uint8Array | undefined) {
    this.#byId = Array.from({ length: vocabSize }, (_, id) => tokenBytes(id));
    const text = this.#byId.flatMap((bytes, id) =>
      bytes !== undefined && bytes.length > 0 ? [{ id, bytes }] : [],
    );
    text.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    this.#ids = Int32Array.from(text, ({ id }) => id);
    this.#bytes = text.map(({ bytes }) => bytes);
    this.#shared = Uint16Array.from(text, ({ bytes }, i) =>
      i === 0 ? 0 : sharedLength(text[i - 1]!.bytes, bytes),
    );
  }

  /** The state after token `id`; undefined when the grammar does not allow it or it is no text. */
  step(grammar: Grammar, state: GrammarState, id: number): GrammarState | undefined {
    const bytes = this.#byId[id];
    if (bytes === undefined || bytes.length === 0) return undefined;
    let at: GrammarState | undefined = state;
    for (let i = 0; i < bytes.length && at !== undefined; i++) at = grammar.step(at, bytes[i]!);
    return at;
  }

  /** Tokens the grammar allows at `state`; undefined when there are more than `limit`. */
  few(grammar: Grammar, state: GrammarState, limit: number): number[] | undefined {
    const found: number[] = [];
    const states: GrammarState[] = [state];
    // Leading bytes that are known to be allowed, and how many of them the grammar refuses (0: none so far).
    let refusedAt = 0;
    for (let i = 0; i < this.#ids.length; i++) {
      const shared = this.#shared[i]!;
      if (refusedAt > 0 && shared >= refusedAt) continue;
      refusedAt = 0;
      const bytes = this.#bytes[i]!;
      let depth = Math.min(shared, states.length - 1);
      states.length = depth + 1;
      for (; depth < bytes.length; depth++) {
        const next = grammar.step(states[depth]!, bytes[depth]!);
        if (next === undefined) {
          refusedAt = depth + 1;
          break;
        }
        states.push(next);
      }
      if (refusedAt > 0) continue;
      if (found.length === limit) return undefined;
      found.push(this.#ids[i]!);
    }
    return found;
  }
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length, 0xffff);
  let length = 0;
  while (length < most && a[length] === b[length]) length += 1;
  return length;
}

/** Keeps an answer inside a grammar; `endIds` are the tokens that may end it where the grammar is satisfied. */
export class GrammarConstraint implements TokenConstraint {
  readonly #table: TokenTable;
  readonly #grammar: Grammar;
  readonly #endIds: readonly number[];
  #state: GrammarState;

  constructor(table: TokenTable, grammar: Grammar, endIds: readonly number[]) {
    this.#table = table;
    this.#grammar = grammar;
    this.#endIds = endIds;
    this.#state = grammar.start;
  }

  get complete(): boolean {
    return this.#state.canEnd && this.#state.places.length === 0;
  }

  few(limit: number): readonly number[] | undefined {
    const text = this.#table.few(this.#grammar, this.#state, limit);
    return text !== undefined && this.#state.canEnd ? [...text, ...this.#endIds] : text;
  }

  allows(id: number): boolean {
    if (this.#state.canEnd && this.#endIds.includes(id)) return true;
    return this.#table.step(this.#grammar, this.#state, id) !== undefined;
  }

  accept(id: number): void {
    const next = this.#table.step(this.#grammar, this.#state, id);
    assert(next !== undefined, "a token outside the grammar was accepted");
    this.#state = next;
  }
}
