/** @file Sets of characters as sorted ranges of code points: what pre-tokenisation rules are made of. */
import { type CharacterClass, classRuns } from "./unicode-classes.ts";

/** Ranges `[from, to)`, flat (from, to, from, to …), ascending, apart from each other. */
export type CharacterSet = readonly number[];

const LIMIT = 0x110000;

/** The characters for which `has` holds. */
function setWhere(has: (code: number) => boolean): CharacterSet {
  const ranges: number[] = [];
  let inside = false;
  for (let code = 0; code < LIMIT; code++) {
    if (has(code) === inside) continue;
    ranges.push(code);
    inside = !inside;
  }
  if (inside) ranges.push(LIMIT);
  return ranges;
}

/** The characters of some classes of our own table, the same on every machine. */
export function setOfClasses(classes: readonly CharacterClass[]): CharacterSet {
  const wanted = new Set<number>(classes);
  return union(classRuns().flatMap((run) => (wanted.has(run.class) ? [[run.start, run.end]] : [])));
}

/** The characters with a property that this JavaScript engine knows by `name`, or `undefined`. */
export function setOfProperty(name: string): CharacterSet | undefined {
  for (const spelling of [name, `Script=${name}`]) {
    let pattern: RegExp;
    try {
      pattern = new RegExp(`^\\p{${spelling}}$`, "u");
    } catch {
      continue;
    }
    return setWhere((code) => pattern.test(String.fromCodePoint(code)));
  }
  return undefined;
}

/** All characters from `first` to `last`. */
export function setOfRange(first: number, last: number): CharacterSet {
  return [first, last + 1];
}

/** The characters that are in any of `sets`. */
export function union(sets: readonly CharacterSet[]): CharacterSet {
  const starts: [number, number][] = [];
  for (const set of sets) for (let i = 0; i < set.length; i += 2) starts.push([set[i]!, set[i + 1]!]);
  starts.sort((a, b) => a[0] - b[0]);
  const ranges: number[] = [];
  for (const [from, to] of starts) {
    const end = ranges.at(-1);
    if (end !== undefined && from <= end) ranges[ranges.length - 1] = Math.max(end, to);
    else ranges.push(from, to);
  }
  return ranges;
}

/** The characters that are not in `set`. */
export function complement(set: CharacterSet): CharacterSet {
  const ranges = set[0] === 0 ? set.slice(1) : [0, ...set];
  return ranges.at(-1) === LIMIT ? ranges.slice(0, -1) : [...ranges, LIMIT];
}

/** Characters that no set tells apart have one number. */
export interface CharacterPartition {
  /** By code point. */
  readonly numberOf: Uint8Array;
  /** How many numbers there are. */
  readonly size: number;
  /** `members[number]`: whether each of the sets holds the characters of that number. */
  readonly members: readonly (readonly boolean[])[];
}

/** The coarsest partition that `sets` are made of, or `undefined` when it has more than `most` parts. */
export function partition(sets: readonly CharacterSet[], most: number): CharacterPartition | undefined {
  const toggles = new Map<number, number[]>([[0, []]]);
  for (const [index, set] of sets.entries()) {
    for (const code of set) {
      const at = toggles.get(code);
      if (at === undefined) toggles.set(code, [index]);
      else at.push(index);
    }
  }
  const codes = [...toggles.keys()].filter((code) => code < LIMIT).sort((a, b) => a - b);
  const inside = sets.map(() => false);
  const numbers = new Map<string, number>();
  const members: boolean[][] = [];
  const numberOf = new Uint8Array(LIMIT);
  for (const [i, code] of codes.entries()) {
    for (const index of toggles.get(code)!) inside[index] = !inside[index];
    const key = inside.map(Number).join("");
    let number = numbers.get(key);
    if (number === undefined) {
      number = members.length;
      if (number >= most) return undefined;
      numbers.set(key, number);
      members.push([...inside]);
    }
    numberOf.fill(number, code, codes[i + 1] ?? LIMIT);
  }
  return { numberOf, size: members.length, members };
}
