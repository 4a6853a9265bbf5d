/**
 * @file Finite automata over code points: what patterns, lengths and ranges of numbers have in common. They may be in several
 * states at once (the grammar that is made of them follows all), so that none of them has to be made deterministic.
 */
import { type CodePoints, holds, intersect } from "./code-points.ts";

export interface AutomatonState {
  /** The text may end here. */
  readonly accepts: boolean;
  readonly edges: readonly { readonly on: CodePoints; readonly to: number }[];
}

/** State 0 is the start. */
export type Automaton = readonly AutomatonState[];

/** More is more than an answer is worth: a grammar is made for every request. */
const MAX_STATES = 20_000;
const MAX_EDGES = 50_000;
/** Pairs of edges of two automata that are looked at. */
const MAX_PAIRS = 500_000;

/** What a state of an automaton is, and where it leads, before it has a number. */
export interface Look<State> {
  readonly accepts: boolean;
  readonly edges: readonly (readonly [on: CodePoints, to: State])[];
}

/**
 * Numbers the states that can be reached from `start`; undefined when there are too many or one of them is too much to look
 * at. `name` tells states apart.
 */
export function explore<State>(
  start: State,
  name: (state: State) => string | number,
  look: (state: State) => Look<State> | undefined,
  maxStates = MAX_STATES,
): Automaton | undefined {
  const numbers = new Map([[name(start), 0]]);
  const waiting = [start];
  const states: AutomatonState[] = [];
  let edgeCount = 0;
  for (let state = waiting[0]; state !== undefined; state = waiting[states.length]) {
    const seen = look(state);
    if (seen === undefined) return undefined;
    const { accepts, edges } = seen;
    const numbered = edges.map(([on, to]) => {
      const key = name(to);
      let number = numbers.get(key);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(key, number);
        waiting.push(to);
      }
      return { on, to: number };
    });
    states.push({ accepts, edges: numbered });
    edgeCount += numbered.length;
    if (numbers.size > maxStates || edgeCount > MAX_EDGES) return undefined;
  }
  return states;
}

/** Texts that both accept. */
export function both(a: Automaton, b: Automaton): Automaton | undefined {
  const common = new Map<CodePoints, Map<CodePoints, CodePoints>>();
  const meet = (one: CodePoints, other: CodePoints): CodePoints => {
    const known = common.get(one) ?? new Map<CodePoints, CodePoints>();
    common.set(one, known);
    const met = known.get(other) ?? intersect(one, other);
    known.set(other, met);
    return met;
  };
  let pairs = 0;
  return explore(
    [0, 0] as readonly [number, number],
    ([i, j]) => i * b.length + j,
    ([i, j]) => {
      pairs += a[i]!.edges.length * b[j]!.edges.length;
      if (pairs > MAX_PAIRS) return undefined;
      return {
        accepts: a[i]!.accepts && b[j]!.accepts,
        edges: a[i]!.edges.flatMap((one) =>
          b[j]!.edges.flatMap((other) => {
            const on = meet(one.on, other.on);
            return on.length === 0 ? [] : [[on, [one.to, other.to]] as const];
          }),
        ),
      };
    },
  );
}

/** Texts of `automaton` with at least `min` and at most `max` code points. */
export function ofLength(automaton: Automaton, min: number, max: number): Automaton | undefined {
  const counted = Number.isFinite(max) ? max : min;
  return explore(
    [0, 0] as readonly [number, number],
    ([state, length]) => state * (counted + 1) + length,
    ([state, length]) => ({
      accepts: automaton[state]!.accepts && length >= min,
      edges:
        length >= max
          ? []
          : automaton[state]!.edges.map(({ on, to }) => [on, [to, Math.min(length + 1, counted)]] as const),
    }),
  );
}

export function accepts(automaton: Automaton, text: string): boolean {
  let states = new Set([0]);
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    const next = new Set<number>();
    for (const state of states)
      for (const { on, to } of automaton[state]!.edges) if (holds(on, codePoint)) next.add(to);
    states = next;
  }
  return [...states].some((state) => automaton[state]!.accepts);
}
