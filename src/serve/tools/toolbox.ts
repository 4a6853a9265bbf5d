/** @file The tools of one server: listed for clients in OpenAI's form, and called one at a time by name. */
import { nearestName, parseJson } from "../../core/index.ts";
import { type Tool, toolError, type ToolResult } from "./tool.ts";

/** A tool as requests to `/v1/chat/completions` name it. */
export interface ToolDefinition {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
  /** Beyond OpenAI's fields: who runs it. */
  readonly origin: string;
}

/** Longest arguments that are looked at. */
const MAX_ARGUMENTS = 256 * 1024;

export class Toolbox {
  readonly #tools: ReadonlyMap<string, Tool>;

  /** Of two tools with one name the first counts. */
  constructor(tools: readonly Tool[]) {
    const byName = new Map<string, Tool>();
    for (const tool of tools) if (!byName.has(tool.name)) byName.set(tool.name, tool);
    this.#tools = byName;
  }

  get size(): number {
    return this.#tools.size;
  }

  definitions(): ToolDefinition[] {
    return [...this.#tools.values()].map(({ name, description, parameters, origin }) => ({
      type: "function",
      function: { name, description, parameters },
      origin,
    }));
  }

  /** Calls a tool with the arguments as the model wrote them (JSON text). Mistakes of the model are results, too. */
  async call(name: string, argumentsText: string, signal: AbortSignal): Promise<ToolResult> {
    signal.throwIfAborted();
    const tool = this.#tools.get(name);
    if (tool === undefined) {
      const near = nearestName(name, [...this.#tools.keys()]);
      return toolError(`There is no tool '${name}'.${near === undefined ? "" : ` Did you mean '${near}'?`}`);
    }
    if (argumentsText.length > MAX_ARGUMENTS) return toolError("The arguments are too long.");
    let args: unknown;
    try {
      args = argumentsText.trim() === "" ? {} : parseJson(argumentsText);
    } catch {
      return toolError("The arguments are not JSON.");
    }
    return tool.call(args, signal);
  }
}
