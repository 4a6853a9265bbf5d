/**
 * @file Pre-tokenisation rules as tokenizer files write them: regular expressions in Oniguruma's notation. The part
 * of it that real files use is parsed; anything else is refused.
 */
import { FirnError } from "../core/index.ts";
import {
  type CharacterSet,
  complement,
  setOfClasses,
  setOfProperty,
  setOfRange,
  union,
} from "./character-sets.ts";
import { CHARACTER_CLASS as is, type CharacterClass } from "./unicode-classes.ts";

/** A parsed rule. The earliest match wins; of those the one that a backtracking matcher finds first. */
export type PatternNode =
  | { readonly kind: "set"; readonly set: CharacterSet }
  /** Matches nothing, before a character that is (or, `negative`, is not or does not exist) in the set. */
  | { readonly kind: "ahead"; readonly set: CharacterSet; readonly negative: boolean }
  | { readonly kind: "sequence"; readonly items: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  /** As often as possible. */
  | { readonly kind: "repeat"; readonly item: PatternNode; readonly least: number; readonly most: number };

/** The properties whose characters come from our own table, so that every engine agrees on them. */
const PROPERTIES: Readonly<Record<string, readonly CharacterClass[]>> = {
  L: [is.uppercase, is.titlecase, is.modifierLetter, is.otherLetter, is.lowercase],
  Lu: [is.uppercase],
  Lt: [is.titlecase],
  Lm: [is.modifierLetter],
  Lo: [is.otherLetter],
  Ll: [is.lowercase],
  M: [is.mark],
  N: [is.number],
  White_Space: [is.space, is.newline],
};

/** Letters with a third form that Unicode's simple case folding counts as the same: long s and Kelvin sign. */
const FOLDED: Readonly<Record<string, string>> = { s: "sS\u017f", k: "kK\u212a" };
const CONTROLS: Readonly<Record<string, number>> = { r: 13, n: 10, t: 9, f: 12, v: 11 };
const LONGEST_PATTERN = 10_000;
const DEEPEST = 20;
const MOST_PROPERTIES = 32;

/** Says that a rule cannot be run with exactly its own meaning. */
export function refusePattern(pattern: string, at: number, what: string): never {
  throw new FirnError("TOKENIZER_PATTERN", {
    expected: "a pre-tokenisation rule that Firn can run exactly",
    got: `${what} at character ${at} of ${JSON.stringify(pattern.slice(0, 200))}`,
    where: "pre_tokenizer",
    next: "Load this tokenizer with the library it was made for, or report the file so that the rule can be added.",
  });
}

const setNode = (set: CharacterSet): PatternNode => ({ kind: "set", set });

/** Whether a node can match without taking a character. */
function isNullable(node: PatternNode): boolean {
  switch (node.kind) {
    case "set":
      return false;
    case "ahead":
      return true;
    case "sequence":
      return node.items.every(isNullable);
    case "choice":
      return node.options.some(isNullable);
    case "repeat":
      return node.least === 0 || isNullable(node.item);
  }
}

class Parser {
  readonly #pattern: string;
  readonly #properties = new Map<string, CharacterSet>();
  #at = 0;
  #ignoreCase = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parse(): PatternNode {
    const node = this.#alternatives(0);
    if (this.#at < this.#pattern.length) this.#fail("an unopened parenthesis");
    return node;
  }

  #fail(what: string): never {
    return refusePattern(this.#pattern, this.#at, what);
  }

  #take(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #takeCharacter(): string {
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
    this.#at += character.length;
    return character;
  }

  #alternatives(depth: number): PatternNode {
    if (depth > DEEPEST) this.#fail("deep nesting");
    const options: PatternNode[] = [];
    let items: PatternNode[] = [];
    for (;;) {
      const atEnd = this.#at >= this.#pattern.length || this.#pattern[this.#at] === ")";
      if (!atEnd && !this.#take("|")) {
        items.push(this.#quantified(this.#item(depth)));
        continue;
      }
      options.push(items.length === 1 ? items[0]! : { kind: "sequence", items });
      if (atEnd) return options.length === 1 ? options[0]! : { kind: "choice", options };
      items = [];
    }
  }

  #item(depth: number): PatternNode {
    if (this.#take("(?i:")) {
      this.#ignoreCase += 1;
      const inside = this.#group(depth);
      this.#ignoreCase -= 1;
      return inside;
    }
    if (this.#take("(?=")) return this.#ahead(depth, false);
    if (this.#take("(?!")) return this.#ahead(depth, true);
    if (this.#take("(?:")) return this.#group(depth);
    if (this.#pattern[this.#at] === "(" && this.#pattern[this.#at + 1] !== "?") {
      this.#at += 1;
      return this.#group(depth);
    }
    if (this.#take("[")) return setNode(this.#characterClass());
    if (this.#take("\\")) return setNode(this.#escape());
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
    if ("(^$.*+?{}]".includes(character)) this.#fail(`"${character}"`);
    this.#at += character.length;
    return setNode(this.#literal(character));
  }

  #group(depth: number): PatternNode {
    const inside = this.#alternatives(depth + 1);
    if (!this.#take(")")) this.#fail("an unclosed parenthesis");
    return inside;
  }

  #ahead(depth: number, negative: boolean): PatternNode {
    const inside = this.#group(depth);
    const options = inside.kind === "choice" ? inside.options : [inside];
    const sets = options.map((option) =>
      option.kind === "set" ? option.set : this.#fail("looking ahead further than one character"),
    );
    return { kind: "ahead", set: union(sets), negative };
  }

  #quantified(item: PatternNode): PatternNode {
    const match = /^(?:[*+?]|\{(\d{1,3})(?:(,)(\d{0,3}))?\})/.exec(
      this.#pattern.slice(this.#at, this.#at + 12),
    );
    if (match === null) return item;
    this.#at += match[0].length;
    if ("*+?{".includes(this.#pattern[this.#at] ?? "\u0000")) this.#fail("a lazy or possessive quantifier");
    let least = match[0] === "+" ? 1 : 0;
    let most = match[0] === "?" ? 1 : Number.POSITIVE_INFINITY;
    if (match[1] !== undefined) {
      least = Number(match[1]);
      if (match[2] === undefined) most = least;
      else if (match[3] !== "") most = Number(match[3]);
    }
    if (most < least) this.#fail("a quantifier whose bounds are the wrong way round");
    if (isNullable(item)) this.#fail("a repetition of nothing");
    return { kind: "repeat", item, least, most };
  }

  #characterClass(): CharacterSet {
    const negated = this.#take("^");
    const sets: CharacterSet[] = [];
    for (;;) {
      if (this.#at >= this.#pattern.length) this.#fail("an unclosed class");
      if (this.#take("]")) {
        if (sets.length === 0) this.#fail("an empty class");
        return negated ? complement(union(sets)) : union(sets);
      }
      if (this.#pattern.startsWith("&&", this.#at) || this.#pattern[this.#at] === "[")
        this.#fail("a nested class");
      sets.push(this.#classItem());
    }
  }

  #classItem(): CharacterSet {
    const first = this.#take("\\") ? this.#escape() : this.#literal(this.#takeCharacter());
    if (this.#pattern[this.#at] !== "-" || (this.#pattern[this.#at + 1] ?? "]") === "]") return first;
    this.#at += 1;
    if (this.#ignoreCase > 0) this.#fail("a range that ignores case");
    const last = this.#take("\\") ? this.#escape() : this.#literal(this.#takeCharacter());
    const isOne = (set: CharacterSet): boolean => set.length === 2 && set[1] === set[0]! + 1;
    if (!isOne(first) || !isOne(last) || last[0]! < first[0]!) this.#fail("a range without two ends");
    return setOfRange(first[0]!, last[0]!);
  }

  #escape(): CharacterSet {
    const property = /^([pP])\{(\w{1,40})\}/.exec(this.#pattern.slice(this.#at, this.#at + 50));
    if (property !== null) {
      this.#at += property[0].length;
      const set = this.#property(property[2]!);
      return property[1] === "P" ? complement(set) : set;
    }
    const hexadecimal = /^u([0-9a-fA-F]{4})/.exec(this.#pattern.slice(this.#at, this.#at + 5));
    if (hexadecimal !== null) {
      this.#at += 5;
      return this.#literal(String.fromCharCode(Number.parseInt(hexadecimal[1]!, 16)));
    }
    const character = this.#takeCharacter();
    if (character === "s") return this.#property("White_Space");
    if (character === "S") return complement(this.#property("White_Space"));
    if (character === "d") return this.#property("Nd");
    const control = CONTROLS[character];
    if (control !== undefined) return setOfRange(control, control);
    if (/[\p{L}\p{N}\u0000]/u.test(character)) this.#fail(`"\\${character}"`);
    return this.#literal(character);
  }

  #property(name: string): CharacterSet {
    const known = this.#properties.get(name);
    if (known !== undefined) return known;
    if (this.#properties.size === MOST_PROPERTIES) this.#fail(`more than ${MOST_PROPERTIES} properties`);
    const classes = Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name] : undefined;
    const set = classes === undefined ? setOfProperty(name) : setOfClasses(classes);
    if (set === undefined) return this.#fail(`the property ${name}`);
    this.#properties.set(name, set);
    return set;
  }

  #literal(character: string): CharacterSet {
    const code = character.codePointAt(0)!;
    if (this.#ignoreCase === 0 || !/\p{L}/u.test(character)) return setOfRange(code, code);
    const lower = character.toLowerCase();
    if (!/^[a-z]$/.test(lower)) this.#fail(`"${character}" without regard to case`);
    const forms = Array.from(FOLDED[lower] ?? lower + lower.toUpperCase());
    return union(forms.map((form) => setOfRange(form.codePointAt(0)!, form.codePointAt(0)!)));
  }
}

/**
 * Parses an Oniguruma rule.
 *
 * @throws FirnError `TOKENIZER_PATTERN` when the rule uses notation whose meaning could differ
 */
export function parsePattern(pattern: string): PatternNode {
  if (pattern === "" || pattern.length > LONGEST_PATTERN)
    refusePattern(pattern, 0, `${pattern.length} characters`);
  return new Parser(pattern).parse();
}
