/**
 * @file JSON Schema as a grammar, so that every answer is an instance of it. A keyword that a grammar cannot hold an answer
 * to is an error for a strict schema and passed over for any other.
 */
import { FirnError } from "../core/index.ts";
import { byteRange, type GrammarElement, literal } from "./grammar.ts";
import type { JsonGrammarBuilder } from "./json-grammar.ts";

type Schema = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Keywords that describe, and bind nothing. */
const ANNOTATIONS = new Set([
  "title",
  "description",
  "default",
  "examples",
  "example",
  "deprecated",
  "readOnly",
  "writeOnly",
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
  "propertyOrdering",
]);
const SHARED = ["type", "nullable", "enum", "const"];
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  string: ["minLength", "maxLength", "format"],
  number: [],
  integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  boolean: [],
  null: [],
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "prefixItems", "minItems", "maxItems"],
};
const MAX_DEPTH = 64;
const MAX_COUNT = 2048;
/** Some 100 MB; a schema that describes an answer of a page takes a thousandth of it. */
const MOST_ELEMENTS = 500_000;
const INFINITE = Number.POSITIVE_INFINITY;

/**
 * Adds the rules of `schema` to `builder` and gives the element that an answer must be. Objects are written in the order of
 * their `properties`; names beyond those are written only where no `properties` are given.
 *
 * @throws FirnError `GENERATE_SCHEMA`: a schema that is not one, or a strict one with a keyword that cannot be enforced
 */
export function schemaElement(
  builder: JsonGrammarBuilder,
  schema: unknown,
  options: { readonly strict: boolean },
): GrammarElement {
  return new SchemaCompiler(builder, schema, options.strict).element(schema, "#", 0);
}

class SchemaCompiler {
  readonly #builder: JsonGrammarBuilder;
  readonly #root: unknown;
  readonly #strict: boolean;
  readonly #references = new Map<string, GrammarElement>();

  constructor(builder: JsonGrammarBuilder, root: unknown, strict: boolean) {
    this.#builder = builder;
    this.#root = root;
    this.#strict = strict;
  }

  element(schema: unknown, at: string, depth: number): GrammarElement {
    const { value } = this.#builder;
    if (depth > MAX_DEPTH) refuse(`a schema nested at most ${MAX_DEPTH} deep`, "a deeper one", at);
    if (this.#builder.size > MOST_ELEMENTS)
      refuse("a schema of fewer parts, values and repetitions", "one that takes too much memory", at);
    if (schema === true) return value;
    if (!isRecord(schema)) refuse("a JSON schema (an object)", JSON.stringify(schema).slice(0, 60), at);
    if (typeof schema["$ref"] === "string") return this.#reference(schema["$ref"], at, depth);
    const element = this.#typed(schema, at, depth);
    return schema["nullable"] === true ? this.#builder.rule([element], literal("null")) : element;
  }

  #typed(schema: Schema, at: string, depth: number): GrammarElement {
    const builder = this.#builder;
    if (schema["const"] !== undefined) return builder.rule(literal(JSON.stringify(schema["const"])));
    if (schema["enum"] !== undefined) {
      const values = schema["enum"];
      if (!Array.isArray(values) || values.length === 0) refuse("a list of values", "none", `${at}/enum`);
      return builder.rule(...values.map((one) => literal(JSON.stringify(one))));
    }
    for (const keyword of ["anyOf", "oneOf", "allOf"] as const) {
      const parts = schema[keyword];
      if (parts === undefined) continue;
      if (!Array.isArray(parts) || parts.length === 0)
        refuse("a list of schemas", "none", `${at}/${keyword}`);
      this.#checkKeywords(schema, [keyword], at);
      if (keyword === "allOf" && parts.length > 1) {
        if (this.#strict) refuse("allOf with one schema", `${parts.length} schemas`, `${at}/allOf`);
        return builder.value;
      }
      return builder.rule(
        ...parts.map((part, i) => [this.element(part, `${at}/${keyword}/${i}`, depth + 1)]),
      );
    }
    const types = typesOf(schema, at);
    if (types === undefined) {
      this.#checkKeywords(schema, [], at);
      return builder.value;
    }
    this.#checkKeywords(
      schema,
      types.flatMap((type) => BY_TYPE[type] ?? []),
      at,
    );
    return builder.rule(...types.map((type) => [this.#ofType(type, schema, at, depth)]));
  }

  #ofType(type: string, schema: Schema, at: string, depth: number): GrammarElement {
    const builder = this.#builder;
    switch (type) {
      case "string":
        return this.#string(schema, at);
      case "integer":
        return this.#integer(schema, at);
      case "number":
        return builder.number;
      case "boolean":
        return builder.boolean;
      case "null":
        return builder.null;
      case "object":
        return this.#object(schema, at, depth);
      case "array":
        return this.#array(schema, at, depth);
      default:
        return refuse(`one of ${Object.keys(BY_TYPE).join(", ")}`, JSON.stringify(type), `${at}/type`);
    }
  }

  #string(schema: Schema, at: string): GrammarElement {
    const builder = this.#builder;
    const format = schema["format"];
    const known = typeof format === "string" ? formatElements(builder, format) : undefined;
    if (known !== undefined) return builder.quoted(known);
    if (format !== undefined && this.#strict) {
      refuse("the format date, time, date-time or uuid", JSON.stringify(format), `${at}/format`);
    }
    const min = this.#count(schema, "minLength", 0, at);
    const max = this.#count(schema, "maxLength", INFINITE, at);
    if (min === 0 && max === INFINITE) return builder.string;
    if (min > max) refuse("minLength at most maxLength", `${min} and ${max}`, at);
    return builder.quoted([builder.repeat(builder.character, min, max)]);
  }

  #integer(schema: Schema, at: string): GrammarElement {
    const bound = (name: string): number | undefined => {
      const value = schema[name];
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    };
    const least = Math.max(
      Number.MIN_SAFE_INTEGER,
      Math.ceil(bound("minimum") ?? -INFINITE),
      Math.floor(bound("exclusiveMinimum") ?? -INFINITE) + 1,
    );
    const most = Math.min(
      Number.MAX_SAFE_INTEGER,
      Math.floor(bound("maximum") ?? INFINITE),
      Math.ceil(bound("exclusiveMaximum") ?? INFINITE) - 1,
    );
    if (least > most) refuse("a smallest integer that is not above the largest", `${least} and ${most}`, at);
    return this.#builder.integer(least, most);
  }

  #object(schema: Schema, at: string, depth: number): GrammarElement {
    const builder = this.#builder;
    const properties = schema["properties"];
    const more = schema["additionalProperties"];
    if (properties !== undefined && !isRecord(properties))
      refuse("an object of schemas", "something else", `${at}/properties`);
    const names = Object.keys(properties ?? {});
    const known = new Set<unknown>(names);
    const listed: unknown = schema["required"] ?? [];
    if (!Array.isArray(listed)) refuse("a list of names", "something else", `${at}/required`);
    const required = new Set<unknown>(listed);
    const missing = listed.find((name) => !known.has(name)) as unknown;
    if (missing !== undefined && (names.length > 0 || more === false)) {
      refuse("required names that are among the properties", JSON.stringify(missing), `${at}/required`);
    }
    if (names.length === 0) {
      if (more === false) return builder.object([]);
      return builder.record(
        isRecord(more) ? this.element(more, `${at}/additionalProperties`, depth + 1) : builder.value,
      );
    }
    return builder.object(
      names.map((name) => ({
        name,
        value: this.element(properties![name], `${at}/properties/${name}`, depth + 1),
        required: required.has(name),
      })),
    );
  }

  #array(schema: Schema, at: string, depth: number): GrammarElement {
    const builder = this.#builder;
    const items = schema["items"];
    const prefix = schema["prefixItems"];
    if (Array.isArray(prefix) && prefix.length > 0) {
      const separator = [...literal(","), builder.space];
      const elements = prefix.flatMap((part, i) => [
        ...(i === 0 ? [] : separator),
        this.element(part, `${at}/prefixItems/${i}`, depth + 1),
      ]);
      return builder.rule([...literal("["), builder.space, ...elements, builder.space, ...literal("]")]);
    }
    const item = items === undefined ? builder.value : this.element(items, `${at}/items`, depth + 1);
    const min = this.#count(schema, "minItems", 0, at);
    const max = this.#count(schema, "maxItems", INFINITE, at);
    if (min > max) refuse("minItems at most maxItems", `${min} and ${max}`, at);
    return builder.list(item, min, max);
  }

  #count(schema: Schema, name: string, absent: number, at: string): number {
    const count = schema[name];
    if (count === undefined || count === null) return absent;
    if (typeof count !== "number" || !Number.isInteger(count) || count < 0) {
      refuse("a count", JSON.stringify(count), `${at}/${name}`);
    }
    if (count <= MAX_COUNT) return count;
    if (this.#strict) refuse(`a count of at most ${MAX_COUNT}`, String(count), `${at}/${name}`);
    return absent;
  }

  /** A schema elsewhere in the document; it may hold itself. */
  #reference(pointer: string, at: string, depth: number): GrammarElement {
    const known = this.#references.get(pointer);
    if (known !== undefined) return known;
    const rule = this.#builder.declare();
    this.#references.set(pointer, { rule });
    const target = resolvePointer(this.#root, pointer);
    if (target === undefined)
      refuse("a $ref to a part of this schema", JSON.stringify(pointer.slice(0, 60)), at);
    // A chain of references that leads back to itself describes nothing.
    const seen = new Set([pointer]);
    for (let next: unknown = target; isRecord(next) && typeof next["$ref"] === "string"; ) {
      if (seen.has(next["$ref"])) refuse("a $ref that ends at a schema", "a circle", at);
      seen.add(next["$ref"]);
      next = resolvePointer(this.#root, next["$ref"]);
    }
    this.#builder.define(rule, [[this.element(target, pointer, depth + 1)]]);
    return { rule };
  }

  #checkKeywords(schema: Schema, known: readonly string[], at: string): void {
    if (!this.#strict) return;
    const foreign = Object.keys(schema).find(
      (name) => !ANNOTATIONS.has(name) && !SHARED.includes(name) && !known.includes(name),
    );
    if (foreign !== undefined) refuse("keywords that an answer can be held to", `'${foreign}'`, at);
  }
}

function typesOf(schema: Schema, at: string): readonly string[] | undefined {
  const { type } = schema as { readonly type?: unknown };
  if (typeof type === "string") return [type];
  if (Array.isArray(type)) {
    if (type.length === 0) refuse("at least one type", "none", `${at}/type`);
    return type.map(String);
  }
  if (type !== undefined) refuse("a type's name", JSON.stringify(type), `${at}/type`);
  if (schema["properties"] !== undefined) return ["object"];
  if (schema["items"] !== undefined || schema["prefixItems"] !== undefined) return ["array"];
  return undefined;
}

function resolvePointer(root: unknown, pointer: string): unknown {
  if (!/^#(\/|$)/.test(pointer)) return undefined;
  let at: unknown = root;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const holds = (isRecord(at) || Array.isArray(at)) && Object.hasOwn(at, name);
    at = holds ? (at as Schema)[name] : undefined;
  }
  return at;
}

/** What stands between the quotes of a string of that format; undefined for formats without a grammar here. */
function formatElements(builder: JsonGrammarBuilder, format: string): GrammarElement[] | undefined {
  const { digit, hex } = builder;
  const pair = (...bounds: readonly (readonly [tens: string, from: number, to: number])[]): GrammarElement =>
    builder.rule(...bounds.map(([tens, from, to]) => [...literal(tens), byteRange(0x30 + from, 0x30 + to)]));
  const below60 = builder.rule([byteRange(0x30, 0x35), digit]);
  const day = (...last: readonly (readonly [string, number, number])[]): GrammarElement =>
    pair(["0", 1, 9], ["1", 0, 9], ["2", 0, last.length === 0 ? 8 : 9], ...last);
  const months = (names: readonly string[], days: GrammarElement): GrammarElement[] => [
    builder.rule(...names.map(literal)),
    ...literal("-"),
    days,
  ];
  // The 29th of February is a day in some years only, so no answer names it.
  const monthAndDay = builder.rule(
    months(["01", "03", "05", "07", "08", "10", "12"], day(["3", 0, 1])),
    months(["04", "06", "09", "11"], day(["3", 0, 0])),
    months(["02"], day()),
  );
  const date = [digit, digit, digit, digit, ...literal("-"), monthAndDay];
  const hour = pair(["0", 0, 9], ["1", 0, 9], ["2", 0, 3]);
  const fraction = builder.rule([], [...literal("."), builder.repeat(digit, 1, 9)]);
  const zone = builder.rule(literal("Z"), [
    builder.rule(literal("+"), literal("-")),
    hour,
    ...literal(":"),
    below60,
  ]);
  const time = [hour, ...literal(":"), below60, ...literal(":"), below60, fraction, zone];
  const hexes = (count: number): GrammarElement => builder.repeat(hex, count, count);
  const dash = literal("-");
  switch (format) {
    case "date":
      return date;
    case "time":
      return time;
    case "date-time":
      return [...date, ...literal("T"), ...time];
    case "uuid":
      return [hexes(8), ...dash, hexes(4), ...dash, hexes(4), ...dash, hexes(4), ...dash, hexes(12)];
    default:
      return undefined;
  }
}

function refuse(expected: string, got: string, where: string): never {
  throw new FirnError("GENERATE_SCHEMA", {
    expected,
    got,
    where: where.slice(0, 200),
    next: "Change the schema; docs/serve.md lists what answers can be held to.",
  });
}
