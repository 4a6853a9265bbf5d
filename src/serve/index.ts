/**
 * @file `firn/serve`: an OpenAI-compatible API and the web page, on any `LanguageModel`.
 *
 * @example
 * const server = await startServer({ models: [{ id: "nano", model, chat, created }], port: 8080 });
 * server.url; // http://127.0.0.1:8080
 * await server.close();
 */
export type { ChatCodec, ChatMessage, SpokenCall } from "./chat-codec.ts";
export type { ConversationEntry, ConversationInfo, Feedback, StoredMessage } from "./conversation-store.ts";
export type { MessageDetail } from "./conversations.ts";
export type { DistributionAnswer, DistributionToken, ShownToken } from "./distribution.ts";
export type { DocumentsInfo, DocumentsPage, DocumentsSearch, ShownDocument } from "./documents.ts";
export type { NextAnswer } from "./next-token.ts";
export type { OriginsAnswer } from "./origins.ts";
export type { LookupAnswer } from "./portal.ts";
export { DEFAULT_LIMITS, type ServeLimits } from "./limits.ts";
export type { ServedModel } from "./served-model.ts";
export type { ParallelText } from "./tokenizers.ts";
export { tokenizerCodec } from "./tokenizer-codec.ts";
export { builtWebDir, type RunningServer, type ServeOptions, startServer } from "./server.ts";
export type { ServeEvent, ServeLog } from "./service.ts";
export type { GroupLoss, RunInfo, Runs, RunSample, RunStep } from "./runs.ts";
export {
  type ApiKey,
  makeApiKey,
  type NewKey,
  readApiKeys,
  type Role,
  ROLES,
  writeApiKeys,
} from "./access/api-keys.ts";
export { type McpSources, serveMcpOverStdio } from "./mcp-server.ts";
export { type AgentEvent, type AgentOptions, runAgent } from "./tools/agent.ts";
export { calculator } from "./tools/calculator.ts";
export { DocumentIndex, documentSearch } from "./tools/document-search.ts";
export { openMcpTools, readMcpConfig } from "./tools/mcp-tools.ts";
export type { Tool, ToolResult } from "./tools/tool.ts";
export { Toolbox } from "./tools/toolbox.ts";
