/**
 * @file Grammars over bytes: which byte may come next. A grammar is a set of rules without left recursion; the set of
 * places where a text may stand in it is a state, states are shared, and each remembers where each byte led. After a few
 * tokens of an answer a look at a byte is therefore one look into a table, whatever the grammar.
 */
import { assert, FirnError, groupBy } from "../core/index.ts";
import type { Automaton } from "./automaton.ts";
import { type CodePoints, unite } from "./code-points.ts";

/** What a rule's alternative is made of: a set of bytes, or another rule by its number. */
export type GrammarElement = { readonly bytes: Uint8Array } | { readonly rule: number };
type Alternative = readonly GrammarElement[];

/** A place in an alternative, and where to go on after its end. */
interface Place {
  readonly id: number;
  readonly alternative: Alternative;
  readonly position: number;
  readonly after: Place | undefined;
}

/** All places where a text may stand. */
export interface GrammarState {
  /** Each place here stands before a set of bytes. */
  readonly places: readonly Place[];
  /** The text may end here. */
  readonly canEnd: boolean;
  readonly next: Map<number, GrammarState | undefined>;
}

/**
 * Rules, alternatives and their elements that a grammar may have: some 100 MB, made in a second or two while others wait. A
 * schema that describes an answer of a page takes a thousandth of it.
 */
const MAX_SIZE = 500_000;

/** Collects rules; rule 0 is the whole text. */
export class GrammarBuilder {
  readonly #rules: Alternative[][] = [[]];
  /** Of an element, rules for at most 0, 1, 2 … of it: every repetition of the same element ends in the same rules. */
  readonly #atMost = new Map<GrammarElement, GrammarElement[]>();
  #size = 0;

  /** Rules, alternatives and their elements so far: what the grammar takes in memory. */
  get size(): number {
    return this.#size;
  }

  /** A new rule without alternatives, to be defined once its number is known to others. */
  declare(): number {
    this.#grow(1);
    return this.#rules.push([]) - 1;
  }

  define(rule: number, alternatives: readonly Alternative[]): void {
    this.#grow(alternatives.reduce((sum, { length }) => sum + 1 + length, 0));
    this.#rules[rule] = [...alternatives];
  }

  #grow(by: number): void {
    this.#size += by;
    if (this.#size <= MAX_SIZE) return;
    throw new FirnError("GENERATE_SCHEMA", {
      expected: `a form whose grammar has at most ${MAX_SIZE} parts`,
      got: "more",
      next: "Ask for a smaller form: shorter lists, lower counts, simpler patterns.",
    });
  }

  rule(...alternatives: readonly Alternative[]): GrammarElement {
    const rule = this.declare();
    this.define(rule, alternatives);
    return { rule };
  }

  /** `element` at least `min` and at most `max` times, which is no less. */
  repeat(element: GrammarElement, min: number, max: number): GrammarElement {
    const required = Array.from({ length: min }, () => element);
    if (max === Number.POSITIVE_INFINITY) {
      const rest = this.declare();
      this.define(rest, [[], [element, { rule: rest }]]);
      return this.rule([...required, { rule: rest }]);
    }
    const atMost = this.#atMost.get(element) ?? [this.rule([])];
    this.#atMost.set(element, atMost);
    while (atMost.length <= max - min) atMost.push(this.rule([], [element, atMost.at(-1)!]));
    return this.rule([...required, atMost[max - min]!]);
  }

  /** The texts of `automaton`, each of whose code points is written as `write` says. */
  regular(automaton: Automaton, write: (on: CodePoints) => GrammarElement): GrammarElement {
    const rules = automaton.map(() => this.declare());
    automaton.forEach(({ accepts, edges }, i) => {
      const onwards = groupBy(edges, ({ to }) => String(to));
      this.define(rules[i]!, [
        ...(accepts ? [[]] : []),
        ...[...onwards.values()].map((group) => [
          write(group.length === 1 ? group[0]!.on : unite(...group.map(({ on }) => on))),
          { rule: rules[group[0]!.to]! },
        ]),
      ]);
    });
    return { rule: rules[0]! };
  }

  /** Whether some text is of the form of `element`. */
  possible(element: GrammarElement): boolean {
    return "bytes" in element
      ? element.bytes.includes(1)
      : this.#possibleRules(element.rule).has(element.rule);
  }

  /** The grammar whose texts are `root`'s; what no text can complete is left out, so that no text comes to a dead end. */
  build(root: GrammarElement): Grammar {
    this.define(0, [[root]]);
    const rules = this.#possibleRules(0);
    const can = (element: GrammarElement): boolean =>
      "bytes" in element ? element.bytes.includes(1) : rules.has(element.rule);
    return new Grammar(this.#rules.map((alternatives) => alternatives.filter((one) => one.every(can))));
  }

  /** Of the rules that `from` leads to, those that some finite text completes: all rules of some alternative are such. */
  #possibleRules(from: number): ReadonlySet<number> {
    const possible = new Set<number>();
    /** Rule → the alternatives that wait for it, with the number of rules each still waits for. */
    const waiting = new Map<number, { readonly rule: number; missing: number }[]>([[from, []]]);
    const found: number[] = [];
    const add = (rule: number): void => {
      if (possible.has(rule)) return;
      possible.add(rule);
      found.push(rule);
    };
    // The map grows while it is gone through: what an alternative waits for is looked at later.
    for (const rule of waiting.keys()) {
      for (const alternative of this.#rules[rule]!) {
        if (alternative.some((one) => "bytes" in one && !one.bytes.includes(1))) continue;
        const needed = alternative.flatMap((one) => ("rule" in one ? [one.rule] : []));
        const waiter = { rule, missing: needed.length };
        for (const one of needed) {
          const waiters = waiting.get(one);
          if (waiters === undefined) waiting.set(one, [waiter]);
          else waiters.push(waiter);
        }
        if (needed.length === 0) add(rule);
      }
    }
    for (let rule = found.pop(); rule !== undefined; rule = found.pop())
      for (const waiter of waiting.get(rule) ?? []) if (--waiter.missing === 0) add(waiter.rule);
    return possible;
  }
}

/** Any byte from one to another, both included; several ranges one after the other. */
export function byteRange(...bounds: readonly number[]): GrammarElement {
  const bytes = new Uint8Array(256);
  for (let i = 0; i < bounds.length; i += 2) bytes.fill(1, bounds[i], bounds[i + 1]! + 1);
  return { bytes };
}

/** A text of a megabyte is a megabyte of elements, so that they are made once. */
const SINGLE_BYTES = Array.from({ length: 256 }, (_, byte) => byteRange(byte, byte));

/** `text` as it stands. */
export function literal(text: string): GrammarElement[] {
  return Array.from(new TextEncoder().encode(text), (byte) => SINGLE_BYTES[byte]!);
}

export class Grammar {
  readonly start: GrammarState;
  readonly #rules: readonly (readonly Alternative[])[];
  readonly #alternativeIds = new Map<Alternative, number>();
  readonly #places = new Map<string, Place>();
  readonly #states = new Map<string, GrammarState>();

  constructor(rules: readonly (readonly Alternative[])[]) {
    this.#rules = rules;
    for (const alternatives of rules)
      for (const alternative of alternatives)
        this.#alternativeIds.set(alternative, this.#alternativeIds.size);
    this.start = this.#stateOf(rules[0]!.map((alternative) => this.#place(alternative, 0, undefined)));
  }

  /** Where `byte` leads from `state`; undefined when it may not come there. */
  step(state: GrammarState, byte: number): GrammarState | undefined {
    if (state.next.has(byte)) return state.next.get(byte);
    const moved: (Place | undefined)[] = [];
    for (const place of state.places) {
      const element = place.alternative[place.position]!;
      assert("bytes" in element, "a grammar state stands before bytes");
      if (element.bytes[byte] === 1)
        moved.push(this.#place(place.alternative, place.position + 1, place.after));
    }
    const next = moved.length === 0 ? undefined : this.#stateOf(moved);
    state.next.set(byte, next);
    return next;
  }

  /** A place; at the end of its alternative it is the place after it (undefined: the end of the text). */
  #place(alternative: Alternative, position: number, after: Place | undefined): Place | undefined {
    if (position === alternative.length) return after;
    const key = `${this.#alternativeIds.get(alternative)!}.${position}.${after?.id ?? -1}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { id: this.#places.size, alternative, position, after };
      this.#places.set(key, place);
    }
    return place;
  }

  #stateOf(from: readonly (Place | undefined)[]): GrammarState {
    const seen = new Set<Place | undefined>();
    const waiting = [...from];
    while (waiting.length > 0) {
      const place = waiting.pop();
      if (seen.has(place)) continue;
      seen.add(place);
      const element = place?.alternative[place.position];
      if (place === undefined || element === undefined || "bytes" in element) continue;
      const after = this.#place(place.alternative, place.position + 1, place.after);
      for (const alternative of this.#rules[element.rule]!) waiting.push(this.#place(alternative, 0, after));
    }
    const places = [...seen].filter((place): place is Place => {
      return place !== undefined && "bytes" in place.alternative[place.position]!;
    });
    places.sort((a, b) => a.id - b.id);
    const canEnd = seen.has(undefined);
    const key = `${canEnd ? "e" : ""}${places.map(({ id }) => id).join()}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      state = { places, canEnd, next: new Map() };
      this.#states.set(key, state);
    }
    return state;
  }
}
