/** @file `firn/artifacts`: the nouns on disk, their readers and writers, the manifest and the store. */
export * from "./artifact.ts";
export * from "./half-precision.ts";
export * from "./safetensors.ts";
export * from "./atomic.ts";
export * from "./parquet.ts";
export * from "./documents.ts";
export * from "./documents-report.ts";
export { BrokenStreamError, readUnpacked } from "./decompress.ts";
export * from "./jsonl.ts";
export * from "./evaluation-summary.ts";
export * from "./evaluations.ts";
export * from "./conversations.ts";
export * from "./fingerprint.ts";
export * from "./manifest.ts";
export * from "./lock.ts";
export * from "./store.ts";
export { listFiles, verifyFiles } from "./verify.ts";
export * from "./tokens.ts";
