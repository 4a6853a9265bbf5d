/**
 * @file A tool's parameters as the chat format declares them. The client's JSON schema may hold anything; what the format has
 * a notation for is taken over, and the rest is declared as `any` (the answer's grammar knows the whole schema).
 */
import type { ToolSchema } from "../tokenizer/index.ts";

const MAX_DEPTH = 16;

export function declaredSchema(schema: unknown, depth = 0): ToolSchema {
  if (typeof schema !== "object" || schema === null || depth > MAX_DEPTH) return {};
  const from = schema as Readonly<Record<string, unknown>>;
  const { type, description, items, properties } = from;
  const choices = from["oneOf"] ?? from["anyOf"];
  const strings = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
  const values = strings(from["enum"]);
  const inner = (one: unknown): ToolSchema => declaredSchema(one, depth + 1);
  return {
    ...(typeof type === "string" ? { type } : Array.isArray(type) ? { type: strings(type) } : {}),
    ...(typeof description === "string" ? { description } : {}),
    ...(values.length > 0 ? { enum: values } : {}),
    ...(items === undefined ? {} : { items: inner(items) }),
    ...(typeof properties === "object" && properties !== null
      ? {
          properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, inner(one)])),
        }
      : {}),
    required: strings(from["required"]),
    ...(from["nullable"] === true ? { nullable: true } : {}),
    ...(Array.isArray(choices) ? { oneOf: choices.map(inner) } : {}),
    ...(from["default"] === undefined ? {} : { default: from["default"] }),
  };
}
