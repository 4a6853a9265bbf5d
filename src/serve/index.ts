/**
 * @file `firn/serve`: an OpenAI-compatible API and the web page, on any `LanguageModel`.
 *
 * @example
 * const server = await startServer({ models: [{ id: "nano", model, chat, created }], port: 8080 });
 * server.url; // http://127.0.0.1:8080
 * await server.close();
 */
export type { ChatCodec, ChatMessage } from "./chat-codec.ts";
export type { DistributionAnswer, DistributionToken, ShownToken } from "./distribution.ts";
export type { LookupAnswer } from "./portal.ts";
export { DEFAULT_LIMITS, type ServeLimits } from "./limits.ts";
export type { ServedModel } from "./served-model.ts";
export { tokenizerCodec } from "./tokenizer-codec.ts";
export { builtWebDir, type RunningServer, type ServeOptions, startServer } from "./server.ts";
export type { ServeEvent, ServeLog } from "./service.ts";
export type { GroupLoss, RunInfo, Runs, RunSample, RunStep } from "./runs.ts";
