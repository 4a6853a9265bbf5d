/**
 * @file JSON Schema as a grammar, so that every answer is an instance of it. A keyword that a grammar cannot hold an answer
 * to is an error for a strict schema and passed over for any other.
 */
import { canonicalJson } from "../core/index.ts";
import { type Automaton, both, ofLength } from "./automaton.ts";
import { type GrammarElement, literal } from "./grammar.ts";
import type { JsonGrammarBuilder } from "./json-grammar.ts";
import { decimalAutomaton, integerAutomaton } from "./number-automaton.ts";
import { DemandReader, typesMeant } from "./schema-demand.ts";
import { type Demand, isEmptyRange, type Part, refuse } from "./schema-keywords.ts";

const MAX_DEPTH = 64;
/** Values of which an array may hold each once: every set of them is a state. */
const MAX_UNIQUE = 10;

/**
 * Adds the rules of `schema` to `builder` and gives the element that an answer must be. Objects are written in the order of
 * their `properties`; names beyond those are written only where no `properties` are given.
 *
 * @throws FirnError `GENERATE_SCHEMA`: a schema that is not one, that nothing meets, or a strict one with a keyword that
 * cannot be enforced
 */
export function schemaElement(
  builder: JsonGrammarBuilder,
  schema: unknown,
  options: { readonly strict: boolean },
): GrammarElement {
  const compiler = new SchemaCompiler(builder, schema, options.strict);
  const element = compiler.element([{ schema, at: "#" }], 0);
  if (!builder.possible(element))
    refuse("a schema that some value meets", "none does", compiler.impossibleAt);
  return element;
}

class SchemaCompiler {
  readonly #builder: JsonGrammarBuilder;
  readonly #reader: DemandReader;
  readonly #strict: boolean;
  /** Rules by the schemas that they follow together; a schema that holds itself finds its own. */
  readonly #rules = new Map<string, GrammarElement>();
  readonly #numbers = new Map<unknown, number>();
  /** Where the first schema stands that nothing meets. */
  impossibleAt = "#";

  constructor(builder: JsonGrammarBuilder, root: unknown, strict: boolean) {
    this.#builder = builder;
    this.#reader = new DemandReader(root, strict);
    this.#strict = strict;
  }

  /** A value that is as all of `parts` say. */
  element(parts: readonly Part[], depth: number): GrammarElement {
    const builder = this.#builder;
    if (depth > MAX_DEPTH) refuse(`a schema nested at most ${MAX_DEPTH} deep`, "a deeper one", parts[0]!.at);
    const name = [...new Set(parts.map(({ schema }) => this.#numberOf(schema)))].sort((a, b) => a - b).join();
    const known = this.#rules.get(name);
    if (known !== undefined) return known;
    const rule = builder.declare();
    this.#rules.set(name, { rule });
    const alternatives = this.#reader.read(parts).flatMap((demand) => this.#ways(demand, depth));
    if (alternatives.length === 0 && this.impossibleAt === "#") this.impossibleAt = parts[0]!.at;
    builder.define(
      rule,
      alternatives.map((alternative) => [alternative]),
    );
    return { rule };
  }

  #numberOf(schema: unknown): number {
    const number = this.#numbers.get(schema) ?? this.#numbers.size;
    this.#numbers.set(schema, number);
    return number;
  }

  #ways(demand: Demand, depth: number): GrammarElement[] {
    if (demand.values !== undefined) {
      const rest = { ...demand, values: undefined };
      return demand.values
        .filter((value) => this.#reader.meetsDemand(value, rest))
        .map((value) => this.#builder.rule(literal(JSON.stringify(value))));
    }
    const types = typesMeant(demand);
    if (types === undefined) return [this.#builder.value];
    return [...types].flatMap((type) => {
      if (type === "integer" && types.has("number")) return [];
      return [this.#ofType(type, demand, depth)];
    });
  }

  #ofType(type: string, demand: Demand, depth: number): GrammarElement {
    switch (type) {
      case "string":
        return this.#string(demand);
      case "integer":
        return this.#integer(demand);
      case "number":
        return this.#number(demand);
      case "boolean":
        return this.#builder.boolean;
      case "null":
        return this.#builder.null;
      case "object":
        return this.#object(demand, depth);
      default:
        return this.#array(demand, depth);
    }
  }

  /** What no text is. */
  #nothing(at: string): GrammarElement {
    if (this.impossibleAt === "#") this.impossibleAt = at;
    return this.#builder.rule();
  }

  #string({ texts, length, at }: Demand): GrammarElement {
    const builder = this.#builder;
    const { min, max } = length;
    if (min > max) return this.#nothing(at);
    const [first, ...others] = texts;
    if (first === undefined) {
      if (min === 0 && max === Infinity) return builder.string;
      return builder.quoted([builder.repeat(builder.character, min, max)]);
    }
    let text: Automaton | undefined = first;
    for (const other of others) text = text && both(text, other);
    if (min > 0 || max < Infinity) text = text && ofLength(text, min, max);
    if (text !== undefined) return builder.quoted([builder.text(text)]);
    if (this.#strict) refuse("a pattern and lengths that are simpler together", "too many states", at);
    return builder.quoted([builder.repeat(builder.character, min, max)]);
  }

  #integer({ min, max, divisor, at }: Demand): GrammarElement {
    const least = Math.max(
      Number.MIN_SAFE_INTEGER,
      min === undefined ? -Infinity : min.open ? Math.floor(min.value) + 1 : Math.ceil(min.value),
    );
    const most = Math.min(
      Number.MAX_SAFE_INTEGER,
      max === undefined ? Infinity : max.open ? Math.ceil(max.value) - 1 : Math.floor(max.value),
    );
    if (least > most) return this.#nothing(at);
    const multiples = integerAutomaton(least, most, divisor);
    if (multiples === undefined && this.#strict)
      refuse("a divisor with fewer remainders", String(divisor), `${at}/multipleOf`);
    return this.#builder.digits(multiples ?? integerAutomaton(least, most)!);
  }

  #number(demand: Demand): GrammarElement {
    const { min, max, divisor, at } = demand;
    // A multiple of a whole number is a whole number.
    if (divisor !== 1) return this.#integer(demand);
    if (min === undefined && max === undefined) return this.#builder.number;
    if (isEmptyRange(demand)) return this.#nothing(at);
    const automaton = decimalAutomaton({
      min: min?.value,
      max: max?.value,
      openMin: min?.open === true,
      openMax: max?.open === true,
    });
    return this.#builder.digits(automaton!);
  }

  #object({ properties, required, additional }: Demand, depth: number): GrammarElement {
    const builder = this.#builder;
    if (properties.size === 0) {
      if (additional.some(({ schema }) => schema === false)) return builder.object([]);
      return builder.record(this.element(additional, depth + 1));
    }
    return builder.object(
      [...properties].map(([name, parts]) => ({
        name,
        value: this.element(parts, depth + 1),
        required: required.has(name),
      })),
    );
  }

  #array(demand: Demand, depth: number): GrammarElement {
    const builder = this.#builder;
    const { prefix, items, count, at } = demand;
    // A tuple is written in full, and goes on only where its schema says how.
    const most = items === undefined && prefix.length > 0 ? Math.max(prefix.length, count.min) : count.max;
    const max = Math.min(most, count.max);
    const min = Math.max(count.min, Math.min(prefix.length, max));
    if (min > max) return this.#nothing(at);
    if (demand.unique && max > 1) {
      const unique = this.#unique(demand, min, max);
      if (unique !== undefined) return unique;
    }
    const rest = this.element(items ?? [], depth + 1);
    if (prefix.length === 0) return builder.list(rest, min, max);
    const following = builder.rule([...literal(","), builder.space, rest]);
    const first = prefix
      .slice(0, max)
      .flatMap((parts, i) => [
        ...(i === 0 ? [] : [...literal(","), builder.space]),
        this.element(parts, depth + 1),
      ]);
    const more =
      max > prefix.length ? [builder.repeat(following, min - prefix.length, max - prefix.length)] : [];
    return builder.rule([...literal("["), builder.space, ...first, ...more, builder.space, ...literal("]")]);
  }

  /** An array of different values where there are few to choose from. */
  #unique({ prefix, items, at }: Demand, min: number, max: number): GrammarElement | undefined {
    const builder = this.#builder;
    const values = prefix.length > 0 ? undefined : this.#valuesOf(items ?? []);
    if (values === undefined) {
      if (this.#strict)
        refuse(
          `uniqueItems of items that have an enum of at most ${MAX_UNIQUE} values (or are boolean or null)`,
          "other items",
          `${at}/uniqueItems`,
        );
      return undefined;
    }
    const after = new Map<number, GrammarElement>();
    // What may follow once the values of `used`, bit by bit, are written.
    const follow = (used: number): GrammarElement => {
      const known = after.get(used);
      if (known !== undefined) return known;
      const rule = builder.declare();
      after.set(used, { rule });
      const written = values.filter((_, i) => (used >> i) & 1).length;
      const next = values.flatMap((value, i) => {
        if ((used >> i) & 1 || written >= max) return [];
        const separator = written === 0 ? [] : [...literal(","), builder.space];
        return [[...separator, ...literal(JSON.stringify(value)), follow(used | (1 << i))]];
      });
      builder.define(rule, [...(written >= min ? [[]] : []), ...next]);
      return { rule };
    };
    return builder.rule([...literal("["), builder.space, follow(0), builder.space, ...literal("]")]);
  }

  /** The values that are as all of `parts` say, if they can be listed and are few. */
  #valuesOf(parts: readonly Part[]): unknown[] | undefined {
    const found = new Map<string, unknown>();
    for (const demand of this.#reader.read(parts)) {
      const simple = [...(demand.types ?? ["any"])].flatMap((type): unknown[] | undefined[] =>
        type === "boolean" ? [true, false] : type === "null" ? [null] : [undefined],
      );
      const listed = demand.values?.filter((value) =>
        this.#reader.meetsDemand(value, { ...demand, values: undefined }),
      );
      const values = listed ?? simple;
      if (values.includes(undefined)) return undefined;
      for (const value of values) found.set(canonicalJson(value), value);
    }
    return found.size > MAX_UNIQUE ? undefined : [...found.values()];
  }
}
