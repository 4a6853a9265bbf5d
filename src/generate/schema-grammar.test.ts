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

function reaches(grammar: Grammar, text: string): boolean {
  let state: Grammar["start"] | undefined = grammar.start;
  for (const byte of new TextEncoder().encode(text)) state = state && grammar.step(state, byte);
  return state !== undefined;
}

/** Bytes that end a text which stands at `from`, as few as there can be; of ASCII where that is a way. */
function shortestEnd(grammar: Grammar, from: Grammar["start"]): number[] {
  for (const some of [0x80, 0x100]) {
    const ways = new Map([[from, [] as number[]]]);
    for (const [state, way] of ways) {
      if (state.canEnd) return way;
      const next = (byte: number) => grammar.step(state, byte);
      const all = Array.from({ length: 256 }, (_, byte) => byte);
      const bytes = all.slice(0, some).filter(next);
      for (const byte of bytes.length > 0 ? bytes : all.filter(next))
        if (!ways.has(next(byte)!)) ways.set(next(byte)!, [...way, byte]);
    }
  }
  throw new Error("the grammar leads nowhere");
}

/** A text of the grammar, drawn byte by byte, that ends as soon as it can after some length. */
function draw(grammar: Grammar, seed: number): string {
  const random = randomStream(seed, "draw");
  const bytes: number[] = [];
  let state = grammar.start;
  while (bytes.length < 40 && !(state.canEnd && state.places.length === 0)) {
    const next: number[] = [];
    for (let byte = 0; byte < 256; byte++) if (grammar.step(state, byte) !== undefined) next.push(byte);
    const byte = next[random.integer(next.length)]!;
    bytes.push(byte);
    state = grammar.step(state, byte)!;
  }
  bytes.push(...shortestEnd(grammar, state));
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
    { type: "string", format: "email" },
    { type: "string", format: "ipv4" },
    { type: "string", format: "ipv6" },
    { type: "string", format: "hostname", maxLength: 12 },
    { type: "string", format: "duration" },
    { type: "string", pattern: "^[A-Z]{2}-\\d{3,5}$" },
    { type: "string", pattern: "ü|é", maxLength: 5 },
    { allOf: [{ pattern: "^(?:ab?)+$" }, { pattern: "b$", minLength: 4 }, { type: "string", maxLength: 9 }] },
    { type: "integer", multipleOf: 7, minimum: -50, exclusiveMaximum: 300 },
    { type: "number", minimum: 0.5, exclusiveMaximum: 12.25 },
    { type: "number", exclusiveMinimum: -1e-7 },
    { enum: [1, 2.5, 7, "7", null], type: ["number", "null"], exclusiveMinimum: 1 },
    { type: "array", items: { enum: ["a", "b", 3, null] }, uniqueItems: true, minItems: 2 },
    { type: "array", prefixItems: [{ type: "boolean" }, { type: "null" }], items: { const: 1 }, maxItems: 4 },
    { oneOf: [{ type: "integer", minimum: 5 }, { type: "integer", maximum: 4 }, { type: "string" }] },
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
    fc.tuple(tie("schema"), tie("schema")).map(([one, other]) => ({
      allOf: [
        { type: "object", properties: { x: one, y: true }, required: ["x", "y"] },
        { properties: { x: true, y: other }, additionalProperties: false },
      ],
    })),
    tie("schema").map((additionalProperties) => ({ type: "object", additionalProperties })),
  ),
}));

describe("a schema's grammar", () => {
  it("lets nothing through that is not an instance of the schema", () => {
    fc.assert(
      fc.property(
        anySchema,
        anySchema,
        fc.nat(),
        fc.jsonValue({ maxDepth: 2 }),
        (schema, other, seed, any) => {
          const validate = ajv.compile(schema);
          const grammar = grammarOf(schema);
          const text = draw(grammar, seed);
          const valid = validate(JSON.parse(text));
          expect(valid, `${text} against ${JSON.stringify(schema)}: ${ajv.errorsText(validate.errors)}`).toBe(
            true,
          );
          for (const value of [JSON.parse(draw(grammarOf(other), seed)) as unknown, any])
            if (!validate(value)) expect(accepts(grammar, JSON.stringify(value))).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("takes any JSON as any value, as JSON.stringify writes it", () => {
    const any = grammarOf(true);
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), (text) => {
        fc.pre(!/\\u[dD][89a-fA-F]/.test(text) && !/e[+-]?\d{3}|\d{17}/.test(text));
        expect(accepts(any, text)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("counts whole numbers and their multiples exactly", () => {
    const divisors = fc.constantFrom(1, 1, 2, 3, 7, 10, 60, 97, 1000);
    fc.assert(
      fc.property(fc.integer(), fc.nat(), fc.integer(), divisors, (minimum, span, value, multipleOf) => {
        const maximum = minimum + span;
        const grammar = grammarOf({ type: "integer", minimum, maximum: maximum + multipleOf, multipleOf });
        const near = Math.ceil(value / multipleOf) * multipleOf;
        for (const one of [value, near, minimum, maximum, minimum - 1, maximum + multipleOf + 1, 0]) {
          const inside = one >= minimum && one <= maximum + multipleOf && one % multipleOf === 0;
          expect(accepts(grammar, String(one))).toBe(inside);
        }
      }),
      { numRuns: 50 },
    );
    expect(accepts(grammarOf({ type: "integer" }), "-0")).toBe(false);
    expect(accepts(grammarOf({ type: "integer", exclusiveMinimum: 3 }), "3")).toBe(false);
    expect(accepts(grammarOf({ type: "integer" }), String(Number.MIN_SAFE_INTEGER))).toBe(true);
  });

  it("takes the decimal numbers inside its bounds, and no other", () => {
    const number = fc.oneof(
      fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat(6)).map(([digits, by]) => digits / 10 ** by),
      fc.constantFrom(0, 0.1, 0.30000000000000004, 1e-7, 123456.789, -1e20, 1e20, 5e-324),
    );
    fc.assert(
      fc.property(number, number, fc.nat(3), fc.array(number, { maxLength: 5 }), (a, b, open, values) => {
        const schema = {
          type: "number",
          [open & 1 ? "minimum" : "exclusiveMinimum"]: Math.min(a, b),
          [open & 2 ? "maximum" : "exclusiveMaximum"]: Math.max(a, b),
        };
        let grammar: Grammar;
        try {
          grammar = grammarOf(schema);
        } catch {
          // Nothing of 15 digits lies between the bounds.
          expect(a === b || Math.min(Math.abs(a), Math.abs(b)) >= 1e15 || Math.abs(a - b) < 1e-14).toBe(true);
          return;
        }
        for (const value of [...values, a, b, (a + b) / 2]) {
          const text = value.toFixed(9);
          const valid = ajv.validate(schema, Number(text));
          if (text.replace(/[-.]/g, "").replace(/^0+/, "").length > 15 || /^-0\.0*$/.test(text)) continue;
          expect(accepts(grammar, text), `${text} in ${JSON.stringify(schema)}`).toBe(valid);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("takes the texts that a pattern is found in, and no other", () => {
    const atom = fc.constantFrom(
      "a",
      "b",
      ".",
      "[ab]",
      "[^a]",
      "\\d",
      "\\w",
      "\\S",
      "é",
      "\\u{1F600}",
      "\\p{Lu}",
      "\\n",
      '"',
      "\\\\",
      "[\\d-]",
    );
    const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
      pattern: fc.oneof(
        { depthSize: "small" },
        atom,
        fc.tuple(tie("pattern"), tie("pattern")).map(([one, other]) => `${one}${other}`),
        fc.tuple(tie("pattern"), tie("pattern")).map(([one, other]) => `(?:${one}|${other})`),
        fc
          .tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"))
          .map(([one, many]) => `(${one})${many}`),
        tie("pattern").map((one) => `^${one}`),
        tie("pattern").map((one) => `${one}$`),
        tie("pattern").map((one) => `^(?:${one})$`),
      ),
    }));
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...Array.from('ab1Aé😀"\\\n_-')), maxLength: 6 }),
      fc.string({ unit: "binary", maxLength: 3 }),
    );
    fc.assert(
      fc.property(
        pattern,
        fc.array(text, { minLength: 5, maxLength: 12 }),
        fc.nat(),
        (source, texts, seed) => {
          const test = new RegExp(source, "u");
          let grammar: Grammar | undefined;
          try {
            grammar = grammarOf({ type: "string", pattern: source });
          } catch {
            // An anchor in the middle: no text has it.
          }
          for (const one of texts)
            expect(
              grammar !== undefined && accepts(grammar, JSON.stringify(one)),
              `${one} for ${source}`,
            ).toBe(test.test(one));
          if (grammar === undefined) return;
          const drawn = JSON.parse(draw(grammar, seed)) as string;
          expect(test.test(drawn), `${drawn} for ${source}`).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
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

  it.each<[string, object, string]>([
    ["a look-ahead", { type: "string", pattern: "^(?=a)b" }, "a look-ahead '(?='"],
    ["a look-behind", { type: "string", pattern: "(?<!a)b" }, "a look-behind '(?<!'"],
    ["a back-reference", { type: "string", pattern: "(a)\\1" }, "a back-reference '\\1'"],
    ["a word boundary", { type: "string", pattern: "a\\b" }, "a word boundary '\\b'"],
    ["a pattern that is none", { type: "string", pattern: "(a" }, "no regular expression"],
    ["a pattern that never ends", { type: "string", pattern: "((a{99}){99}){99}" }, "too much"],
    ["a multiple that is no whole number", { type: "number", multipleOf: 0.1 }, "#/multipleOf"],
    ["a format it does not know", { type: "string", format: "iri" }, "#/format"],
    [
      "unique items of any kind",
      { type: "array", items: { type: "string" }, uniqueItems: true },
      "#/uniqueItems",
    ],
    ["one of two that overlap", { oneOf: [{ type: "number" }, { type: "integer" }] }, "#/oneOf"],
    ["names by pattern", { type: "object", patternProperties: {} }, "#/patternProperties"],
    ["what it is not", { properties: { a: { not: { type: "null" } } } }, "#/properties/a/not"],
  ])(
    "that cannot hold an answer to %s refuses it when strict, says where, and passes over it else",
    (_, schema, says) => {
      expect(() => grammarOf(schema)).toThrow(says);
      expect(() => grammarOf(schema, false)).not.toThrow();
    },
  );

  it("holds a value to everything that is said of it at once", () => {
    const person = {
      allOf: [{ $ref: "#/$defs/named" }, { properties: { age: { minimum: 0 } }, required: ["age"] }],
      properties: { name: { minLength: 2 }, age: { type: "integer", maximum: 9 } },
      $defs: { named: { type: "object", properties: { name: { type: "string" } }, required: ["name"] } },
    };
    const grammar = grammarOf(person);
    expect(accepts(grammar, '{"name":"ab","age":9}')).toBe(true);
    for (const text of [
      '{"name":"a","age":9}',
      '{"name":"ab","age":-1}',
      '{"name":"ab","age":10}',
      '{"name":"ab"}',
    ])
      expect(accepts(grammar, text), text).toBe(false);
    const either = grammarOf({
      type: "object",
      properties: { a: { type: "null" }, b: { type: "null" } },
      anyOf: [{ required: ["a"] }, { required: ["b"] }],
    });
    expect(
      ['{"a":null}', '{"b":null}', '{"a":null,"b":null}', "{}"].map((text) => accepts(either, text)),
    ).toEqual([true, true, true, false]);
  });

  it("reads the bounds of older drafts, and of a loose schema with too many combinations takes anything", () => {
    const old = grammarOf({ type: "integer", minimum: 3, exclusiveMinimum: true, maximum: 5 });
    expect(["3", "4", "5", "6"].map((text) => accepts(old, text))).toEqual([false, true, true, false]);
    const either = { anyOf: Array.from({ length: 20 }, (_, i) => ({ const: i })) };
    const much = { allOf: [either, { ...either }, { ...either }] };
    expect(() => grammarOf(much)).toThrow("more than 256 alternatives");
    expect(accepts(grammarOf(much, false), '"anything"')).toBe(true);
  });

  it("follows a list that may end anywhere, by anyOf and by its discriminator", () => {
    const chain = {
      $ref: "#/$defs/link",
      $defs: {
        link: {
          type: "object",
          properties: { next: { anyOf: [{ $ref: "#/$defs/link" }, { type: "null" }] } },
          required: ["next"],
        },
      },
    };
    expect(accepts(grammarOf(chain), '{"next":{"next":null}}')).toBe(true);
    const shape = {
      discriminator: { propertyName: "kind" },
      oneOf: ["circle", "square"].map((kind) => ({
        type: "object",
        properties: { kind: { const: kind }, size: { type: "integer" } },
        required: ["kind"],
      })),
    };
    expect(accepts(grammarOf(shape), '{"kind":"square","size":3}')).toBe(true);
    expect(accepts(grammarOf(shape), '{"size":3}')).toBe(false);
  });

  it("never leads to a place from where no instance can be reached", () => {
    // A name nobody can give, a way that never ends, and a length that no text of the pattern has.
    const grammar = grammarOf({
      anyOf: [
        { type: "object", properties: { never: false, ever: { const: 1 } } },
        { $ref: "#/$defs/endless" },
        { type: "string", pattern: "^(?:aaa)+$", maxLength: 2 },
      ],
      $defs: { endless: { type: "array", items: { $ref: "#/$defs/endless" }, minItems: 1 } },
    });
    expect(accepts(grammar, '{"ever":1}')).toBe(true);
    for (const text of ['{"n', "[", '"']) expect(reaches(grammar, text), text).toBe(false);
  });

  it.each([
    ["not a schema", 5],
    ["a type nobody knows", { type: "date" }],
    ["an empty enum", { enum: [] }],
    ["a reference to nowhere", { $ref: "#/nowhere" }],
    ["a reference to itself", { $ref: "#" }],
    ["itself, as one of several", { anyOf: [{ type: "null" }, { $ref: "#" }] }],
    ["an impossible range", { type: "integer", minimum: 3, maximum: 2 }],
    ["an impossible length", { type: "string", minLength: 3, maxLength: 2 }],
    ["two types at once", { allOf: [{ type: "string" }, { type: "null" }] }],
    ["nothing", { type: "object", properties: { a: false }, required: ["a"] }],
    ["a bound that is no number", { type: "integer", minimum: "3" }],
    ["a required name it does not have", { type: "object", properties: { a: {} }, required: ["b"] }],
  ])("of %s is an error", (_, schema) => {
    expect(() => grammarOf(schema, false)).toThrow();
  });

  it("takes little memory for what repeats, and is refused before it takes all", () => {
    const fields = (count: number, schema: unknown) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, structuredClone(schema)]));
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
