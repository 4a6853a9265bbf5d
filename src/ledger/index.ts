/** @file `firn/ledger`: facts, their hash chain, and the questions they answer. */
export { CHAIN_START, type Fact, factId, type NewFact } from "./fact.ts";
export { Ledger, verifyLedger } from "./ledger.ts";
export * from "./trace.ts";
