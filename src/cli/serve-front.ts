/** @file What stands before the models of `firn serve`: keys, audit log, output filter, tools, engines of others. */
import { existsSync } from "node:fs";
import { z } from "zod";
import { readOutputFilter } from "../artifacts/index.ts";
import { FirnError, formatInteger } from "../core/index.ts";
import {
  calculator,
  DocumentIndex,
  documentSearch,
  openMcpTools,
  readMcpConfig,
  type ServeOptions,
  type Tool,
} from "../serve/index.ts";
import { apiKeysPath } from "./api-keys-path.ts";
import type { CommandCall } from "./command.ts";
import { mcpSources } from "./mcp-sources.ts";
import { outputFilterPath } from "./output-filter.ts";

export const frontOptions = {
  /** True: the store's own file. */
  keys: z.union([z.literal(true), z.string().min(1)]).optional(),
  withoutKeys: z.boolean().default(false),
  audit: z.string().min(1).optional(),
  filter: z.string().min(1).optional(),
  upstream: z.array(z.string()).max(64).optional(),
  documents: z.string().min(1).optional(),
  mcp: z.string().min(1).optional(),
};
const schema = z.object(frontOptions);

export interface Front {
  readonly options: Partial<ServeOptions>;
  /** Stops the tool servers that were started. */
  close(): Promise<void>;
}

function upstreamUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.search === "")
    return url.href;
  throw new FirnError("CLI_BAD_OPTION", {
    expected: "--upstream to be the address of an engine, such as http://127.0.0.1:8000",
    got: JSON.stringify(text),
    next: "Give each engine's address without a path; FIRN_UPSTREAM_KEY holds the key that engines ask for.",
  });
}

/** The tools that the options name: the calculator and, where they say so, search and those of MCP servers. */
export async function openTools(
  options: Pick<z.infer<typeof schema>, "documents" | "mcp">,
  call: CommandCall,
): Promise<{ tools: Tool[]; close: () => Promise<void> }> {
  const tools: Tool[] = [calculator];
  if (options.documents !== undefined) {
    const index = await DocumentIndex.open(options.documents);
    call.report.line(`${formatInteger(index.files)} files of ${options.documents} can be searched.`);
    tools.push(documentSearch(index));
  }
  if (options.mcp === undefined) return { tools, close: () => Promise.resolve() };
  const servers = await openMcpTools(await readMcpConfig(options.mcp));
  for (const { server, why } of servers.missing)
    call.report.line(`The tool server '${server}' could not be reached: ${why}`);
  return { tools: [...tools, ...servers.tools], close: () => servers.close() };
}

export async function openFront(
  options: z.infer<typeof schema>,
  { store, threads }: { readonly store: string; readonly threads: number },
  call: CommandCall,
): Promise<Front> {
  const urls = options.upstream?.map(upstreamUrl);
  const own = outputFilterPath(store);
  const filterFile = options.filter ?? (existsSync(own) ? own : undefined);
  const filter = filterFile === undefined ? undefined : await readOutputFilter(filterFile);
  if (filter !== undefined)
    call.report.line(
      `Output filter: version ${filter.version}, ${formatInteger(new Set(filter.entries.map(({ request }) => request)).size)} requests.`,
    );
  const { tools, close } = await openTools(options, call);
  return {
    options: {
      keys: options.keys === true ? apiKeysPath(store) : options.keys,
      withoutKeys: options.withoutKeys,
      audit: options.audit,
      filter,
      tools,
      mcp: mcpSources(store, threads, call.report),
      ...(urls === undefined ? {} : { upstream: { urls, apiKey: process.env["FIRN_UPSTREAM_KEY"] } }),
    },
    close,
  };
}
