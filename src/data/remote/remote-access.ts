/** @file What is needed to reach files that lie elsewhere: which servers, on whose behalf, and where to keep the files. */
import { homedir } from "node:os";
import { join } from "node:path";
import {
  type HubAccess,
  hubAccess,
  type S3Access,
  s3Access,
  type ServerAccess,
} from "../../artifacts/index.ts";

export interface RemoteAccess {
  /** Fetched files, by their SHA-256: what is here is not fetched again, whichever recipe asks. */
  readonly downloadsDir: string;
  readonly hub: HubAccess;
  readonly s3: S3Access;
  /** For plain addresses. */
  readonly web: ServerAccess;
  readonly signal: AbortSignal;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Access as the environment describes it: `FIRN_DOWNLOADS` (else `firn/downloads` in the user's cache folder), and the
 * variables that `hubAccess` and `s3Access` read.
 */
export function remoteAccess(environment: Environment, signal: AbortSignal): RemoteAccess {
  const cache = environment["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return {
    downloadsDir: environment["FIRN_DOWNLOADS"] ?? join(cache, "firn", "downloads"),
    hub: hubAccess(environment),
    s3: s3Access(environment),
    web: {},
    signal,
  };
}
