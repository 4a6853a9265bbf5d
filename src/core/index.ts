/** @file `firn/core`: errors, labelled randomness, canonical JSON, formatting, progress. Knows no other room. */
export { canonicalJson, type Json } from "./canonical-json.ts";
export { type Communicator, soloCommunicator, type Transfer, type TransferData } from "./communicator.ts";
export {
  assert,
  BugError,
  describeError,
  type ErrorCode,
  type ErrorParts,
  FirnError,
  systemErrorCode,
} from "./errors.ts";
export {
  displayWidth,
  formatBytes,
  formatCount,
  formatDuration,
  formatInteger,
  formatPercent,
  formatTable,
} from "./format.ts";
export { groupBy } from "./group-by.ts";
export { nearestName } from "./nearest-name.ts";
export { parseJson } from "./parse-json.ts";
export { type ProgressTask, type Reporter, silentReporter, type Work } from "./progress.ts";
export { type RandomStream, randomStream } from "./random.ts";
export { sha256, startSha256 } from "./sha256.ts";
export { mapOrdered, type PoolOptions, PoolWorker, serveItems, startWorker } from "./worker-pool.ts";
