/**
 * @file Tools of MCP servers (Model Context Protocol), over stdio or streamable HTTP. What a server says is somebody else's
 * text: it is bounded in size and time, and a server that hangs, dies or lies costs its own call and nothing else.
 */
import { Client, StreamableHTTPClientTransport, type Transport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { z } from "zod";
import { readJsonFile } from "../../artifacts/index.ts";
import { describeError, FirnError, parseJson } from "../../core/index.ts";
import { type Tool, toolError, type ToolResult } from "./tool.ts";

const CONNECT_MS = 15_000;
const CALL_MS = 60_000;
/** Characters of one result that are given to the model. */
const MAX_RESULT = 64 * 1024;
const MAX_TOOLS = 128;
/** Characters of the schema of one tool's arguments. */
const MAX_SCHEMA = 64 * 1024;

const serverSchema = z.union([
  z.strictObject({
    command: z.string().min(1),
    args: z.array(z.string()).default([]),
    env: z.record(z.string(), z.string()).default({}),
    cwd: z.string().min(1).optional(),
  }),
  z.strictObject({
    url: z.url({ protocol: /^https?$/ }),
    headers: z.record(z.string(), z.string()).default({}),
  }),
]);
const configSchema = z.strictObject({
  mcpServers: z.record(z.string().regex(/^[a-zA-Z0-9_-]{1,32}$/, "letters, digits, _ and -"), serverSchema),
});
export type McpServerConfig = z.infer<typeof serverSchema>;
export type McpConfig = z.infer<typeof configSchema>;

/** Reads the servers from a file in the form that other MCP clients use. @throws FirnError `SERVE_MCP_CONFIG` */
export function readMcpConfig(file: string): Promise<McpConfig> {
  const refuse = (got: string, cause?: unknown): FirnError =>
    new FirnError("SERVE_MCP_CONFIG", {
      expected:
        '{ "mcpServers": { "<name>": { "command": …, "args": […] } or { "url": …, "headers": {…} } } }',
      got,
      where: file,
      next: "Correct the file; docs/service-front.md has an example.",
      cause,
    });
  return readJsonFile(file, configSchema, refuse);
}

function transportOf(server: McpServerConfig): Transport {
  if ("url" in server)
    return new StreamableHTTPClientTransport(new URL(server.url), {
      requestInit: { headers: server.headers },
    });
  // Nothing but what the configuration names and the usual few variables reaches the server's environment.
  return new StdioClientTransport({
    command: server.command,
    args: server.args,
    env: server.env,
    stderr: "ignore",
    ...(server.cwd === undefined ? {} : { cwd: server.cwd }),
  });
}

/** One server: connected when first needed, and again after it was lost. */
class McpServer {
  readonly name: string;
  readonly #config: McpServerConfig;
  #client: Promise<Client> | undefined;

  constructor(name: string, config: McpServerConfig) {
    this.name = name;
    this.#config = config;
  }

  connect(): Promise<Client> {
    this.#client ??= this.#open().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #open(): Promise<Client> {
    const client = new Client({ name: "firn", version: "1" }, { versionNegotiation: { mode: "auto" } });
    client.onclose = () => {
      this.#client = undefined;
    };
    await client.connect(transportOf(this.#config), { timeout: CONNECT_MS });
    return client;
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close().catch(() => undefined);
  }

  async call(tool: string, args: Record<string, unknown>, signal: AbortSignal): Promise<ToolResult> {
    try {
      const client = await this.connect();
      const result = await client.callTool({ name: tool, arguments: args }, { timeout: CALL_MS, signal });
      return readResult(result);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return toolError(`The tool server '${this.name}' failed: ${describeError(error).slice(0, 500)}`);
    }
  }
}

const contentSchema = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).default([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().default(false),
});

/** The text of a result; of other kinds of content only that they were there. */
function readResult(result: unknown): ToolResult {
  const parsed = contentSchema.safeParse(result);
  if (!parsed.success) return toolError("The tool server answered in no form of the protocol.");
  const { content, structuredContent, isError } = parsed.data;
  const parts = content.map((part) => part.text ?? `[${part.type}, not shown to the model]`);
  const text =
    parts.length > 0 || structuredContent === undefined
      ? parts.join("\n")
      : JSON.stringify(structuredContent);
  const cut =
    text.length > MAX_RESULT ? `${text.slice(0, MAX_RESULT)}\n[cut after ${MAX_RESULT} characters]` : text;
  return { text: cut, isError, citations: [] };
}

export interface McpTools {
  readonly tools: readonly Tool[];
  /** Servers that could not be reached, with the reason. */
  readonly missing: readonly { readonly server: string; readonly why: string }[];
  close(): Promise<void>;
}

/** Connects to all servers of `config` at once and lists their tools, as `<server>__<tool>`. */
export async function openMcpTools(config: McpConfig): Promise<McpTools> {
  const servers = Object.entries(config.mcpServers).map(([name, server]) => new McpServer(name, server));
  const tools: Tool[] = [];
  const missing: { server: string; why: string }[] = [];
  const listed = await Promise.allSettled(servers.map((server) => listTools(server)));
  for (const [at, outcome] of listed.entries()) {
    const server = servers[at]!;
    if (outcome.status === "fulfilled") tools.push(...outcome.value);
    else missing.push({ server: server.name, why: describeError(outcome.reason) });
  }
  return {
    tools,
    missing,
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

/** A schema that is too long, or nests so deeply that whoever walks over it fails, takes its tool away. */
function hasSoundSchema({ inputSchema }: { readonly inputSchema: unknown }): boolean {
  try {
    const text = JSON.stringify(inputSchema);
    parseJson(text);
    return text.length <= MAX_SCHEMA;
  } catch {
    return false;
  }
}

async function listTools(server: McpServer): Promise<Tool[]> {
  const client = await server.connect();
  const { tools } = await client.listTools(undefined, { timeout: CONNECT_MS });
  return tools
    .filter(hasSoundSchema)
    .slice(0, MAX_TOOLS)
    .map(({ name, description, inputSchema }) => ({
      name: `${server.name}__${name}`.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64),
      description: (description ?? "").slice(0, 2000),
      parameters: inputSchema as Readonly<Record<string, unknown>>,
      origin: server.name,
      call: async (args, signal) => {
        if (typeof args !== "object" || args === null || Array.isArray(args))
          return toolError("The arguments must be a JSON object.");
        return server.call(name, args as Record<string, unknown>, signal);
      },
    }));
}
