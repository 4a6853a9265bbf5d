/** @file `docs/reference/recipe.md`, written from the recipe schema: every field, its type, its default. */
import { z } from "zod";
import { recipeSchema } from "./schema.ts";

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly format?: string;
}

/** Where JSON Schema says "any safe integer", nobody has set a bound. */
const isBound = (value: number | undefined): value is number =>
  value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const parts = [
    ...(isBound(minimum) ? [`≥ ${minimum}`] : []),
    ...(isBound(exclusiveMinimum) ? [`> ${exclusiveMinimum}`] : []),
    ...(isBound(maximum) ? [`≤ ${maximum}`] : []),
    ...(isBound(exclusiveMaximum) ? [`< ${exclusiveMaximum}`] : []),
  ];
  return parts.length === 0 ? "" : ` ${parts.join(", ")}`;
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] | undefined {
  return schema.anyOf ?? schema.oneOf;
}

function typeName(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  const options = alternatives(schema);
  if (options !== undefined) return [...new Set(options.map(typeName))].join(" or ");
  if (schema.type === "array")
    return `list of ${schema.items === undefined ? "anything" : typeName(schema.items)}`;
  if (schema.type === "object") {
    const { additionalProperties } = schema;
    return schema.properties === undefined && typeof additionalProperties === "object"
      ? `names with ${typeName(additionalProperties)}`
      : "section";
  }
  const base =
    schema.format === "date"
      ? "date"
      : schema.format === "uri"
        ? "address"
        : String(schema.type ?? "anything");
  return `${base}${range(schema)}`;
}

/** The properties of a section, or of every branch of a list of sections. */
function sections(schema: JsonSchema): JsonSchema[] {
  if (schema.properties !== undefined) return [schema];
  const inner = schema.items === undefined ? [] : [schema.items];
  return [...inner, ...(alternatives(schema) ?? []), ...(schema.allOf ?? [])].flatMap(sections);
}

function rows(schema: JsonSchema, path: string): string[][] {
  const found: string[][] = [];
  for (const section of sections(schema)) {
    for (const [name, field] of Object.entries(section.properties ?? {})) {
      const full = path === "" ? name : `${path}.${name}`;
      const inner = sections(field);
      const list = field.type === "array" && inner.length > 0 ? `${full}[]` : full;
      const value = field.default === undefined ? undefined : JSON.stringify(field.default);
      const standard =
        value === undefined || (inner.length > 0 && value === "{}")
          ? section.required?.includes(name) === true
            ? "required"
            : ""
          : value.length > 60
            ? "a longer value"
            : `\`${value}\``;
      found.push([list, typeName(field), standard]);
      found.push(...rows(field, list));
    }
  }
  const seen = new Set<string>();
  return found.filter(([name, type]) => {
    const key = `${name} ${type}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The whole page. */
export function recipeReference(): string {
  const schema = z.toJSONSchema(recipeSchema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  return [
    "<!-- Written by `npm run docs` from src/recipes/schema.ts; edit that. -->",
    "# Recipes",
    "",
    "A recipe is one YAML file. `recipes/nano.yaml` is a commented one that runs; copy it. A key that is not listed here is",
    "refused with its line and the nearest known name. Relative paths start at the recipe's own folder.",
    "",
    "A source of your own can be one line: `- { folder: ./my-texts, licence: CC-BY-4.0 }`, and likewise `jsonl:` and",
    "`parquet:`. Fields of a reader depend on its `type`.",
    "",
    "| field | takes | default |",
    "|---|---|---|",
    ...rows(schema, "").map(
      ([name, type, standard]) => `| \`${name}\` | ${type!.replaceAll("|", "\\|")} | ${standard} |`,
    ),
    "",
  ].join("\n");
}
