/**
 * @file API keys. A key is 32 random bytes, shown once; the file keeps its SHA-256, which is enough for a secret nobody
 * can guess (slow hashes are for passwords), and tells nothing to whoever reads it.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { z } from "zod";
import { readJsonFile, writeJsonAtomic } from "../../artifacts/index.ts";
import { FirnError, sha256 } from "../../core/index.ts";

export const ROLES = ["user", "admin"] as const;
/** A `user` may use the models and what is theirs; an `admin` also sees the server's figures. */
export type Role = (typeof ROLES)[number];

const keySchema = z.strictObject({
  /** Public name of the key, in logs and lists. */
  id: z.string().regex(/^[0-9a-f]{8}$/),
  /** Whose it is, in the words of whoever made it. */
  name: z.string().min(1).max(200),
  role: z.enum(ROLES),
  /** SHA-256 of the key. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.iso.datetime(),
  expires: z.iso.datetime().nullable(),
  revoked: z.iso.datetime().nullable(),
  /** null: no limit of its own. */
  requestsPerMinute: z.int().min(1).nullable(),
  tokensPerMinute: z.int().min(1).nullable(),
});
export type ApiKey = z.infer<typeof keySchema>;

const fileSchema = z.strictObject({
  format: z.literal("firn-api-keys"),
  formatVersion: z.literal(1),
  keys: z.array(keySchema).max(100_000),
});

const PREFIX = "firn_";

export interface NewKey {
  readonly name: string;
  readonly role: Role;
  readonly expires: Date | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
}

/** A new key: what its owner is told, once, and what is kept of it. */
export function makeApiKey(wanted: NewKey, now: Date): { readonly secret: string; readonly key: ApiKey } {
  const secret = PREFIX + randomBytes(32).toString("base64url");
  const hash = sha256(secret);
  return {
    secret,
    key: {
      ...wanted,
      id: randomBytes(4).toString("hex"),
      sha256: hash,
      created: now.toISOString(),
      expires: wanted.expires?.toISOString() ?? null,
      revoked: null,
    },
  };
}

/** Whether `key` opens the server at `now`. */
export function isValid(key: ApiKey, now: Date): boolean {
  return key.revoked === null && (key.expires === null || Date.parse(key.expires) > now.getTime());
}

/** The keys in `path`; none if there is no such file. @throws FirnError `SERVE_KEYS` for a file that is not one of keys */
export async function readApiKeys(path: string): Promise<ApiKey[]> {
  if (!existsSync(path)) return [];
  const refuse = (got: string, cause?: unknown): FirnError =>
    new FirnError("SERVE_KEYS", {
      expected: "a file of API keys (format firn-api-keys, version 1)",
      got,
      where: path,
      next: "Make keys with `firn key add <name>`; do not edit the file by hand.",
      cause,
    });
  return (await readJsonFile(path, fileSchema, refuse)).keys;
}

/** Replaces the file of keys in one step. */
export async function writeApiKeys(path: string, keys: readonly ApiKey[]): Promise<void> {
  await writeJsonAtomic(path, { format: "firn-api-keys", formatVersion: 1, keys: [...keys] });
}
