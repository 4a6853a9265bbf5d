/**
 * @file A conversation as every chat API means it, whatever the shape of its request, and what the model is asked for: the
 * prompt in the model's own chat format, and the form that the answer is held to.
 */
import { z } from "zod";
import { describeError, FirnError } from "../core/index.ts";
import {
  type Grammar,
  JsonGrammarBuilder,
  literal,
  schemaElement,
  type TokenConstraint,
} from "../generate/index.ts";
import { AnswerConstraint } from "./answer-constraint.ts";
import { badValue, unsupported } from "./api-error.ts";
import type { ChatMessage } from "./chat-codec.ts";
import { declaredSchema } from "./declared-schema.ts";
import { checkPromptFits, type GenerationPlan, planGeneration, type Sampling } from "./generation.ts";
import { type ServedModel, tokenTable } from "./served-model.ts";

export interface OfferedTool {
  readonly name: string;
  readonly description: string | undefined;
  /** JSON schema of the arguments; undefined for a tool without any. */
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
  /** Refuse a schema that cannot be enforced in full. */
  readonly strict: boolean;
}

export type ToolChoice = "auto" | "none" | "required" | { readonly name: string };

export type AnswerFormat =
  | { readonly kind: "text" }
  | { readonly kind: "json" }
  | { readonly kind: "schema"; readonly schema: unknown; readonly strict: boolean };

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly OfferedTool[];
  readonly toolChoice: ToolChoice;
  /** The model may call several tools in one answer. */
  readonly parallelCalls: boolean;
  readonly format: AnswerFormat;
  readonly deliberation: boolean;
  readonly sampling: Sampling;
  readonly maxTokens: number | undefined;
  readonly topLogprobs: number;
}

/** Under which names an API's request holds the parts, for its errors. */
export interface PartNames {
  readonly messages: string;
  readonly tools: string;
  readonly toolChoice: string;
  readonly format: string;
}

/** Calls in one answer; a model that does not stop calling is stopped here. */
const MAX_CALLS = 16;

export const toolName = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, "a tool's name has 1 to 64 letters, digits, '_' and '-'");

/** Turns a conversation into what the model is asked to do; throws the API's 400 for what it cannot be asked. */
export function planConversation(
  served: ServedModel,
  conversation: Conversation,
  names: PartNames,
  maxChoices: number,
): GenerationPlan {
  const { tools } = conversation;
  if (tools.length > 0 && served.chat.callMarks === undefined) {
    throw unsupported(names.tools, "tool calls with this model: its chat format has none");
  }
  const constrain = constraintOf(served, conversation, names);
  const prompt = asRequest(names.messages, () => renderPrompt(served, conversation));
  checkPromptFits(served, prompt, names.messages);
  return planGeneration(served, [prompt], conversation.sampling, {
    maxTokens: conversation.maxTokens,
    topLogprobs: conversation.topLogprobs,
    maxChoices,
    constrain,
    channels: tools.length > 0 || served.chat.thoughtMarks !== undefined,
  });
}

/** The ids of a conversation with its tools, in the model's own chat format. Throws what the format refuses. */
export function renderPrompt(
  served: ServedModel,
  { messages, tools, deliberation }: Pick<Conversation, "messages" | "tools" | "deliberation">,
): number[] {
  return served.chat.renderChat(messages, {
    tools: tools.map(({ name, description, parameters }) => ({
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters: declaredSchema(parameters) }),
    })),
    deliberation,
  });
}

function constraintOf(
  served: ServedModel,
  { tools, toolChoice, parallelCalls, format }: Conversation,
  names: PartNames,
): (() => TokenConstraint) | undefined {
  const chosen = typeof toolChoice === "object" ? toolChoice.name : undefined;
  if (toolChoice !== "auto" && toolChoice !== "none" && tools.length === 0) {
    throw badValue(names.toolChoice, `'${names.toolChoice}' asks for a tool, and none is offered.`);
  }
  if (chosen !== undefined && !tools.some(({ name }) => name === chosen)) {
    throw badValue(names.toolChoice, `There is no tool named '${chosen}' in '${names.tools}'.`);
  }
  const repeated = tools.find(({ name }, i) => tools.findIndex((tool) => tool.name === name) !== i);
  if (repeated !== undefined) throw badValue(names.tools, `Two tools are named '${repeated.name}'.`);
  if (tools.length === 0 && format.kind === "text") return undefined;

  const text = asRequest(names.format, () => textGrammar(format));
  const marks = served.chat.callMarks;
  const offered = chosen === undefined ? tools : tools.filter(({ name }) => name === chosen);
  const endIds = served.chat.stopIds.filter((id) => id !== marks?.close);
  const table = tokenTable(served);
  if (marks === undefined || tools.length === 0) {
    return () => new AnswerConstraint({ table, text, calls: undefined, endIds });
  }
  if (toolChoice === "none") {
    const calls = { marks, grammar: undefined, need: "never" } as const;
    return () => new AnswerConstraint({ table, text, calls, endIds });
  }
  const several = parallelCalls && chosen === undefined;
  const grammar = asRequest(names.tools, () => callsGrammar(offered, several ? MAX_CALLS : 1));
  const need: "may" | "must" = toolChoice === "auto" ? "may" : "must";
  return () => new AnswerConstraint({ table, text, calls: { marks, grammar, need }, endIds });
}

function textGrammar(format: AnswerFormat): Grammar | undefined {
  if (format.kind === "text") return undefined;
  const builder = new JsonGrammarBuilder();
  if (format.kind === "json") return builder.build(builder.anyObject);
  return builder.build(schemaElement(builder, format.schema, format));
}

/** `[{"name": {…}}, …]` with the tools' own arguments. */
function callsGrammar(tools: readonly OfferedTool[], most: number): Grammar {
  const builder = new JsonGrammarBuilder();
  const call = builder.rule(
    ...tools.map(({ name, parameters, strict }) => {
      const schema = parameters === undefined ? NO_ARGUMENTS : { type: "object", ...parameters };
      return [...literal(`{"${name}": `), schemaElement(builder, schema, { strict }), ...literal("}")];
    }),
  );
  const more = builder.repeat(builder.rule([...literal(", "), call]), 0, most - 1);
  return builder.build(builder.rule([...literal("["), call, more, ...literal("]")]));
}

const NO_ARGUMENTS = { type: "object", properties: {}, additionalProperties: false };

/** What a room refuses is the client's request to be refused. */
function asRequest<T>(param: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FirnError) throw badValue(param, describeError(error));
    throw error;
  }
}
