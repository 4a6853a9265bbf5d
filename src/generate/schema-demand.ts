/**
 * @file What a JSON schema demands of a value, with its references followed and its combinations multiplied out: a list of
 * alternatives, each of which is a set of demands that hold together. `allOf` and keywords that stand beside `$ref`, `anyOf`
 * or `oneOf` are therefore as exact as any other.
 */
import { canonicalJson } from "../core/index.ts";
import { accepts } from "./automaton.ts";
import {
  BINDING,
  type Demand,
  isEmptyRange,
  isRecord,
  KeywordReader,
  type Part,
  refuse,
  type Schema,
  TYPES,
} from "./schema-keywords.ts";

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
  "discriminator",
]);
const COMBINING = ["$ref", "allOf", "anyOf", "oneOf"] as const;
const KNOWN = new Set<string>([...COMBINING, ...BINDING, "nullable"]);
const NULL: Schema = { type: "null" };
/** Alternatives that a schema's combinations may be multiplied out to, and schemas that may be looked at for it. */
const MAX_ALTERNATIVES = 256;
const MAX_STEPS = 100_000;

class TooMany extends Error {}

/** Reads the demands of the parts of one schema. */
export class DemandReader {
  readonly #root: unknown;
  readonly #strict: boolean;
  readonly #keywords: KeywordReader;
  /** Each `oneOf` that has been found to be of schemas apart. */
  readonly #apart = new Set<unknown>();
  #steps = 0;

  constructor(root: unknown, strict: boolean) {
    this.#root = root;
    this.#strict = strict;
    this.#keywords = new KeywordReader(strict);
  }

  /**
   * The alternatives of what all of `parts` demand together; none when nothing meets them.
   *
   * @throws FirnError `GENERATE_SCHEMA`: not a schema, or a strict one with a keyword that cannot be enforced
   */
  read(parts: readonly Part[]): Demand[] {
    const at = parts[0]?.at ?? "#";
    return this.#waysOf(parts, at).map((flat) => this.#keywords.join(flat, at));
  }

  #waysOf(parts: readonly Part[], at: string): Part[][] {
    try {
      return this.#product(parts, []);
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      if (this.#strict) refuse("combinations that can be written out", error.message, at);
      // Any value.
      return [[]];
    }
  }

  /** Whether `value` is one that `parts` describe. */
  meets(value: unknown, parts: readonly Part[]): boolean {
    return this.read(parts).some((demand) => this.meetsDemand(value, demand));
  }

  meetsDemand(value: unknown, demand: Demand): boolean {
    const type = typeOf(value);
    const { types, values, min, max } = demand;
    if (types !== undefined && !types.has(type) && !(type === "integer" && types.has("number"))) return false;
    if (values !== undefined && !values.some((one) => canonicalJson(one) === canonicalJson(value)))
      return false;
    if (typeof value === "number") {
      if (min !== undefined && (value < min.value || (min.open && value === min.value))) return false;
      if (max !== undefined && (value > max.value || (max.open && value === max.value))) return false;
      return value % demand.divisor === 0 || demand.divisor === 1;
    }
    if (typeof value === "string") {
      const length = Array.from(value).length;
      if (length < demand.length.min || length > demand.length.max) return false;
      return demand.texts.every((text) => accepts(text, value));
    }
    if (Array.isArray(value)) {
      if (value.length < demand.count.min || value.length > demand.count.max) return false;
      if (demand.unique && new Set(value.map(canonicalJson)).size < value.length) return false;
      return value.every((item, i) => this.meets(item, demand.prefix[i] ?? demand.items ?? []));
    }
    if (!isRecord(value)) return true;
    if (![...demand.required].every((name) => Object.hasOwn(value, name))) return false;
    return Object.entries(value).every(([name, inner]) =>
      this.meets(inner, demand.properties.get(name) ?? demand.additional),
    );
  }

  /** The ways to meet all of `parts`, each as schemas without combinations. */
  #product(parts: readonly Part[], within: readonly unknown[]): Part[][] {
    let ways: Part[][] = [[]];
    for (const part of parts) {
      const choices = this.#expand(part, within);
      ways = ways.flatMap((way) => choices.map((choice) => [...way, ...choice]));
      if (ways.length > MAX_ALTERNATIVES) throw new TooMany(`more than ${MAX_ALTERNATIVES} alternatives`);
    }
    return ways;
  }

  /** `within`: the schemas that this one is a combination in. */
  #expand({ schema, at }: Part, within: readonly unknown[]): Part[][] {
    if (++this.#steps > MAX_STEPS) throw new TooMany(`more than ${MAX_STEPS} schemas to look at`);
    if (schema === true) return [[]];
    if (schema === false) return [];
    if (!isRecord(schema)) refuse("a JSON schema (an object)", JSON.stringify(schema).slice(0, 60), at);
    if (within.includes(schema)) refuse("a $ref that ends at a schema", "a circle", at);
    const inside = [...within, schema];
    this.#checkKeywords(schema, at);
    const { $ref: pointer } = schema as { readonly $ref?: unknown };
    const parts: Part[] = [];
    if (typeof pointer === "string") {
      const target = resolvePointer(this.#root, pointer);
      if (target === undefined)
        refuse("a $ref to a part of this schema", JSON.stringify(pointer.slice(0, 60)), at);
      parts.push({ schema: target, at: pointer });
    } else if (pointer !== undefined)
      refuse("a $ref that is a text", JSON.stringify(pointer).slice(0, 60), at);
    parts.push(...(this.#list(schema, "allOf", at) ?? []));
    let ways = this.#product(parts, inside);
    for (const keyword of ["anyOf", "oneOf"] as const) {
      const options = this.#list(schema, keyword, at);
      if (options === undefined) continue;
      if (keyword === "oneOf" && !this.#apart.has(schema)) {
        this.#checkApart(options, at);
        this.#apart.add(schema);
      }
      const choices = options.flatMap((option) => this.#product([option], inside));
      ways = ways.flatMap((way) => choices.map((choice) => [...way, ...choice]));
      if (ways.length > MAX_ALTERNATIVES) throw new TooMany(`more than ${MAX_ALTERNATIVES} alternatives`);
    }
    const binds = BINDING.some((keyword) => schema[keyword] !== undefined);
    if (binds) ways = ways.map((way) => [...way, { schema, at }]);
    // OpenAPI 3.0: null, too, whatever else the schema says.
    return schema["nullable"] === true ? [...ways, [{ schema: NULL, at }]] : ways;
  }

  #list(schema: Schema, keyword: string, at: string): Part[] | undefined {
    const list = schema[keyword];
    if (list === undefined) return undefined;
    if (!Array.isArray(list) || list.length === 0) refuse("a list of schemas", "none", `${at}/${keyword}`);
    return list.map((part: unknown, i) => ({ schema: part, at: `${at}/${keyword}/${i}` }));
  }

  /** Of a `oneOf` exactly one may hold: an answer is held to that where no value can be two of them. */
  #checkApart(options: readonly Part[], at: string): void {
    if (!this.#strict) return;
    for (const [i, one] of options.entries()) {
      for (const other of options.slice(i + 1)) {
        if (this.#mayBe([one, other], 3))
          refuse(
            "a oneOf whose schemas no value can meet together (or anyOf)",
            `${one.at.split("/").at(-1)} and ${other.at.split("/").at(-1)}, which may overlap`,
            `${at}/oneOf`,
          );
      }
    }
  }

  /** False only if no value meets all of `parts`. */
  #mayBe(parts: readonly Part[], depth: number): boolean {
    return this.read(parts).some((demand) => {
      const types = demand.types ?? new Set(TYPES);
      if (types.size === 0) return false;
      if (demand.values !== undefined)
        return demand.values.some((value) => this.meetsDemand(value, { ...demand, values: undefined }));
      if (depth === 0) return true;
      return [...types].some((type) => {
        if (type === "number" || type === "integer") return !isEmptyRange(demand);
        if (type === "string") return demand.length.min <= demand.length.max;
        if (type !== "object") return true;
        return [...demand.required].every((name) =>
          this.#mayBe(demand.properties.get(name) ?? demand.additional, depth - 1),
        );
      });
    });
  }

  #checkKeywords(schema: Schema, at: string): void {
    if (!this.#strict) return;
    const foreign = Object.keys(schema).find((name) => !ANNOTATIONS.has(name) && !KNOWN.has(name));
    if (foreign !== undefined)
      refuse("keywords that an answer can be held to", `'${foreign}'`, `${at}/${foreign}`);
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

/** Where a schema names no type, those that its keywords speak of. */
export function typesMeant(demand: Demand): ReadonlySet<string> | undefined {
  if (demand.types !== undefined) return demand.types;
  const meant = new Set<string>();
  const { length, texts, properties, required, additional, count } = demand;
  if (texts.length > 0 || length.min > 0 || length.max < Infinity) meant.add("string");
  if (demand.min !== undefined || demand.max !== undefined || demand.divisor !== 1) meant.add("number");
  if (properties.size > 0 || required.size > 0 || additional.length > 0) meant.add("object");
  if (demand.prefix.length > 0 || demand.items !== undefined || demand.unique) meant.add("array");
  if (count.min > 0 || count.max < Infinity) meant.add("array");
  return meant.size === 0 ? undefined : meant;
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
