/** @file Sets of Unicode code points as ranges, and what ECMAScript's class escapes stand for. */

/** From, to, from, to …: both included, ascending, without overlap. */
export type CodePoints = readonly number[];

const LAST = 0x10ffff;

/** `pairs` in any order, overlapping or not, as a set. */
export function unite(...sets: readonly CodePoints[]): CodePoints {
  const pairs: (readonly [number, number])[] = [];
  for (const set of sets) for (let i = 0; i < set.length; i += 2) pairs.push([set[i]!, set[i + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const united: number[] = [];
  for (const [from, to] of pairs) {
    const last = united.at(-1);
    if (last !== undefined && from <= last + 1) united[united.length - 1] = Math.max(last, to);
    else united.push(from, to);
  }
  return united;
}

export function complement(set: CodePoints): CodePoints {
  const rest: number[] = [];
  let from = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]! > from) rest.push(from, set[i]! - 1);
    from = set[i + 1]! + 1;
  }
  if (from <= LAST) rest.push(from, LAST);
  return rest;
}

export function intersect(a: CodePoints, b: CodePoints): CodePoints {
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const from = Math.max(a[i]!, b[j]!);
    const to = Math.min(a[i + 1]!, b[j + 1]!);
    if (from <= to) both.push(from, to);
    if (a[i + 1]! < b[j + 1]!) i += 2;
    else j += 2;
  }
  return both;
}

export function holds(set: CodePoints, codePoint: number): boolean {
  for (let i = 0; i < set.length; i += 2) if (codePoint >= set[i]! && codePoint <= set[i + 1]!) return true;
  return false;
}

export const ANY: CodePoints = [0, LAST];
/** What `.` leaves out (ECMA-262, LineTerminator). */
export const LINE_ENDS: CodePoints = [0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029];

/** ECMA-262, CharacterClassEscape. */
export const CLASS_ESCAPES: Readonly<Record<string, CodePoints>> = {
  d: [0x30, 0x39],
  w: [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a],
  s: unite(
    [0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a],
    [0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff],
  ),
};

/** Properties that were asked for; there are only so many names. */
const properties = new Map<string, CodePoints>();

/** The code points with the Unicode property that `\p{name}` names, by the tables of the JavaScript engine. */
export function unicodeProperty(name: string): CodePoints {
  const known = properties.get(name);
  if (known !== undefined) return known;
  const test = new RegExp(`^\\p{${name}}$`, "u");
  const set: number[] = [];
  for (let codePoint = 0; codePoint <= LAST; codePoint++) {
    if (!test.test(String.fromCodePoint(codePoint))) continue;
    if (set.at(-1) === codePoint - 1) set[set.length - 1] = codePoint;
    else set.push(codePoint, codePoint);
  }
  properties.set(name, set);
  return set;
}
