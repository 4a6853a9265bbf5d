/**
 * @file Ranges of numbers, as the decimal texts that lie in them: digits are compared with the bounds' from the left, so that
 * no number is ever rounded on its way.
 */
import { assert } from "../core/index.ts";
import { type Automaton, explore, type Look } from "./automaton.ts";
import type { CodePoints } from "./code-points.ts";

export interface NumberRange {
  /** Undefined: there is no such bound. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** The bound itself is out. */
  readonly openMin?: boolean;
  readonly openMax?: boolean;
}

/**
 * Digits of a number with a fraction. Two different decimal numbers of at most 15 digits are two different doubles (IEEE
 * 754 binary64), so that a text beyond an exclusive bound is not read as the bound itself.
 */
const DECIMAL_DIGITS = 15;
/** A divisor without factors 2 and 5 has a state for each digit and remainder. */
const MAX_STATES = 4000;
const MINUS: CodePoints = [0x2d, 0x2d];
const POINT: CodePoints = [0x2e, 0x2e];

/** Whole numbers from `min` to `max`, both safe integers, that are multiples of `divisor`; undefined: too many states. */
export function integerAutomaton(min: number, max: number, divisor = 1): Automaton | undefined {
  assert(Number.isSafeInteger(min) && Number.isSafeInteger(max), "bounds of integers are safe integers");
  const positive = max < 0 ? undefined : magnitudes(Math.max(0, min), max);
  const negative = min >= 0 ? undefined : magnitudes(Math.max(1, -max), -min);
  return decimals({ positive, negative, integerDigits: 16, digits: 16, fractions: false, divisor });
}

/** Numbers in decimal notation with at most 15 digits; undefined: too many states. */
export function decimalAutomaton({ min, max, openMin, openMax }: NumberRange): Automaton | undefined {
  const low = min ?? -Infinity;
  const high = max ?? Infinity;
  const positive: Magnitudes | undefined =
    high < 0
      ? undefined
      : {
          low: digitsOf(Math.max(0, low)),
          lowOpen: low >= 0 && openMin === true,
          high: bounded(high),
          highOpen: openMax === true,
        };
  const negative: Magnitudes | undefined =
    low >= 0
      ? undefined
      : {
          low: digitsOf(Math.max(0, -high)),
          // There is one zero, and it is written without a sign.
          lowOpen: high >= 0 || openMax === true,
          high: bounded(-low),
          highOpen: openMin === true,
        };
  const digits = DECIMAL_DIGITS;
  return decimals({ positive, negative, integerDigits: digits, digits, fractions: true, divisor: 1 });
}

/** The digits of a number that is not negative, before and after its point. */
interface Digits {
  readonly whole: string;
  readonly fraction: string;
}

interface Magnitudes {
  readonly low: Digits;
  readonly lowOpen: boolean;
  readonly high: Digits | undefined;
  readonly highOpen: boolean;
}

interface Form {
  readonly positive: Magnitudes | undefined;
  readonly negative: Magnitudes | undefined;
  /** Most digits before the point, and in all. */
  readonly integerDigits: number;
  readonly digits: number;
  readonly fractions: boolean;
  readonly divisor: number;
}

function magnitudes(low: number, high: number): Magnitudes {
  return { low: digitsOf(low), lowOpen: false, high: digitsOf(high), highOpen: false };
}

/** A bound that no number of 15 digits can pass is none. */
function bounded(bound: number): Digits | undefined {
  return bound >= 10 ** DECIMAL_DIGITS ? undefined : digitsOf(bound);
}

/** The shortest digits that are read as `value` (ECMA-262, Number::toString), without an exponent. */
function digitsOf(value: number): Digits {
  const [mantissa, exponent = "0"] = String(value).split("e");
  const [whole, fraction = ""] = mantissa!.split(".");
  const shift = Number(exponent);
  const padded = `${"0".repeat(Math.max(0, -shift))}${whole}${fraction}${"0".repeat(Math.max(0, shift))}`;
  const point = whole!.length + Math.max(0, -shift) + shift;
  return { whole: padded.slice(0, point).replace(/^0+(?=\d)/, "") || "0", fraction: padded.slice(point) };
}

/** A place in a number. */
interface Place {
  readonly range: Magnitudes | undefined;
  /** Digits before the point. */
  readonly length: number;
  /** Digits that have been written. */
  readonly written: number;
  /** The point has been written, and no digit since. */
  readonly pointed: boolean;
  /** Everything so far is as in the bound. */
  readonly atLow: boolean;
  readonly atHigh: boolean;
  /** Of what is written, divided by what matters of the divisor. */
  readonly remainder: number;
}

function decimals(form: Form): Automaton | undefined {
  const { positive, negative, divisor } = form;
  type State = "start" | "minus" | Place;
  const name = (state: State): string => {
    if (typeof state === "string") return state;
    const { length, written, pointed, atLow, atHigh, remainder } = state;
    const left = length - written;
    const side = atLow || atHigh ? (state.range === negative ? "-" : "+") : "";
    const room = form.fractions ? length : "";
    // Without a bound to compare with, only what is left to write matters.
    const place = atLow || atHigh ? `${length}.${written}` : `${room}.${left}`;
    return `${side}${place}.${Number(pointed)}${Number(atLow)}${Number(atHigh)}.${remainder}`;
  };
  const look = (state: State): Look<State> => {
    if (state === "start") {
      const sign = negative === undefined ? [] : [[MINUS, "minus"] as const];
      return { accepts: false, edges: [...sign, ...begin(positive, form)] };
    }
    if (state === "minus") return { accepts: false, edges: begin(negative, form) };
    const { length, written, pointed } = state;
    if (written < length) return { accepts: false, edges: digits(state, divisor, 0) };
    const most = form.fractions ? form.digits - length : 0;
    const ends = !pointed && mayEnd(state) && state.remainder === 0;
    if (written === length && !pointed) {
      const point = most === 0 ? [] : [[POINT, { ...state, pointed: true }] as const];
      return { accepts: ends, edges: point };
    }
    return { accepts: ends, edges: written < length + most ? digits(state, divisor, 0) : [] };
  };
  return explore<State>("start", name, look, MAX_STATES);
}

/** The first digit of numbers of every length. */
function begin(range: Magnitudes | undefined, form: Form): (readonly [CodePoints, Place])[] {
  if (range === undefined) return [];
  const edges: (readonly [CodePoints, Place])[] = [];
  for (let length = 1; length <= form.integerDigits; length++) {
    if (length < range.low.whole.length || (range.high !== undefined && length > range.high.whole.length))
      continue;
    const atLow = length === range.low.whole.length;
    const atHigh = length === range.high?.whole.length;
    const place = { range, length, written: 0, pointed: false, atLow, atHigh, remainder: 0 };
    edges.push(...digits(place, form.divisor, length === 1 ? 0 : 1));
  }
  return edges;
}

function digitAt({ whole, fraction }: Digits, length: number, at: number): number {
  return Number((at < length ? whole[at] : fraction[at - length]) ?? 0);
}

/** The digits that may follow, from `smallest` on. */
function digits(place: Place, divisor: number, smallest: number): (readonly [CodePoints, Place])[] {
  const { range, length, written, atLow, atHigh, remainder } = place;
  const low = atLow ? digitAt(range!.low, length, written) : 0;
  const high = atHigh ? digitAt(range!.high!, length, written) : 9;
  const matters = divisor / commonDivisor(divisor, 10 ** Math.max(0, length - written - 1));
  const edges: (readonly [CodePoints, Place])[] = [];
  for (let digit = Math.max(low, smallest); digit <= high; digit++) {
    const to: Place = {
      ...place,
      written: written + 1,
      pointed: false,
      atLow: atLow && digit === low,
      atHigh: atHigh && digit === high,
      remainder: (10 * remainder + digit) % matters,
    };
    edges.push([[0x30 + digit, 0x30 + digit], to]);
  }
  return edges;
}

/** Whether the number may be over here, what is left of the bounds' digits being compared with nothing but zeros. */
function mayEnd({ range, length, written, atLow, atHigh }: Place): boolean {
  const restIsZero = ({ fraction }: Digits): boolean => /^0*$/.test(fraction.slice(written - length));
  if (atLow && (!restIsZero(range!.low) || range!.lowOpen)) return false;
  return !(atHigh && restIsZero(range!.high!) && range!.highOpen);
}

export function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
