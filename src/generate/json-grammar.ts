/** @file JSON as a grammar (RFC 8259), and the pieces from which a schema's grammar is put together. */
import type { Automaton } from "./automaton.ts";
import { type CodePoints, complement, intersect } from "./code-points.ts";
import { byteRange, GrammarBuilder, type GrammarElement, literal } from "./grammar.ts";

/** Digits of a fraction or an exponent that an answer may have; a model in a loop would write them forever. */
const MAX_FRACTION_DIGITS = 16;
const MAX_INDENT = 20;
/** Characters that a string cannot hold as they are (RFC 8259, section 7). */
const ESCAPED: CodePoints = [0x00, 0x1f, 0x22, 0x22, 0x5c, 0x5c];
/** Code points by the bytes that follow the first one of their UTF-8; halves of surrogate pairs have none. */
const UTF8 = [
  { lead: 0x00, more: 0, range: [0x00, 0x7f] },
  { lead: 0xc0, more: 1, range: [0x80, 0x7ff] },
  { lead: 0xe0, more: 2, range: [0x800, 0xd7ff, 0xe000, 0xffff] },
  { lead: 0xf0, more: 3, range: [0x10000, 0x10ffff] },
] as const;

/** A builder that knows JSON. Strings are valid Unicode: broken UTF-8 and halves of surrogate pairs cannot be written. */
export class JsonGrammarBuilder extends GrammarBuilder {
  /** At most one space, or a new line with its indentation. */
  readonly space = this.rule([], literal(" "), [
    ...literal("\n"),
    this.repeat(byteRange(0x20, 0x20), 0, MAX_INDENT),
  ]);
  readonly digit = byteRange(0x30, 0x39);
  readonly nonZero = byteRange(0x31, 0x39);
  readonly hex = byteRange(0x30, 0x39, 0x41, 0x46, 0x61, 0x66);
  /** One character inside a string, written as itself or escaped. */
  readonly character = this.#character();
  readonly string = this.quoted([this.repeat(this.character, 0, Number.POSITIVE_INFINITY)]);
  readonly number = this.numberFrom(this.rule([], literal("-")));
  readonly boolean = this.rule(literal("true"), literal("false"));
  readonly null = this.rule(literal("null"));
  /** Any JSON value; its number is known before it is defined, since it holds itself. */
  readonly value: GrammarElement;
  readonly anyObject: GrammarElement;
  readonly anyArray: GrammarElement;
  readonly #characters = new Map<CodePoints | string, GrammarElement>();

  constructor() {
    super();
    const value = this.declare();
    this.value = { rule: value };
    this.anyObject = this.record(this.value);
    this.anyArray = this.list(this.value, 0, Number.POSITIVE_INFINITY);
    this.define(value, [
      [this.string],
      [this.number],
      [this.boolean],
      [this.null],
      [this.anyObject],
      [this.anyArray],
    ]);
  }

  quoted(content: readonly GrammarElement[]): GrammarElement {
    return this.rule([...literal('"'), ...content, ...literal('"')]);
  }

  numberFrom(sign: GrammarElement): GrammarElement {
    const digits = this.repeat(this.digit, 1, MAX_FRACTION_DIGITS);
    const whole = this.rule(literal("0"), [
      this.nonZero,
      this.repeat(this.digit, 0, MAX_FRACTION_DIGITS - 1),
    ]);
    const fraction = this.rule([], [...literal("."), digits]);
    const power = this.repeat(this.digit, 1, 2);
    const exponent = this.rule(
      [],
      [byteRange(0x45, 0x45, 0x65, 0x65), this.rule([], literal("+"), literal("-")), power],
    );
    return this.rule([sign, whole, fraction, exponent]);
  }

  /** An array of `item`. */
  list(item: GrammarElement, min: number, max: number): GrammarElement {
    const open = [...literal("["), this.space];
    if (max === 0) return this.rule([...open, ...literal("]")]);
    const following = this.rule([...literal(","), this.space, item]);
    const items = this.rule([item, this.repeat(following, Math.max(0, min - 1), max - 1), this.space]);
    return min > 0
      ? this.rule([...open, items, ...literal("]")])
      : this.rule([...open, this.rule([], [items]), ...literal("]")]);
  }

  /** An object with any names and values of one kind. */
  record(value: GrammarElement): GrammarElement {
    const member = this.rule([this.string, ...this.colon(), value]);
    const following = this.rule([...literal(","), this.space, member]);
    const members = this.rule([], [member, this.repeat(following, 0, Number.POSITIVE_INFINITY), this.space]);
    return this.rule([...literal("{"), this.space, members, ...literal("}")]);
  }

  /** An object with these names in this order; what is not required may be missing. */
  object(
    members: readonly { readonly name: string; readonly value: GrammarElement; readonly required: boolean }[],
  ): GrammarElement {
    // From the last member to the first: what may follow when something stands before, and when nothing does.
    let afterSome = this.rule([]);
    let afterNone = this.rule([]);
    for (const { name, value, required } of members.toReversed()) {
      const member = this.rule([...literal(JSON.stringify(name)), ...this.colon(), value]);
      const next = [...literal(","), this.space, member, afterSome];
      const first = [member, afterSome];
      const [someBefore, noneBefore] = required
        ? [this.rule(next), this.rule(first)]
        : [this.rule(next, [afterSome]), this.rule(first, [afterNone])];
      afterSome = someBefore;
      afterNone = noneBefore;
    }
    return this.rule([...literal("{"), this.space, afterNone, this.space, ...literal("}")]);
  }

  colon(): GrammarElement[] {
    return [...literal(":"), this.space];
  }

  /** A string's content that `automaton` accepts; each character is written as `JSON.stringify` does it. */
  text(automaton: Automaton): GrammarElement {
    return this.regular(automaton, (on) => this.#charactersIn(on));
  }

  /** What `automaton` accepts, digits and signs, as it stands. */
  digits(automaton: Automaton): GrammarElement {
    return this.regular(automaton, (on) => byteRange(...on));
  }

  #charactersIn(set: CodePoints): GrammarElement {
    // Most sets come many times as the same object, some as equal ones.
    const known = this.#characters.get(set) ?? this.#characters.get(set.join());
    if (known !== undefined) {
      this.#characters.set(set, known);
      return known;
    }
    const escaped = intersect(set, ESCAPED);
    const alternatives: GrammarElement[][] = [];
    for (let i = 0; i < escaped.length; i += 2)
      for (let code = escaped[i]!; code <= escaped[i + 1]!; code++)
        alternatives.push(literal(JSON.stringify(String.fromCharCode(code)).slice(1, -1)));
    const plain = intersect(set, complement(ESCAPED));
    for (const { lead, more, range } of UTF8)
      alternatives.push(...this.#bytesOf(intersect(plain, range), lead, more));
    const element = this.rule(...alternatives);
    this.#characters.set(set, element).set(set.join(), element);
    return element;
  }

  /** A byte from `lead` on and `more` bytes after it, which tell apart the numbers of `set`; bytes that go on alike are one. */
  #bytesOf(set: CodePoints, lead: number, more: number): GrammarElement[][] {
    if (set.length === 0) return [];
    const size = 64 ** more;
    const byTail = new Map<string, { readonly bytes: number[]; readonly tail: CodePoints }>();
    for (let block = Math.floor(set[0]! / size); block * size <= set.at(-1)!; block++) {
      const tail = intersect(set, [block * size, block * size + size - 1]).map((code) => code - block * size);
      if (tail.length === 0) continue;
      const group = byTail.get(tail.join()) ?? { bytes: [], tail };
      group.bytes.push(lead + block, lead + block);
      byTail.set(tail.join(), group);
    }
    return [...byTail.values()].map(({ bytes, tail }) => [
      byteRange(...bytes),
      ...(more === 0 ? [] : [this.rule(...this.#bytesOf(tail, 0x80, more - 1))]),
    ]);
  }

  #character(): GrammarElement {
    const more = byteRange(0x80, 0xbf);
    const hex = byteRange(0x30, 0x39, 0x41, 0x46, 0x61, 0x66);
    const lowHalf = [
      ...literal("\\u"),
      byteRange(0x44, 0x44, 0x64, 0x64),
      byteRange(0x43, 0x46, 0x63, 0x66),
      hex,
      hex,
    ];
    return this.rule(
      [byteRange(0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f)],
      // UTF-8: Unicode standard, table 3-7.
      [byteRange(0xc2, 0xdf), more],
      [byteRange(0xe0, 0xe0), byteRange(0xa0, 0xbf), more],
      [byteRange(0xe1, 0xec, 0xee, 0xef), more, more],
      [byteRange(0xed, 0xed), byteRange(0x80, 0x9f), more],
      [byteRange(0xf0, 0xf0), byteRange(0x90, 0xbf), more, more],
      [byteRange(0xf1, 0xf3), more, more, more],
      [byteRange(0xf4, 0xf4), byteRange(0x80, 0x8f), more, more],
      [...literal("\\"), this.rule(...Array.from('"\\/bfnrt', (escape) => literal(escape)))],
      [
        ...literal("\\u"),
        byteRange(0x30, 0x39, 0x41, 0x43, 0x45, 0x46, 0x61, 0x63, 0x65, 0x66),
        hex,
        hex,
        hex,
      ],
      [...literal("\\u"), byteRange(0x44, 0x44, 0x64, 0x64), byteRange(0x30, 0x37), hex, hex],
      [
        ...literal("\\u"),
        byteRange(0x44, 0x44, 0x64, 0x64),
        byteRange(0x38, 0x39, 0x41, 0x42, 0x61, 0x62),
        hex,
        hex,
        ...lowHalf,
      ],
    );
  }
}
