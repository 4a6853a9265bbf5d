/**
 * @file Keeps other web sites out. A page anywhere on the internet can make its visitor's browser call a server on
 * that visitor's machine, either directly (CSRF) or after pointing its own host name at 127.0.0.1 (DNS rebinding). Two
 * headers that scripts cannot forge give both away: `Host` names the site, `Origin` names who asks.
 */
import { isIP } from "node:net";
import { ApiError } from "./api-error.ts";

/**
 * Throws 403 unless the request's `Host` is an address, `localhost` or one of `allowedHosts`, and its `Origin`, if it
 * has one, is that same host. An address cannot be rebound, so every address is fine.
 */
export function checkSite(headers: Headers, allowedHosts: readonly string[]): void {
  const host = headers.get("host");
  const name = host === null ? undefined : hostName(host);
  if (name === undefined || !isKnownHost(name, allowedHosts)) {
    throw new ApiError(403, {
      message:
        `Requests for the host '${printable(host ?? "")}' are refused. If that name is meant to reach this server, ` +
        "start the server with it as an allowed host.",
      code: "host_not_allowed",
    });
  }
  const origin = headers.get("origin");
  if (origin !== null && originHost(origin) !== host?.toLowerCase()) {
    throw new ApiError(403, {
      message: `Requests from pages of '${printable(origin)}' are refused.`,
      code: "origin_not_allowed",
    });
  }
}

function isKnownHost(name: string, allowedHosts: readonly string[]): boolean {
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (isIP(name.replace(/^\[|\]$/g, "")) !== 0) return true;
  return allowedHosts.some((allowed) => allowed.toLowerCase() === name);
}

/** `Host` without its port, lower case; `[::1]` keeps its brackets. */
function hostName(host: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(host.toLowerCase())?.[1];
}

function originHost(origin: string): string | undefined {
  return /^https?:\/\/(.+)$/.exec(origin.toLowerCase())?.[1];
}

function printable(header: string): string {
  return header.replace(/[^\x20-\x7e]/g, "?").slice(0, 100);
}
