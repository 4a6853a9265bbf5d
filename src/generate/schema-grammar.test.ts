import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import type { Grammar } from "./grammar.ts";
import { JsonGrammarBuilder } from "./json-grammar.ts";
import { schemaElement } from "./schema-grammar.ts";
import { GrammarConstraint, TokenTable } from "./token-constraint.ts";

const ajv = new Ajv2020({ strict: false, allErrors: true });
// The package's types describe its CommonJS form.
(addFormats as unknown as (to: Ajv2020) => void)(ajv);

function grammarOf(schema: unknown, strict = true): Grammar {
  const builder = new JsonGrammarBuilder();
  return builder.build(schemaElement(builder, schema, { strict }));
}

function accepts(grammar: Grammar, text: string): boolean {
  let state: Grammar["start"] | undefined = grammar.start;
  for (const byte of new TextEncoder().encode(text)) {
    if (state === undefined) return false;
    state = grammar.step(state, byte);
  }
  return state?.canEnd ?? false;
}

/** A text of the grammar, drawn byte by byte, that ends as soon as it may after some length. */
function draw(grammar: Grammar, seed: number): string {
  const random = randomStream(seed, "draw");
  const bytes: number[] = [];
  let state = grammar.start;
  // Closing bytes first once the text is long, so that a draw ends.
  const closing = [0x22, 0x7d, 0x5d, 0x30, 0x2c];
  while (!(state.canEnd && (state.places.length === 0 || bytes.length > 30))) {
    const next = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => grammar.step(state, byte));
    expect(next.length).toBeGreaterThan(0);
    const close = bytes.length > 60 ? closing.find((byte) => next.includes(byte)) : undefined;
    const byte = close ?? next[random.integer(next.length)]!;
    bytes.push(byte);
    state = grammar.step(state, byte)!;
    expect(bytes.length).toBeLessThan(20_000);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
}

const leaf = fc.oneof(
  fc.constantFrom(
    { type: "string" },
    { type: "boolean" },
    { type: "null" },
    { type: "number" },
    { type: ["string", "null"] },
    { enum: ['a"b', 1, null, "ü"] },
    { const: { x: [1, "y"] } },
    { type: "string", format: "date-time" },
    { type: "string", format: "date" },
    { type: "string", format: "uuid" },
  ),
  fc
    .tuple(fc.integer({ min: -5000, max: 5000 }), fc.nat(20_000))
    .map(([minimum, span]) => ({ type: "integer", minimum, maximum: minimum + span })),
  fc
    .tuple(fc.nat(4), fc.nat(4))
    .map(([min, more]) => ({ type: "string", minLength: min, maxLength: min + more })),
);
const { schema: anySchema } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.tuple(tie("schema"), fc.nat(2), fc.nat(2)).map(([items, min, more]) => ({
      type: "array",
      items,
      minItems: min,
      maxItems: min + more,
    })),
    fc
      .tuple(fc.dictionary(fc.stringMatching(/^[a-z"é]{1,4}$/), tie("schema"), { maxKeys: 3 }), fc.nat(7))
      .map(([properties, mask]) => ({
        type: "object",
        properties,
        required: Object.keys(properties).filter((_, i) => (mask >> i) & 1),
        additionalProperties: false,
      })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    tie("schema").map((additionalProperties) => ({ type: "object", additionalProperties })),
  ),
}));

describe("a schema's grammar", () => {
  it("lets nothing through that is not an instance of the schema", () => {
    fc.assert(
      fc.property(anySchema, fc.nat(), (schema, seed) => {
        const text = draw(grammarOf(schema), seed);
        const value: unknown = JSON.parse(text);
        const valid = ajv.validate(schema, value);
        expect(valid, `${text} against ${JSON.stringify(schema)}: ${ajv.errorsText()}`).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("takes any JSON as any value, as JSON.stringify writes it", () => {
    const any = grammarOf(true);
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), (text) => {
        fc.pre(!/\\u[dD][89a-fA-F]/.test(text) && !/e[+-]?\d{3}|\d{17}/.test(text));
        expect(accepts(any, text)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("counts integers exactly", () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(), fc.integer(), (minimum, span, value) => {
        const maximum = minimum + span;
        const grammar = grammarOf({ type: "integer", minimum, maximum });
        for (const one of [value, minimum, maximum, minimum - 1, maximum + 1, 0])
          expect(accepts(grammar, String(one))).toBe(one >= minimum && one <= maximum);
      }),
      { numRuns: 100 },
    );
    expect(accepts(grammarOf({ type: "integer" }), "-0")).toBe(false);
    expect(accepts(grammarOf({ type: "integer", exclusiveMinimum: 3 }), "3")).toBe(false);
  });

  it("follows references, into themselves too", () => {
    const tree = {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: { name: { type: "string" }, kids: { type: "array", items: { $ref: "#/$defs/node" } } },
          required: ["name", "kids"],
        },
      },
    };
    const grammar = grammarOf(tree);
    expect(accepts(grammar, '{"name":"a","kids":[{"name":"b","kids":[]}]}')).toBe(true);
    expect(accepts(grammar, '{"name":"a","kids":[{"name":"b"}]}')).toBe(false);
  });

  it.each([
    ["a pattern", { type: "string", pattern: "^a" }],
    ["a multiple", { type: "integer", multipleOf: 3 }],
    ["several schemas at once", { allOf: [{ type: "string" }, { minLength: 3 }] }],
    ["a format it does not know", { type: "string", format: "email" }],
    ["unique items", { type: "array", items: { type: "null" }, uniqueItems: true }],
  ])("that cannot hold an answer to %s refuses it when strict and passes over it else", (_, schema) => {
    expect(() => grammarOf(schema)).toThrow(/GENERATE_SCHEMA|expected/);
    expect(() => grammarOf(schema, false)).not.toThrow();
  });

  it.each([
    ["not a schema", 5],
    ["a type nobody knows", { type: "date" }],
    ["an empty enum", { enum: [] }],
    ["a reference to nowhere", { $ref: "#/nowhere" }],
    ["a reference to itself", { $ref: "#" }],
    ["an impossible range", { type: "integer", minimum: 3, maximum: 2 }],
    ["a required name it does not have", { type: "object", properties: { a: {} }, required: ["b"] }],
  ])("of %s is an error", (_, schema) => {
    expect(() => grammarOf(schema, false)).toThrow();
  });

  it("takes little memory for what repeats, and is refused before it takes all", () => {
    const fields = (count: number, schema: unknown) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, schema]));
    const builder = new JsonGrammarBuilder();
    const text = { type: "string", maxLength: 2048 };
    schemaElement(builder, { type: "object", properties: fields(1000, text) }, { strict: true });
    expect(builder.size).toBeLessThan(100_000);
    const tables = { type: "array", minItems: 2000, maxItems: 2048, items: { enum: ["a"] } };
    const large = { type: "object", properties: fields(1000, tables) };
    expect(() => grammarOf(large)).toThrowError(expect.objectContaining({ code: "GENERATE_SCHEMA" }));
  });

  it("has no references to what every object has", () => {
    for (const name of ["constructor", "__proto__", "$defs/toString"])
      expect(() => grammarOf({ $ref: `#/${name}`, $defs: {} }, false)).toThrowError(
        expect.objectContaining({ code: "GENERATE_SCHEMA" }),
      );
  });

  it("of any JSON is a grammar or an error that says where", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (schema) => {
        try {
          grammarOf(schema, false);
        } catch (error) {
          expect(error).toMatchObject({ code: "GENERATE_SCHEMA" });
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("a constrained choice of tokens", () => {
  const words = ['{"', "a", '":', " ", "1", "12", "}", '"}', "x", "tr", "true", "ue", '{"a":'].map((word) =>
    new TextEncoder().encode(word),
  );
  const table = new TokenTable(words.length + 1, (id) => words[id]);
  const end = words.length;
  const constraint = (schema: unknown) => new GrammarConstraint(table, grammarOf(schema), [end]);

  it("names the same tokens whether it lists or tests them", () => {
    fc.assert(
      fc.property(anySchema, fc.array(fc.nat(words.length)), (schema, path) => {
        const one = constraint(schema);
        for (const pick of path) {
          const all = Array.from({ length: words.length + 1 }, (_, id) => id).filter((id) => one.allows(id));
          expect([...(one.few(100) ?? [])].sort((a, b) => a - b)).toEqual(all);
          if (all.length > 0) expect(one.few(all.length - 1) === undefined || one.allows(end)).toBe(true);
          const text = all.filter((id) => id !== end);
          if (text.length === 0) return;
          one.accept(text[pick % text.length]!);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("is complete when nothing may follow", () => {
    const one = constraint({ type: "object", properties: { a: { type: "boolean" } }, required: ["a"] });
    for (const id of [12, 9, 11]) {
      expect(one.complete).toBe(false);
      expect(one.allows(id)).toBe(true);
      one.accept(id);
    }
    expect(one.allows(end)).toBe(false);
    one.accept(6);
    expect([one.complete, one.few(5)]).toEqual([true, [end]]);
  });
});
