/** @file `firn/ledger`: facts, their hash chain, and the questions they answer. */
export { CHAIN_START, type Fact, factId, type NewFact } from "./fact.ts";
export { Ledger, type LedgerVerdict, verifyLedger } from "./ledger.ts";
export { type HostDecisions, hostDecisions, type HostTotals } from "./hosts.ts";
export * from "./trace.ts";
export * from "./trace-group.ts";
export { buildTraceIndex, indexBytes, openTraceIndex, type TraceIndex } from "./trace-index.ts";
export { type TokenPlace, tokenPlaces } from "./token-places.ts";
export type { OriginDocument, Origins } from "./origins.ts";
export type { VerbatimSpan } from "./verbatim.ts";
export { openRunTrace, type RunTrace } from "./run-trace.ts";
export type { DocumentTrace, DomainTrace, GroupTrace, TextTrace } from "./trace-rows.ts";
export {
  collectRequests,
  concernsNothing,
  isKeptAsHash,
  normaliseSubject,
  type OpenRequest,
  recordedSubject,
  refuseEverything,
  REQUEST_DECISIONS,
  REQUEST_KINDS,
  requestClock,
  type RequestEffect,
  requestId,
  type RequestRecord,
  requestRules,
  type RequestSubject,
} from "./request.ts";
export { type RunTables, traceRequest } from "./request-effect.ts";
export { requestLetter } from "./request-letter.ts";
export { requestPassages } from "./request-passages.ts";
