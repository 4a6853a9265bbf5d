/**
 * @file The door: who asks, and whether they may. Without a file of keys everybody is the same anonymous user, which is
 * right on the loopback address only.
 */
import { ApiError } from "../api-error.ts";
import { Allowance } from "./allowance.ts";
import type { ApiKey } from "./api-keys.ts";
import type { KeyRing } from "./key-ring.ts";

/** Who asks. */
export interface Identity {
  /** Id of the key; undefined for the anonymous user. */
  readonly key: string | undefined;
  readonly role: ApiKey["role"];
  /** Called with the tokens of a finished answer. */
  spend(tokens: number): void;
}

/** Whoever has shown no key. */
export const ANYBODY: Identity = { key: undefined, role: "admin", spend: () => undefined };

/** What is shown to whoever reaches the port: the page itself, the published papers, and that the server lives. */
function isPublic(method: string, path: string): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return !/^\/(v1|api|mcp|metrics|tokenize|detokenize)(\/|$)/.test(path);
}

function needsAdmin(path: string): boolean {
  return path === "/metrics";
}

/** OpenAI's clients send a bearer token, Anthropic's `x-api-key`. */
function presentedKey(headers: Headers): string | undefined {
  const bearer = /^Bearer +(\S{1,200})$/i.exec(headers.get("authorization") ?? "")?.[1];
  return bearer ?? headers.get("x-api-key")?.slice(0, 200) ?? undefined;
}

export interface Entry {
  readonly identity: Identity;
  /** To be sent with the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

export class Access {
  readonly #ring: KeyRing | undefined;
  readonly #allowances = new Map<string, { readonly rates: string; readonly allowance: Allowance }>();

  /** @param ring the keys that open the server; without it it is open */
  constructor(ring: KeyRing | undefined) {
    this.#ring = ring;
  }

  /** Whether the server asks for keys. */
  get closed(): boolean {
    return this.#ring !== undefined;
  }

  /**
   * Lets a request in. Throws 401 without a valid key, 403 for a key that may not do this, 429 (with `Retry-After`) when the
   * key has used up its allowance.
   */
  async enter(method: string, path: string, headers: Headers): Promise<Entry> {
    if (this.#ring === undefined || isPublic(method, path)) return { identity: ANYBODY, headers: {} };
    const secret = presentedKey(headers);
    const key = secret === undefined ? undefined : await this.#ring.find(secret);
    if (key === undefined) {
      throw new ApiError(401, {
        message:
          secret === undefined
            ? "This server asks for an API key: send it as `Authorization: Bearer <key>` or `x-api-key: <key>`."
            : "This API key is not valid here: it is unknown, expired or revoked.",
        code: secret === undefined ? "missing_api_key" : "invalid_api_key",
        headers: { "WWW-Authenticate": "Bearer" },
      });
    }
    if (needsAdmin(path) && key.role !== "admin") {
      throw new ApiError(403, {
        message: `The key '${key.name}' may not do this.`,
        code: "insufficient_permissions",
      });
    }
    const allowance = this.#allowance(key);
    const spend = (tokens: number): void => allowance.spend(tokens);
    const identity = { key: key.id, role: key.role, spend };
    // Looking at lists costs nothing worth counting.
    if (method !== "POST") return { identity, headers: {} };
    const admission = allowance.admit();
    if (admission.admitted) return { identity, headers: admission.headers };
    throw new ApiError(429, {
      message: `The key '${key.name}' has used its ${admission.limit} of this minute. Try again in ${admission.retryAfter} s.`,
      code: "rate_limit_exceeded",
      headers: { ...admission.headers, "Retry-After": String(admission.retryAfter) },
    });
  }

  #allowance(key: ApiKey): Allowance {
    const rates = `${key.requestsPerMinute} ${key.tokensPerMinute}`;
    const known = this.#allowances.get(key.id);
    // A changed limit starts a new minute.
    if (known?.rates === rates) return known.allowance;
    const allowance = new Allowance(key);
    this.#allowances.set(key.id, { rates, allowance });
    return allowance;
  }
}
