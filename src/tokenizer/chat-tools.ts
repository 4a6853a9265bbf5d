/** @file How tools are declared to the model: one line of TypeScript each (swiss-ai/apertus_format). */
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

function typeOf(schema: ToolSchema): string {
  const orNull = schema.nullable === true ? " | null" : "";
  if (schema.type === "array") {
    return `${schema.items === undefined ? "any" : elementType(schema.items)}[]${orNull}`;
  }
  if (Array.isArray(schema.type)) return schema.type.join(" | ");
  if (schema.oneOf !== undefined && schema.oneOf.length > 0) {
    const structured = schema.oneOf.some(({ type }) => type === "object");
    return structured && schema.oneOf.length > 1 ? "any" : schema.oneOf.map(typeOf).join(" | ");
  }
  if (schema.type === "string") {
    const values = schema.enum ?? [];
    return values.length > 0 ? `"${values.join('" | "')}"` : `string${orNull}`;
  }
  if (schema.type === "object" && Object.keys(schema.properties ?? {}).length > 0) {
    const fields = Object.entries(schema.properties ?? {}).map(
      ([name, field]) => `${name}${(schema.required ?? []).includes(name) ? "" : "?"}: ${typeOf(field)}`,
    );
    return `{${fields.join(", ")}}`;
  }
  return TYPE_NAMES[String(schema.type)] ?? "any";
}

function elementType(schema: ToolSchema): string {
  const type = typeOf(schema);
  return type.length > 50 || type.includes(" | ") ? "any" : type;
}

function declareTool(tool: ChatTool): string {
  const fields = Object.entries(tool.parameters?.properties ?? {});
  const lines = fields.map(([name, schema], i) => {
    const comment = schema.description === undefined ? "" : `// ${schema.description}\n`;
    const optional = (tool.parameters?.required ?? []).includes(name) ? "" : "?";
    const standard = schema.default === undefined ? "" : `, // default: ${spacedJson(schema.default)}`;
    return `${comment}${name}${optional}: ${typeOf(schema)}${standard}${i < fields.length - 1 ? ",\n" : "\n"}`;
  });
  const comment = tool.description === undefined ? "" : `// ${tool.description}\n`;
  return `${comment}type ${tool.name} = ${fields.length > 0 ? `(_: {\n${lines.join("")}}) => any;` : "() => any;"}`;
}

/** The declarations of `tools`, one after the other. */
export function declareTools(tools: readonly ChatTool[]): string {
  return tools.map(declareTool).join("\n");
}
