/** @file What a tool is: a function with a name and a JSON Schema, whose answers are text for the model. */

/** Where an answer comes from, for the reader to look up. */
export interface Citation {
  readonly title: string;
  /** File and lines, or an address. */
  readonly place: string;
  readonly quote: string;
}

export interface ToolResult {
  readonly text: string;
  /** The tool failed; `text` says why. The model is told, and may try something else. */
  readonly isError: boolean;
  readonly citations: readonly Citation[];
}

export interface Tool {
  /** Letters, digits, `_` and `-`, 64 at most: what OpenAI's API allows. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** `firn` for those built in, else the name of the MCP server. */
  readonly origin: string;
  /** Never rejects but with `signal.reason`: what goes wrong is a result with `isError`. */
  call(args: unknown, signal: AbortSignal): Promise<ToolResult>;
}

export function toolText(text: string, citations: readonly Citation[] = []): ToolResult {
  return { text, isError: false, citations };
}

export function toolError(text: string): ToolResult {
  return { text, isError: true, citations: [] };
}
