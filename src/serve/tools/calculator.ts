/**
 * @file The calculator: arithmetic that language models get wrong. A recursive descent parser of its own; nothing is ever
 * evaluated as code. Whole numbers are exact (BigInt) while only `+ - * ^ %` and exact division meet them; everything else
 * is IEEE double arithmetic, shown with 15 significant digits.
 */
import { z } from "zod";
import { type Tool, toolError, toolText } from "./tool.ts";

type Value = bigint | number;

/** Longer expressions, and whole numbers of more digits, are refused. */
const MAX_LENGTH = 1000;
const MAX_DIGITS = 2000;
/** Parentheses inside one another, so that no expression exhausts the stack. */
const MAX_DEPTH = 100;

class CalculatorError extends Error {}

const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  exp: Math.exp,
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
  round: Math.round,
};
const CONSTANTS: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([a-z]+\d*)|(\*\*|[-+*/^%()×÷−·]))/iy;

type Token = { readonly kind: "number" | "name" | "sign"; readonly text: string; readonly at: number };

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    if (/^\s*$/.test(text.slice(at))) break;
    const match = TOKEN.exec(text);
    if (match === null)
      throw new CalculatorError(`'${text.slice(at).trim().slice(0, 10)}' is not understood`);
    const [, number, name, sign] = match;
    if (number !== undefined) found.push({ kind: "number", text: number, at });
    else if (name !== undefined) found.push({ kind: "name", text: name.toLowerCase(), at });
    else
      found.push({
        kind: "sign",
        text: sign!
          .replace("×", "*")
          .replace("·", "*")
          .replace("÷", "/")
          .replace("−", "-")
          .replace("**", "^"),
        at,
      });
  }
  return found;
}

const isWhole = (value: Value): value is bigint => typeof value === "bigint";

function bounded(value: bigint): bigint {
  if (value.toString(16).length > MAX_DIGITS)
    throw new CalculatorError(`the number has more than about ${MAX_DIGITS} digits`);
  return value;
}

function power(base: Value, exponent: Value): Value {
  if (isWhole(base) && isWhole(exponent) && exponent >= 0n) {
    // Known before it is computed: 9^9^9 must not be tried.
    const digits = base.toString().length * Number(exponent);
    if ((base > 1n || base < -1n) && digits > 2 * MAX_DIGITS)
      throw new CalculatorError(`the number has more than about ${MAX_DIGITS} digits`);
    return bounded(base ** exponent);
  }
  return Number(base) ** Number(exponent);
}

function divide(a: Value, b: Value): Value {
  if (Number(b) === 0) throw new CalculatorError("division by zero");
  return isWhole(a) && isWhole(b) && a % b === 0n ? a / b : Number(a) / Number(b);
}

function remainder(a: Value, b: Value): Value {
  if (Number(b) === 0) throw new CalculatorError("division by zero");
  return isWhole(a) && isWhole(b) ? a % b : Number(a) % Number(b);
}

/** expression = term {(+|-) term}; term = factor {(*|/|%) factor}; factor = (+|-) factor | atom [^ factor]. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokens(text);
  }

  all(): Value {
    const value = this.#expression();
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw new CalculatorError(`'${rest.text}' was not expected there`);
    return value;
  }

  #take(...signs: string[]): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "sign" || !signs.includes(token.text)) return undefined;
    this.#at += 1;
    return token.text;
  }

  #expression(): Value {
    if (++this.#depth > MAX_DEPTH) throw new CalculatorError("too many parentheses inside one another");
    let value = this.#term();
    for (let sign = this.#take("+", "-"); sign !== undefined; sign = this.#take("+", "-")) {
      const other = this.#term();
      const signed = sign === "-" ? -other : other;
      value = isWhole(value) && isWhole(signed) ? bounded(value + signed) : Number(value) + Number(signed);
    }
    this.#depth -= 1;
    return value;
  }

  #term(): Value {
    let value = this.#factor();
    for (let sign = this.#take("*", "/", "%"); sign !== undefined; sign = this.#take("*", "/", "%")) {
      const other = this.#factor();
      if (sign === "/") value = divide(value, other);
      else if (sign === "%") value = remainder(value, other);
      else value = isWhole(value) && isWhole(other) ? bounded(value * other) : Number(value) * Number(other);
    }
    return value;
  }

  #factor(): Value {
    if (++this.#depth > MAX_DEPTH) throw new CalculatorError("too many signs one after the other");
    const sign = this.#take("+", "-");
    let value: Value;
    if (sign === undefined) {
      value = this.#atom();
      if (this.#take("^") !== undefined) value = power(value, this.#factor());
    } else {
      value = this.#factor();
      if (sign === "-") value = -value;
    }
    this.#depth -= 1;
    return value;
  }

  #atom(): Value {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new CalculatorError("it ends too early");
    this.#at += 1;
    if (token.kind === "number")
      return /^\d+$/.test(token.text) ? bounded(BigInt(token.text)) : Number(token.text);
    if (token.kind === "name") return this.#named(token.text);
    if (token.text === "(") return this.#closed();
    throw new CalculatorError(`'${token.text}' was not expected there`);
  }

  #closed(): Value {
    const value = this.#expression();
    if (this.#take(")") === undefined) throw new CalculatorError("a parenthesis is not closed");
    return value;
  }

  #named(name: string): Value {
    if (Object.hasOwn(CONSTANTS, name)) return CONSTANTS[name]!;
    if (!Object.hasOwn(FUNCTIONS, name))
      throw new CalculatorError(`'${name}' is unknown; known: ${Object.keys(FUNCTIONS).join(", ")}, pi, e`);
    if (this.#take("(") === undefined) throw new CalculatorError(`${name} needs parentheses`);
    const value = this.#closed();
    if (isWhole(value) && name === "abs") return value < 0n ? -value : value;
    return FUNCTIONS[name]!(Number(value));
  }
}

/** The value of `expression` in words of digits. @throws Error that says what is wrong with it */
export function calculate(expression: string): string {
  if (expression.length > MAX_LENGTH) throw new CalculatorError(`it has more than ${MAX_LENGTH} characters`);
  const value = new Parser(expression).all();
  if (isWhole(value)) return value.toString();
  if (!Number.isFinite(value)) throw new CalculatorError("the result is not a finite number");
  return String(Number(value.toPrecision(15)));
}

const argumentsSchema = z.strictObject({ expression: z.string().min(1) });

export const calculator: Tool = {
  name: "calculator",
  description:
    "Computes an arithmetic expression exactly where it can: + - * / % ^, parentheses, pi, e, sqrt, ln, log10, sin (radians) and the like. Use it for every calculation.",
  parameters: {
    type: "object",
    properties: { expression: { type: "string", description: "for example (1234 * 5678) / 3 or sqrt(2)^3" } },
    required: ["expression"],
    additionalProperties: false,
  },
  origin: "firn",
  call: (args) => {
    const parsed = argumentsSchema.safeParse(args);
    if (!parsed.success) return Promise.resolve(toolError("The calculator takes { expression: string }."));
    try {
      return Promise.resolve(toolText(calculate(parsed.data.expression)));
    } catch (error) {
      if (!(error instanceof CalculatorError)) throw error;
      return Promise.resolve(toolError(`This cannot be computed: ${error.message}.`));
    }
  },
};
