/**
 * @file The keywords of JSON schemas without combinations, read and put together: what several schemas demand of one value
 * at once, keyword by keyword.
 */
import { canonicalJson, FirnError } from "../core/index.ts";
import type { Automaton } from "./automaton.ts";
import { FORMATS } from "./formats.ts";
import { commonDivisor } from "./number-automaton.ts";
import { patternAutomaton, PatternRefused } from "./pattern.ts";

export type Schema = Readonly<Record<string, unknown>>;

/** A part of the schema and its place in it. */
export interface Part {
  readonly schema: unknown;
  readonly at: string;
}

/** Demands that one value must meet together. Those about one type bind only values of that type. */
export interface Demand {
  readonly at: string;
  /** Undefined: any. */
  readonly types: ReadonlySet<string> | undefined;
  /** The values of `enum` and `const`; undefined: any. */
  readonly values: readonly unknown[] | undefined;
  readonly min: Bound | undefined;
  readonly max: Bound | undefined;
  readonly divisor: number;
  readonly length: Count;
  readonly texts: readonly Automaton[];
  readonly properties: ReadonlyMap<string, readonly Part[]>;
  readonly required: ReadonlySet<string>;
  /** What properties without a name here must be. */
  readonly additional: readonly Part[];
  readonly prefix: readonly (readonly Part[])[];
  /** What items after the prefix must be; undefined: nothing is said of them. */
  readonly items: readonly Part[] | undefined;
  readonly count: Count;
  readonly unique: boolean;
}

export interface Bound {
  readonly value: number;
  /** The bound itself is out. */
  readonly open: boolean;
}

export interface Count {
  readonly min: number;
  readonly max: number;
}

/** Keywords by the type of values that they bind; the first line binds all. */
const KEYWORDS = {
  any: ["type", "enum", "const"],
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
} as const;
/** Keywords that bind a value. */
export const BINDING = Object.values(KEYWORDS).flat();
export const TYPES = ["string", "number", "integer", "boolean", "null", "object", "array"];
const MAX_COUNT = 2048;
const MAX_DIVISOR = 10_000;
/** Ten times it, and a digit, is still a safe integer. */
const MAX_MULTIPLE = 1e12;

export function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads the keywords of schemas that hold together. */
export class KeywordReader {
  readonly #strict: boolean;
  readonly #patterns = new Map<string, Automaton>();

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  /** What `parts` demand together of the value at `at`. */
  join(parts: readonly Part[], at: string): Demand {
    const schemas = parts.map(({ schema, at: place }) => ({ schema: schema as Schema, at: place }));
    const bounds = schemas.flatMap(({ schema, at: place }) => this.#bounds(schema, place));
    const lows = bounds.flatMap(({ min }) => (min === undefined ? [] : [min]));
    const highs = bounds.flatMap(({ max }) => (max === undefined ? [] : [max]));
    const types = schemas
      .map(({ schema, at: place }) => typesOf(schema, place))
      .reduce(commonTypes, undefined);
    const values = schemas
      .map(({ schema, at: place }) => valuesOf(schema, place))
      .reduce(commonValues, undefined);
    const count = (low: string, high: string): Count => ({
      min: Math.max(0, ...schemas.map(({ schema, at: place }) => this.#count(schema, low, 0, place))),
      max: Math.min(...schemas.map(({ schema, at: place }) => this.#count(schema, high, Infinity, place))),
    });
    return {
      at,
      types,
      values,
      // Of equal bounds the one that leaves the bound out.
      min: lows.sort((a, b) => b.value - a.value || Number(b.open) - Number(a.open))[0],
      max: highs.sort((a, b) => a.value - b.value || Number(b.open) - Number(a.open))[0],
      divisor: schemas.reduce((all, { schema, at: place }) => {
        const one = this.#divisor(schema, place);
        const multiple = (all / commonDivisor(all, one)) * one;
        if (multiple > MAX_MULTIPLE)
          refuse("divisors with a smaller multiple", "more", `${place}/multipleOf`);
        return multiple;
      }, 1),
      length: count("minLength", "maxLength"),
      texts: schemas.flatMap(({ schema, at: place }) => this.#texts(schema, place)),
      ...this.#objectDemands(schemas, at),
      ...this.#arrayDemands(schemas, count("minItems", "maxItems")),
    };
  }

  /** Bounds; in the fourth draft of JSON Schema and in OpenAPI 3.0 the exclusive ones are yes or no. */
  #bounds(schema: Schema, at: string): { readonly min?: Bound; readonly max?: Bound }[] {
    const { exclusiveMinimum, exclusiveMaximum } = schema;
    const bound = (name: string, side: "min" | "max", open: boolean) => {
      const value = schema[name];
      if (value === undefined || value === null) return [];
      if (typeof value === "boolean" && name.startsWith("exclusive")) return [];
      if (typeof value !== "number") refuse("a number", JSON.stringify(value).slice(0, 60), `${at}/${name}`);
      return [{ [side]: { value, open } }];
    };
    return [
      ...bound("minimum", "min", exclusiveMinimum === true),
      ...bound("exclusiveMinimum", "min", true),
      ...bound("maximum", "max", exclusiveMaximum === true),
      ...bound("exclusiveMaximum", "max", true),
    ];
  }

  #divisor(schema: Schema, at: string): number {
    const value = schema["multipleOf"];
    if (value === undefined || value === null) return 1;
    if (typeof value !== "number" || value <= 0)
      refuse("a number above 0", JSON.stringify(value).slice(0, 60), `${at}/multipleOf`);
    if (Number.isInteger(value) && value <= MAX_DIVISOR) return value;
    if (this.#strict) refuse(`a whole number of at most ${MAX_DIVISOR}`, String(value), `${at}/multipleOf`);
    return 1;
  }

  #texts(schema: Schema, at: string): Automaton[] {
    const texts: Automaton[] = [];
    const { pattern, format } = schema as { readonly pattern?: unknown; readonly format?: unknown };
    if (pattern !== undefined && pattern !== null) {
      if (typeof pattern !== "string")
        refuse("a text", JSON.stringify(pattern).slice(0, 60), `${at}/pattern`);
      const automaton = this.#pattern(pattern, `${at}/pattern`);
      if (automaton !== undefined) texts.push(automaton);
    }
    if (format === undefined || format === null) return texts;
    const known = typeof format === "string" && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
    if (known !== undefined) texts.push(this.#pattern(known, at)!);
    else if (this.#strict)
      refuse(`one of the formats ${Object.keys(FORMATS).join(", ")}`, JSON.stringify(format), `${at}/format`);
    return texts;
  }

  #pattern(pattern: string, at: string): Automaton | undefined {
    try {
      const automaton = this.#patterns.get(pattern) ?? patternAutomaton(pattern);
      this.#patterns.set(pattern, automaton);
      return automaton;
    } catch (error) {
      if (!(error instanceof PatternRefused)) throw error;
      if (this.#strict) refuse("a pattern that an answer can be held to", error.message, at);
      return undefined;
    }
  }

  #objectDemands(
    schemas: readonly { readonly schema: Schema; readonly at: string }[],
    at: string,
  ): Pick<Demand, "properties" | "required" | "additional"> {
    const required = new Set<string>();
    const shapes = schemas.map(({ schema, at: place }) => {
      const { properties, required: listed } = schema as {
        readonly properties?: unknown;
        readonly required?: unknown;
      };
      if (properties !== undefined && !isRecord(properties))
        refuse("an object of schemas", "something else", `${place}/properties`);
      if (
        listed !== undefined &&
        !(Array.isArray(listed) && listed.every((name) => typeof name === "string"))
      )
        refuse("a list of names", "something else", `${place}/required`);
      for (const name of listed ?? []) required.add(name);
      const more = schema["additionalProperties"];
      const additional: Part | undefined =
        more === undefined ? undefined : { schema: more, at: `${place}/additionalProperties` };
      return { properties: properties ?? {}, additional, at: place };
    });
    const names = new Set(shapes.flatMap(({ properties }) => Object.keys(properties)));
    const missing = [...required].find((name) => !names.has(name));
    if (missing !== undefined && names.size > 0)
      refuse("required names that are among the properties", JSON.stringify(missing), `${at}/required`);
    if (names.size === 0) for (const name of required) names.add(name);
    const properties = new Map(
      [...names].map((name) => [
        name,
        shapes.flatMap((shape): Part[] => {
          if (Object.hasOwn(shape.properties, name))
            return [{ schema: shape.properties[name], at: `${shape.at}/properties/${name}` }];
          return shape.additional === undefined ? [] : [shape.additional];
        }),
      ]),
    );
    return {
      properties,
      required,
      additional: shapes.flatMap(({ additional }) => (additional === undefined ? [] : [additional])),
    };
  }

  #arrayDemands(
    schemas: readonly { readonly schema: Schema; readonly at: string }[],
    count: Count,
  ): Pick<Demand, "prefix" | "items" | "count" | "unique"> {
    let most = count.max;
    const shapes = schemas.map(({ schema, at }) => {
      const { prefixItems, items } = schema as { readonly prefixItems?: unknown; readonly items?: unknown };
      if (prefixItems !== undefined && !Array.isArray(prefixItems))
        refuse("a list of schemas", "something else", `${at}/prefixItems`);
      const prefix = (prefixItems ?? []).map((one: unknown, i) => ({
        schema: one,
        at: `${at}/prefixItems/${i}`,
      }));
      if (items === false) most = Math.min(most, prefix.length);
      return { prefix, rest: items === undefined ? [] : [{ schema: items, at: `${at}/items` }] };
    });
    const length = Math.max(0, ...shapes.map(({ prefix }) => prefix.length));
    const rest = shapes.flatMap((shape) => shape.rest);
    return {
      prefix: Array.from({ length }, (_, i) =>
        shapes.flatMap((shape) => (i < shape.prefix.length ? [shape.prefix[i]!] : shape.rest)),
      ),
      items: rest.length === 0 ? undefined : rest,
      count: { min: count.min, max: most },
      unique: schemas.some(({ schema }) => schema["uniqueItems"] === true),
    };
  }

  #count(schema: Schema, name: string, absent: number, at: string): number {
    const count = schema[name];
    if (count === undefined || count === null) return absent;
    if (typeof count !== "number" || !Number.isInteger(count) || count < 0)
      refuse("a count", JSON.stringify(count).slice(0, 60), `${at}/${name}`);
    if (count <= MAX_COUNT) return count;
    if (this.#strict) refuse(`a count of at most ${MAX_COUNT}`, String(count), `${at}/${name}`);
    return absent;
  }
}

export function isEmptyRange({ min, max }: Demand): boolean {
  if (min === undefined || max === undefined) return false;
  return min.value > max.value || (min.value === max.value && (min.open || max.open));
}

function typesOf(schema: Schema, at: string): ReadonlySet<string> | undefined {
  const { type } = schema as { readonly type?: unknown };
  if (type === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(type) ? type : [type];
  if (list.length === 0) refuse("at least one type", "none", `${at}/type`);
  const foreign = list.find((one) => !TYPES.includes(one as string));
  if (foreign !== undefined)
    refuse(`one of ${TYPES.join(", ")}`, JSON.stringify(foreign).slice(0, 60), `${at}/type`);
  return new Set(list as string[]);
}

function commonTypes(
  a: ReadonlySet<string> | undefined,
  b: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const common = [...a].flatMap((type) => {
    if (b.has(type) || (type === "integer" && b.has("number"))) return [type];
    return type === "number" && b.has("integer") ? ["integer"] : [];
  });
  return new Set(common);
}

function valuesOf(schema: Schema, at: string): readonly unknown[] | undefined {
  const { const: constant, enum: listed } = schema as { readonly const?: unknown; readonly enum?: unknown };
  if (listed !== undefined && (!Array.isArray(listed) || listed.length === 0))
    refuse("a list of values", "none", `${at}/enum`);
  return commonValues(
    listed as readonly unknown[] | undefined,
    constant === undefined ? undefined : [constant],
  );
}

function commonValues(
  a: readonly unknown[] | undefined,
  b: readonly unknown[] | undefined,
): readonly unknown[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const known = new Set(b.map(canonicalJson));
  return a.filter((value) => known.has(canonicalJson(value)));
}

export function refuse(expected: string, got: string, where: string): never {
  throw new FirnError("GENERATE_SCHEMA", {
    expected,
    got,
    where: where.slice(0, 200),
    next: "Change the schema; docs/serve.md lists what answers can be held to.",
  });
}
