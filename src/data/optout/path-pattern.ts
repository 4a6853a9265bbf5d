/**
 * @file Paths and path patterns of RFC 9309 (Robots Exclusion Protocol, §2.2.2 and §2.2.3), which TDMRep and ai.txt
 * borrow: `*` stands for any octets, `$` at the end for the end of the path, everything else for itself, compared
 * octet by octet after percent-encoding has been brought to one form.
 */

/** A pattern ready to be matched. */
export interface PathPattern {
  /** Literal parts between the `*`, in canonical form. */
  readonly parts: readonly string[];
  /** True when the pattern ends with `$`. */
  readonly anchored: boolean;
  /** Octets of the canonical pattern: the longest match decides. */
  readonly length: number;
}

const UNRESERVED = /[A-Za-z0-9._~-]/;
/** Characters of the query that RFC 9309's own example (§2.2.2) wants to be found in either form. */
const QUERY_ENCODED: Readonly<Record<string, string>> = { ":": "%3A", "/": "%2F" };

function canonicalOctets(text: string, special: RegExp): string {
  let inQuery = false;
  const encoded = text.replace(/%([0-9a-fA-F]{2})|[^\x21-\x7e]+|[\s\S]/g, (piece, hex?: string) => {
    if (hex !== undefined) {
      const character = String.fromCharCode(Number.parseInt(hex, 16));
      return UNRESERVED.test(character) ? character : `%${hex.toUpperCase()}`;
    }
    if (/[^\x21-\x7e]/.test(piece)) return encodeURIComponent(piece.replace(/\p{Surrogate}/gu, "\ufffd"));
    if (piece === "?") inQuery = true;
    if (inQuery && piece in QUERY_ENCODED) return QUERY_ENCODED[piece]!;
    return special.test(piece) ? `%${piece.charCodeAt(0).toString(16).toUpperCase()}` : piece;
  });
  return encoded;
}

/** Path and query of an http(s) address in canonical form, or `undefined` for anything else. */
export function pathOfUrl(url: string): { host: string; path: string } | undefined {
  const match = /^https?:\/\/([^/?#\\\s]+)([^#]*)/i.exec(url.trim());
  if (match === null) return undefined;
  const authority = match[1]!.slice(match[1]!.lastIndexOf("@") + 1).toLowerCase();
  const host = authority.replace(/\.?(?::(?:80|443)?)?$/, "");
  const rest = match[2]!;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return host === "" ? undefined : { host, path: canonicalPath(path) };
}

/** A path in canonical form; its own `*` and `$` are encoded, so that only patterns have special characters. */
export function canonicalPath(path: string): string {
  return canonicalOctets(path, /[*$]/);
}

/** Reads a pattern. */
export function parsePattern(text: string): PathPattern {
  const anchored = text.endsWith("$");
  const body = anchored ? text.slice(0, -1) : text;
  const canonical = canonicalOctets(body, /\$/);
  return {
    parts: canonical.split(/\*+/),
    anchored,
    length: canonical.length + (anchored ? 1 : 0),
  };
}

/** Whether `pattern` matches the start (or, anchored, the whole) of a canonical path; linear in the path per part. */
export function matchesPath({ parts, anchored }: PathPattern, path: string): boolean {
  const first = parts[0]!;
  if (!path.startsWith(first)) return false;
  if (parts.length === 1) return !anchored || path.length === first.length;
  let at = first.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const found = path.indexOf(parts[i]!, at);
    if (found < 0) return false;
    at = found + parts[i]!.length;
  }
  const last = parts.at(-1)!;
  return anchored ? path.length - last.length >= at && path.endsWith(last) : path.includes(last, at);
}
