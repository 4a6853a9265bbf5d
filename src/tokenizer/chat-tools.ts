/**
 * @file How tools are declared to the model: like TypeScript (swiss-ai/apertus_format). Released models have learnt the
 * declarations as the original template prints them, stray line breaks and indentation included, so these are kept.
 */
import type { ChatTool, ToolSchema } from "./chat-messages.ts";

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  object: "object",
};

/** JSON as Python's `json.dumps` spaces it, which is what chat templates print. */
export function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}: ${spacedJson(item)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

/** A default as the template prints it where the choices are listed: text bare, anything else as JSON. */
const bare = (value: unknown): string => (typeof value === "string" ? value : spacedJson(value));

/** Indentation of the original's source that its template prints before the type of a nested field. */
const FIELD_BREAK = `\n${" ".repeat(16)}`;
/** Likewise before the default of a variant. */
const VARIANT_BREAK = " ".repeat(20);
/** An element type that is longer than this is printed as `any`. */
const LONGEST_ELEMENT = 50;

function typeOf(schema: ToolSchema): string {
  const orNull = schema.nullable === true ? " | null" : "";
  if (schema.type === "array") return `${elementType(schema.items)}[]${orNull}`;
  if (Array.isArray(schema.type) && schema.type.length > 0) return schema.type.join(" | ");
  if (schema.oneOf !== undefined && schema.oneOf.length > 0) {
    return schema.oneOf.map(variantOf).join(" | \n");
  }
  if (schema.type === "string") {
    const values = schema.enum ?? [];
    return values.length > 0 ? `"${values.join('" | "')}"` : `string${orNull}`;
  }
  if (schema.type === "object" && Object.keys(schema.properties ?? {}).length > 0) {
    const fields = Object.entries(schema.properties ?? {}).map(
      ([name, field]) =>
        `${name}${(schema.required ?? []).includes(name) ? "" : "?"}: ${FIELD_BREAK}${typeOf(field)}`,
    );
    return `{\n${fields.join(", ")}}`;
  }
  return TYPE_NAMES[String(schema.type)] ?? "any";
}

function variantOf(schema: ToolSchema): string {
  const comment = schema.description ? `// ${schema.description}` : "";
  const standard =
    schema.default === undefined ? "" : `${VARIANT_BREAK}// default: ${spacedJson(schema.default)}`;
  return `${typeOf(schema)}${comment}${standard}`;
}

function elementType(schema: ToolSchema | undefined): string {
  if (schema === undefined || Object.keys(schema).length === 0) return "any";
  if (["string", "number", "integer", "boolean"].includes(String(schema.type)))
    return TYPE_NAMES[String(schema.type)]!;
  const type = typeOf(schema);
  return type === "object | object" || type.length > LONGEST_ELEMENT ? "any" : type;
}

function defaultOf(schema: ToolSchema): string {
  if (schema.default === undefined) return "";
  if ((schema.enum ?? []).length > 0) return `, // default: ${bare(schema.default)}`;
  if ((schema.oneOf ?? []).length > 0) return `// default: ${bare(schema.default)}`;
  return `, // default: ${spacedJson(schema.default)}`;
}

function declareTool(tool: ChatTool): string {
  const fields = Object.entries(tool.parameters?.properties ?? {});
  const lines = fields.map(([name, schema], i) => {
    const comment = schema.description ? `// ${schema.description}\n` : "";
    const optional = (tool.parameters?.required ?? []).includes(name) ? "" : "?";
    const end = i < fields.length - 1 ? ",\n" : "\n";
    return `${comment}${name}${optional}: ${typeOf(schema)}${defaultOf(schema)}${end}`;
  });
  const comment = tool.description === undefined ? "" : `// ${tool.description}\n`;
  return `${comment}type ${tool.name} = ${fields.length > 0 ? `(_: {\n${lines.join("")}}) => any;` : "() => any;"}`;
}

/** The declarations of `tools`, one after the other. */
export function declareTools(tools: readonly ChatTool[]): string {
  return tools.map(declareTool).join("\n");
}
