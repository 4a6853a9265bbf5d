/**
 * @file Firn as an MCP server: its own questions (what did a step learn from, what became of a text or a domain, what would a
 * recipe cost, how did a model do) as tools for other programs. Every tool only reads.
 */
import { once } from "node:events";
import { type CallToolResult, McpServer, type McpServerFactory } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import { describeError, FirnError } from "../core/index.ts";
import type { RunTrace } from "../ledger/index.ts";

/** What the tools ask; each may throw FirnError, whose words the caller sees. */
export interface McpSources {
  readonly version: string;
  /** The traces of the newest training run, undefined without one. */
  trace(): Promise<RunTrace | undefined>;
  /** Requests for removal that touch a domain. */
  requests(domain: string): Promise<object>;
  /** The plan of a recipe, by name or file. */
  plan(recipe: string): Promise<object>;
  /** The summary of the newest evaluation, undefined without one. */
  evaluation(): Promise<object | undefined>;
}

/** Characters of one answer; a step of a big run names thousands of documents. */
const MAX_ANSWER = 200_000;

const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

async function answer(work: () => Promise<object | undefined>, missing: string): Promise<CallToolResult> {
  try {
    const found = await work();
    if (found === undefined) return { content: [{ type: "text", text: missing }], isError: true };
    const text = JSON.stringify(found, null, 1);
    if (text.length <= MAX_ANSWER) return { content: [{ type: "text", text }] };
    const note = `[cut: ${text.length} characters in all; ask for less, or use the command line with --json]`;
    return { content: [{ type: "text", text: `${text.slice(0, MAX_ANSWER)}\n${note}` }] };
  } catch (error) {
    if (!(error instanceof FirnError)) throw error;
    return { content: [{ type: "text", text: describeError(error) }], isError: true };
  }
}

const NO_RUN = "There is no training run in this store. `firn build nano` makes one.";

/** Makes a server for each connection. */
export function firnMcpServer(sources: McpSources): McpServerFactory {
  return () => {
    const server = new McpServer(
      { name: "firn", version: sources.version },
      {
        instructions:
          "Answers questions about language models trained with Firn, from their records: which documents a training step saw, what became of a document, text or web domain, what people asked to be removed, what a recipe would cost, and how a model was evaluated.",
      },
    );
    const trace = (work: (run: RunTrace) => Promise<object>): Promise<CallToolResult> =>
      answer(async () => {
        const run = await sources.trace();
        return run === undefined ? undefined : work(run);
      }, NO_RUN);
    server.registerTool(
      "trace_step",
      {
        title: "Documents of a training step",
        description:
          "The documents that the model learnt from in one training step, with source and licence.",
        inputSchema: z.object({ step: z.int().min(1).describe("number of the step, counted from 1") }),
        annotations: READS,
      },
      ({ step }) => trace((run) => run.step(step)),
    );
    server.registerTool(
      "trace_document",
      {
        title: "What became of a document",
        description:
          "Which training steps saw a document, or which step of the data pipeline dropped it and why.",
        inputSchema: z.object({ id: z.string().min(1).max(2000).describe("id of the document") }),
        annotations: READS,
      },
      ({ id }) => trace((run) => run.document(id)),
    );
    server.registerTool(
      "trace_text",
      {
        title: "Where a text stands",
        description: "The training documents that hold a passage word for word.",
        inputSchema: z.object({
          text: z.string().min(8).max(2000).describe("the passage, as it is written"),
        }),
        annotations: READS,
      },
      ({ text }) => trace((run) => run.text(text)),
    );
    server.registerTool(
      "trace_domain",
      {
        title: "What was taken from a web domain",
        description: "What was used of a web domain, and what was refused and why.",
        inputSchema: z.object({ domain: z.string().min(3).max(300).describe("for example example.com") }),
        annotations: READS,
      },
      ({ domain }) => trace((run) => run.domain(domain)),
    );
    server.registerTool(
      "optout_lookup",
      {
        title: "Requests for removal",
        description: "The requests for removal that touch a web domain, and what was decided about them.",
        inputSchema: z.object({ domain: z.string().min(3).max(300) }),
        annotations: READS,
      },
      ({ domain }) => answer(() => sources.requests(domain), ""),
    );
    server.registerTool(
      "plan",
      {
        title: "What a recipe would cost",
        description: "Parameters, operations, memory, time and energy of a recipe, before anything is spent.",
        inputSchema: z.object({
          recipe: z.string().min(1).max(500).describe("for example nano or apertus-70b"),
        }),
        annotations: READS,
      },
      ({ recipe }) => answer(() => sources.plan(recipe), ""),
    );
    server.registerTool(
      "evaluation",
      {
        title: "How the model did",
        description: "The summary of the newest evaluation: tasks, scores and what they are compared with.",
        inputSchema: z.object({}),
        annotations: READS,
      },
      () => answer(() => sources.evaluation(), "No model has been evaluated in this store."),
    );
    return server;
  };
}

/** Serves over this process's standard input and output until the input ends; nothing else may write to the output. */
export async function serveMcpOverStdio(sources: McpSources, signal: AbortSignal): Promise<void> {
  const server = serveStdio(firnMcpServer(sources));
  try {
    await once(process.stdin, "end", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await server.close();
  }
}
