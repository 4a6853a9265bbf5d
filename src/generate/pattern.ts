/**
 * @file The regular expressions of a schema's `pattern` as automata: ECMA-262 with the `u` flag, as JSON Schema asks, as far
 * as they are regular. A pattern need not cover the whole text unless its anchors say so.
 */
import { type Automaton, explore } from "./automaton.ts";
import {
  ANY,
  CLASS_ESCAPES,
  type CodePoints,
  complement,
  LINE_ENDS,
  unicodeProperty,
  unite,
} from "./code-points.ts";

/** Why a pattern cannot be followed: what it holds, in words. */
export class PatternRefused extends Error {}

type Part =
  | { readonly kind: "characters"; readonly set: CodePoints }
  | { readonly kind: "sequence"; readonly parts: readonly Part[] }
  | { readonly kind: "choice"; readonly options: readonly Part[] }
  | { readonly kind: "repeat"; readonly part: Part; readonly min: number; readonly max: number }
  | { readonly kind: "start" }
  | { readonly kind: "end" };

/** Nodes of a pattern once its counted parts are written out. */
const MAX_NODES = 20_000;
const MAX_DEPTH = 100;

/**
 * The texts in which `pattern` is found.
 *
 * @throws PatternRefused what it holds that is no regular expression, or not regular
 */
export function patternAutomaton(pattern: string): Automaton {
  const parser = new PatternParser(pattern);
  const part = parser.parse();
  const anything: Part = { kind: "repeat", part: { kind: "characters", set: ANY }, min: 0, max: Infinity };
  const nodes = new NodeTable();
  const accept = nodes.add();
  const start = nodes.compile({ kind: "sequence", parts: [anything, part, anything] }, accept);
  const automaton = explore(
    { node: start, first: true },
    ({ node, first }) => (first ? -1 : node),
    ({ node, first }) => {
      const edges = nodes
        .reach(node, { first, last: false })
        .flatMap((id) => nodes.edges(id))
        .flatMap(({ on, to }) => (on === undefined ? [] : [[on, { node: to, first: false }] as const]));
      return { accepts: nodes.reach(node, { first, last: true }).includes(accept), edges };
    },
  );
  if (automaton === undefined) throw new PatternRefused("too much: its automaton is too large");
  return automaton;
}

interface Edge {
  readonly to: number;
  /** Undefined: without reading anything. */
  readonly on?: CodePoints;
  /** Passed at the beginning or the end of the text only. */
  readonly at?: "start" | "end";
}

/** Thompson (1968): a part becomes nodes that lead to the node after it. */
class NodeTable {
  readonly #edges: Edge[][] = [];

  add(...edges: readonly Edge[]): number {
    if (this.#edges.length >= MAX_NODES)
      throw new PatternRefused(`too much: more than ${MAX_NODES} characters once its counts are written out`);
    return this.#edges.push([...edges]) - 1;
  }

  edges(node: number): readonly Edge[] {
    return this.#edges[node]!;
  }

  /** The node where `part` begins; after it comes `next`. */
  compile(part: Part, next: number): number {
    switch (part.kind) {
      case "characters":
        return this.add({ on: part.set, to: next });
      case "start":
      case "end":
        return this.add({ at: part.kind, to: next });
      case "sequence":
        return part.parts.reduceRight((after, one) => this.compile(one, after), next);
      case "choice":
        return this.add(...part.options.map((option) => ({ to: this.compile(option, next) })));
      case "repeat": {
        let after = next;
        if (part.max === Infinity) {
          after = this.add({ to: next });
          this.#edges[after]!.push({ to: this.compile(part.part, after) });
        } else {
          for (let i = part.min; i < part.max; i++)
            after = this.add({ to: next }, { to: this.compile(part.part, after) });
        }
        for (let i = 0; i < part.min; i++) after = this.compile(part.part, after);
        return after;
      }
    }
  }

  /** Where one stands at `from` without reading anything. */
  reach(from: number, place: { readonly first: boolean; readonly last: boolean }): number[] {
    const seen = new Set([from]);
    for (const node of seen) {
      for (const { on, at, to } of this.#edges[node]!) {
        const closed = on !== undefined || (at === "start" && !place.first) || (at === "end" && !place.last);
        if (!closed) seen.add(to);
      }
    }
    return [...seen];
  }
}

/** Reads a pattern that the JavaScript engine has found to be one. */
class PatternParser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#source = plainEscapes(pattern);
    try {
      new RegExp(this.#source, "u");
    } catch (error) {
      const why = error instanceof Error ? error.message.split(": ").at(-1) : "";
      throw new PatternRefused(`no regular expression (${why})`);
    }
  }

  parse(): Part {
    return this.#choice();
  }

  #choice(): Part {
    if (++this.#depth > MAX_DEPTH) throw new PatternRefused(`groups more than ${MAX_DEPTH} deep`);
    const options: Part[] = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    this.#depth -= 1;
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #sequence(): Part {
    const parts: Part[] = [];
    while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at]!))
      parts.push(this.#quantified(this.#atom()));
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  #quantified(part: Part): Part {
    const found = this.#match(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y);
    if (found === null) return part;
    const [, sign, least, comma, most] = found;
    const min = sign === undefined ? Number(least) : sign === "+" ? 1 : 0;
    const counted = comma === undefined ? min : most === "" ? Infinity : Number(most);
    const max = sign === undefined ? counted : sign === "?" ? 1 : Infinity;
    if (min > MAX_NODES || (max !== Infinity && max > MAX_NODES))
      throw new PatternRefused(`a count above ${MAX_NODES}`);
    return { kind: "repeat", part, min, max };
  }

  #atom(): Part {
    const character = this.#next();
    switch (character) {
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case ".":
        return { kind: "characters", set: complement(LINE_ENDS) };
      case "(":
        return this.#group();
      case "[":
        return { kind: "characters", set: this.#class() };
      case "\\":
        return { kind: "characters", set: this.#escape() };
      default:
        return { kind: "characters", set: single(character) };
    }
  }

  #group(): Part {
    const plain = this.#match(/\?(?::|<(?![=!])[^>]*>)/y) !== null;
    if (!plain && this.#source[this.#at] === "?") {
      const sign = this.#match(/\?(?:<?[=!]|[^:]*:)/y)?.[0] ?? "?";
      const kind = /[=!]/.test(sign) ? (sign.includes("<") ? "a look-behind" : "a look-ahead") : "modifiers";
      throw new PatternRefused(`${kind} '(${sign}'`);
    }
    const inside = this.#choice();
    this.#take(")");
    return inside;
  }

  #class(): CodePoints {
    const negated = this.#take("^");
    const sets: CodePoints[] = [];
    while (!this.#take("]")) {
      const from = this.#classMember();
      if (this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]") {
        this.#at += 1;
        // A class such as \d is no end of a range; the engine has refused it.
        sets.push([from[0]!, this.#classMember()[0]!]);
      } else sets.push(from);
    }
    return negated ? complement(unite(...sets)) : unite(...sets);
  }

  #classMember(): CodePoints {
    const character = this.#next();
    if (character !== "\\") return single(character);
    if (this.#take("b")) return single("\b");
    return this.#escape();
  }

  #escape(): CodePoints {
    const character = this.#next();
    const known = CLASS_ESCAPES[character.toLowerCase()];
    if (known !== undefined) return character === character.toLowerCase() ? known : complement(known);
    switch (character) {
      case "n":
        return single("\n");
      case "r":
        return single("\r");
      case "t":
        return single("\t");
      case "f":
        return single("\f");
      case "v":
        return single("\v");
      case "0":
        return single("\0");
      case "c":
        return single(String.fromCharCode(this.#next().charCodeAt(0) % 32));
      case "x":
        return this.#hex(/[0-9a-f]{2}/iy);
      case "u":
        return this.#unicode();
      case "p":
      case "P": {
        const set = unicodeProperty(this.#match(/\{([^}]*)\}/y)![1]!);
        return character === "p" ? set : complement(set);
      }
      case "b":
      case "B":
        throw new PatternRefused(`a word boundary '\\${character}'`);
      case "k":
        throw new PatternRefused("a back-reference '\\k'");
      default:
        if (/\d/.test(character)) throw new PatternRefused(`a back-reference '\\${character}'`);
        return single(character);
    }
  }

  #hex(form: RegExp): CodePoints {
    const digits = this.#match(form)![0];
    const code = Number.parseInt(digits.replace(/[{}]/g, ""), 16);
    return [code, code];
  }

  #unicode(): CodePoints {
    const first = this.#hex(/\{[0-9a-f]+\}|[0-9a-f]{4}/iy);
    if (first[0]! < 0xd800 || first[0]! > 0xdbff) return first;
    const rest = this.#match(/\\u(d[c-f][0-9a-f]{2})/iy);
    if (rest === null) return first;
    const code = 0x10000 + (first[0]! - 0xd800) * 0x400 + Number.parseInt(rest[1]!, 16) - 0xdc00;
    return [code, code];
  }

  /** What stands here in `form`, which is sticky; it is read. */
  #match(form: RegExp): RegExpExecArray | null {
    form.lastIndex = this.#at;
    const found = form.exec(this.#source);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  /** One code point. */
  #next(): string {
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at)!);
    this.#at += character.length;
    return character;
  }

  #take(sign: string): boolean {
    if (this.#source[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }
}

function single(character: string): CodePoints {
  const code = character.codePointAt(0)!;
  return [code, code];
}

/** Schemas are full of backslashes before characters that need none, such as `\-` and `\@`; the `u` flag forbids these. */
function plainEscapes(pattern: string): string {
  return pattern.replace(/\\([\s\S])/g, (whole, character: string) =>
    /[A-Za-z0-9^$\\.*+?()[\]{}|/]/.test(character) || character.charCodeAt(0) > 0x7e
      ? whole
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
