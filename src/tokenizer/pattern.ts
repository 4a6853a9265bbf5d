/**
 * @file Pre-tokenisation rules of other tokenizer files. They are written for Oniguruma; the notation that real
 * files use is translated to a JavaScript regular expression with the same meaning, anything else is refused.
 */
import { FirnError } from "../core/index.ts";
import { classRanges, CHARACTER_CLASS as is, type CharacterClass } from "./unicode-classes.ts";
import type { PieceVisitor, PreTokenizer } from "./pretokenize.ts";

const LETTERS = [is.uppercase, is.titlecase, is.modifierLetter, is.otherLetter, is.lowercase] as const;

/** The properties whose characters come from our own table, so that every engine agrees on them. */
const PROPERTIES: Readonly<Record<string, readonly CharacterClass[]>> = {
  L: LETTERS,
  Lu: [is.uppercase],
  Lt: [is.titlecase],
  Lm: [is.modifierLetter],
  Lo: [is.otherLetter],
  Ll: [is.lowercase],
  M: [is.mark],
  N: [is.number],
};
const WHITE_SPACE = [is.space, is.newline] as const;

/** Letters with a third form that Unicode's simple case folding counts as the same: long s and Kelvin sign. */
const FOLDED: Readonly<Record<string, string>> = { s: "sS\u017f", k: "kK\u212a" };
const LONGEST_PATTERN = 10_000;

function refuse(pattern: string, at: number, what: string): never {
  throw new FirnError("TOKENIZER_PATTERN", {
    expected: "a pre-tokenisation rule that Firn can run exactly",
    got: `${what} at character ${at} of ${JSON.stringify(pattern.slice(0, 200))}`,
    where: "pre_tokenizer",
    next: "Load this tokenizer with the library it was made for, or report the file so that the rule can be added.",
  });
}

/** Translates one rule, character by character. */
class Translator {
  readonly #pattern: string;
  #at = 0;
  #ignoreCase = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  translate(): string {
    const output = this.#alternatives(0);
    if (this.#at < this.#pattern.length) this.#fail("an unopened parenthesis");
    return output;
  }

  #fail(what: string): never {
    return refuse(this.#pattern, this.#at, what);
  }

  #take(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #alternatives(depth: number): string {
    if (depth > 20) this.#fail("deep nesting");
    let output = "";
    while (this.#at < this.#pattern.length && this.#pattern[this.#at] !== ")") {
      output += this.#take("|") ? "|" : this.#item(depth) + this.#quantifier();
    }
    return output;
  }

  #item(depth: number): string {
    if (this.#take("(?i:")) {
      this.#ignoreCase += 1;
      const inside = this.#group("(?:", depth);
      this.#ignoreCase -= 1;
      return inside;
    }
    for (const opening of ["(?:", "(?=", "(?!", "(?<=", "(?<!"]) {
      if (this.#take(opening)) return this.#group(opening, depth);
    }
    if (this.#pattern[this.#at] === "(" && this.#pattern[this.#at + 1] !== "?") {
      this.#at += 1;
      return this.#group("(?:", depth);
    }
    if (this.#take("[")) return this.#characterClass();
    if (this.#take("\\")) return this.#escape(false);
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
    if ("(^$.*+?{}]".includes(character)) this.#fail(`"${character}"`);
    this.#at += character.length;
    return this.#literal(character, false);
  }

  #group(opening: string, depth: number): string {
    const inside = this.#alternatives(depth + 1);
    if (!this.#take(")")) this.#fail("an unclosed parenthesis");
    return `${opening}${inside})`;
  }

  #quantifier(): string {
    const match = /^(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})/.exec(this.#pattern.slice(this.#at, this.#at + 12));
    if (match === null) return "";
    this.#at += match[0].length;
    if ("*+?{".includes(this.#pattern[this.#at] ?? "\u0000")) this.#fail("a lazy or possessive quantifier");
    return match[0];
  }

  #characterClass(): string {
    let output = this.#take("^") ? "[^" : "[";
    for (let first = true; ; first = false) {
      if (this.#at >= this.#pattern.length) this.#fail("an unclosed class");
      if (this.#take("]")) {
        if (first) this.#fail("an empty class");
        return `${output}]`;
      }
      if (this.#pattern.startsWith("&&", this.#at) || this.#pattern[this.#at] === "[")
        this.#fail("a nested class");
      if (this.#take("\\")) {
        output += this.#escape(true);
        continue;
      }
      const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
      this.#at += character.length;
      const isRange = character === "-" && !first && this.#pattern[this.#at] !== "]";
      if (isRange && this.#ignoreCase > 0) this.#fail("a range that ignores case");
      output += isRange ? "-" : this.#literal(character, true);
    }
  }

  #escape(inClass: boolean): string {
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
    const property = /^p\{(\w{1,40})\}|^P\{(\w{1,40})\}/.exec(this.#pattern.slice(this.#at, this.#at + 50));
    if (property !== null) {
      this.#at += property[0].length;
      return this.#property((property[1] ?? property[2])!, property[2] !== undefined, inClass);
    }
    this.#at += character.length;
    if (character === "s") return inClass ? classRanges(WHITE_SPACE) : `[${classRanges(WHITE_SPACE)}]`;
    if (character === "S") return inClass ? this.#fail("\\S in a class") : `[^${classRanges(WHITE_SPACE)}]`;
    if (character === "d") return "\\p{Nd}";
    if ("rntfv".includes(character)) return `\\${character}`;
    const hexadecimal = /^u([0-9a-fA-F]{4})/.exec(this.#pattern.slice(this.#at - 1, this.#at + 4));
    if (hexadecimal !== null) {
      this.#at += 4;
      return `\\u{${hexadecimal[1]}}`;
    }
    if (/[\p{L}\p{N}\u0000]/u.test(character)) this.#fail(`"\\${character}"`);
    return this.#literal(character, inClass);
  }

  #property(name: string, negated: boolean, inClass: boolean): string {
    const classes = PROPERTIES[name];
    if (classes !== undefined && !(negated && inClass)) {
      if (inClass) return classRanges(classes);
      return `[${negated ? "^" : ""}${classRanges(classes)}]`;
    }
    for (const spelling of [name, `Script=${name}`]) {
      const escape = `\\${negated ? "P" : "p"}{${spelling}}`;
      try {
        new RegExp(escape, "u");
        return escape;
      } catch {
        // Not a name this engine knows; the next spelling, or the refusal below.
      }
    }
    return this.#fail(`the property ${name}`);
  }

  #literal(character: string, inClass: boolean): string {
    if (this.#ignoreCase > 0 && /\p{L}/u.test(character)) {
      const lower = character.toLowerCase();
      if (!/^[a-z]$/.test(lower)) this.#fail(`"${character}" without regard to case`);
      const forms = FOLDED[lower] ?? lower + lower.toUpperCase();
      return inClass ? forms : `[${forms}]`;
    }
    return /[$()*+./?[\\\]^{|}-]/.test(character)
      ? `\\u{${character.charCodeAt(0).toString(16)}}`
      : character;
  }
}

/**
 * The JavaScript regular expression (flags `gu`) for an Oniguruma rule.
 *
 * @throws FirnError `TOKENIZER_PATTERN` when the rule uses notation whose meaning could differ
 */
export function translatePattern(pattern: string): RegExp {
  if (pattern === "" || pattern.length > LONGEST_PATTERN) refuse(pattern, 0, `${pattern.length} characters`);
  const source = new Translator(pattern).translate();
  try {
    return new RegExp(source, "gu");
  } catch (cause) {
    return refuse(pattern, 0, `a rule that does not compile (${(cause as Error).message})`);
  }
}

/** Cuts text by rules applied one after the other: matches, and what lies between them, become pieces. */
export class PatternPreTokenizer implements PreTokenizer {
  readonly #rules: readonly RegExp[];
  readonly #encoder = new TextEncoder();

  constructor(patterns: readonly string[]) {
    this.#rules = patterns.map(translatePattern);
  }

  forEachPiece(text: string, visit: PieceVisitor): void {
    this.#split(wellFormed(text), 0, visit);
  }

  #split(text: string, rule: number, visit: PieceVisitor): void {
    const pattern = this.#rules[rule];
    if (pattern === undefined) {
      const bytes = this.#encoder.encode(text);
      visit(bytes, 0, bytes.length);
      return;
    }
    let position = 0;
    for (const match of text.matchAll(pattern)) {
      if (match[0] === "") continue;
      if (match.index > position) this.#split(text.slice(position, match.index), rule + 1, visit);
      position = match.index + match[0].length;
      this.#split(match[0], rule + 1, visit);
    }
    if (position < text.length) this.#split(text.slice(position), rule + 1, visit);
  }
}

/** `text` with unpaired surrogates replaced by U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}
