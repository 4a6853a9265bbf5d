/**
 * @file Requests of people who want their text out: by domain, by the beginning of an address, or by the hash of a
 * document. They stand above every other signal.
 */
import { readJsonl } from "../../artifacts/index.ts";
import { z } from "zod";
import { FirnError } from "../../core/index.ts";
import { pathOfUrl } from "./path-pattern.ts";

const requestSchema = z
  .looseObject({
    id: z.string().min(1).max(200),
    /** When it came, ISO 8601. */
    date: z.string().min(1).max(40),
    domain: z.string().min(1).max(300).optional(),
    urlPrefix: z.string().min(1).max(4096).optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits")
      .optional(),
  })
  .refine(
    ({ domain, urlPrefix, sha256 }) =>
      [domain, urlPrefix, sha256].filter((part) => part !== undefined).length === 1,
    "a request names one of domain, urlPrefix, sha256",
  );

/** One request: `{ id, date, domain | urlPrefix | sha256 }`. */
export type OptOutRequest = z.infer<typeof requestSchema>;

/** What requests look at. */
interface Requested {
  readonly url: string | null;
  readonly sha256: string;
}

/** The requests in force, found in constant time per document (linear in the length of its address). */
export class OptOutRequests {
  readonly count: number;
  readonly #domains = new Map<string, OptOutRequest>();
  readonly #hashes = new Map<string, OptOutRequest>();
  readonly #prefixes = new Map<string, OptOutRequest[]>();

  constructor(requests: readonly OptOutRequest[]) {
    this.count = requests.length;
    for (const request of requests) {
      const { domain, urlPrefix, sha256 } = request;
      if (domain !== undefined) this.#domains.set(domain.toLowerCase().replace(/^\*\.|\.$/g, ""), request);
      if (sha256 !== undefined) this.#hashes.set(sha256, request);
      const place = urlPrefix === undefined ? undefined : pathOfUrl(urlPrefix);
      if (place === undefined) continue;
      this.#prefixes.set(place.host, [...(this.#prefixes.get(place.host) ?? []), request]);
    }
  }

  /**
   * Reads a JSON Lines file of requests.
   *
   * @throws FirnError `DATA_OPTOUT_REQUESTS` naming the first line that is not a request
   */
  static async read(path: string): Promise<OptOutRequests> {
    const requests: OptOutRequest[] = [];
    for await (const batch of readJsonl(path)) {
      for (const item of batch) {
        const parsed = "value" in item ? requestSchema.safeParse(item.value) : undefined;
        if (parsed?.success !== true) {
          throw new FirnError("DATA_OPTOUT_REQUESTS", {
            expected: 'a request such as {"id":"1","date":"2026-01-31","domain":"example.com"}',
            got: "reason" in item ? item.detail : (parsed?.error.issues[0]?.message ?? "something else"),
            where: `${path}:${item.line}`,
            next: "Correct the line; no build may pass over a request that it does not understand.",
          });
        }
        requests.push(parsed.data);
      }
    }
    return new OptOutRequests(requests);
  }

  /** The request that a document falls under. A domain includes its subdomains. */
  find({ url, sha256 }: Requested): OptOutRequest | undefined {
    const byHash = this.#hashes.get(sha256);
    if (byHash !== undefined || url === null) return byHash;
    const place = pathOfUrl(url);
    if (place === undefined) return undefined;
    for (let name = place.host.replace(/:\d+$/, ""); name !== ""; name = name.replace(/^[^.]*\.?/, "")) {
      const byDomain = this.#domains.get(name);
      if (byDomain !== undefined) return byDomain;
    }
    return this.#prefixes
      .get(place.host)
      ?.find(({ urlPrefix }) => place.path.startsWith(pathOfUrl(urlPrefix!)!.path));
  }
}
