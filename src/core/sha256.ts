/** @file SHA-256, the one hash by which Firn names content. */
import { createHash, type Hash } from "node:crypto";

/** Lower-case hex SHA-256 of `data` (strings as UTF-8). */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** A running SHA-256 for streams. */
export function startSha256(): Hash {
  return createHash("sha256");
}
