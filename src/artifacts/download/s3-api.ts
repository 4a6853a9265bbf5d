/**
 * @file Stores that speak Amazon S3's interface (AWS, MinIO, Ceph, R2, …): what lies under a prefix, and signed requests
 * for one object (Signature Version 4). Buckets stand in the path, which every such store understands.
 */
import { AwsClient } from "aws4fetch";
import { Parser } from "htmlparser2";
import { FirnError } from "../../core/index.ts";
import { type Patience, printableUrl, readAnswer, type ServerAccess } from "./request.ts";

/** Which store, and on whose behalf. */
export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  /** Left out for buckets that anybody may read. */
  readonly keys?:
    | { readonly id: string; readonly secret: string; readonly session?: string | undefined }
    | undefined;
  readonly patience?: Patience | undefined;
}

/** `s3://bucket/key`, taken apart. */
export interface S3Address {
  readonly bucket: string;
  /** A key, the beginning of keys, or a pattern of them. */
  readonly key: string;
}

export interface S3Object {
  readonly key: string;
  readonly bytes: number;
}

const MAX_PAGE_BYTES = 16 * 1024 * 1024;
const MAX_OBJECTS = 1_000_000;

/** The store and keys that the environment names, under the names that Amazon's own programs read. */
export function s3Access(environment: Readonly<Record<string, string | undefined>>): S3Access {
  const read = (...names: string[]): string | undefined =>
    names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== "");
  const region = read("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1";
  const endpoint = read("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") ?? `https://s3.${region}.amazonaws.com`;
  const [id, secret] = [read("AWS_ACCESS_KEY_ID"), read("AWS_SECRET_ACCESS_KEY")];
  const keys =
    id === undefined || secret === undefined ? undefined : { id, secret, session: read("AWS_SESSION_TOKEN") };
  return { endpoint: endpoint.replace(/\/+$/, ""), region, keys };
}

/** @throws FirnError `DOWNLOAD_ADDRESS` */
export function parseS3Address(address: string): S3Address {
  const match = /^s3:\/\/([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(address);
  if (match === null) {
    throw new FirnError("DOWNLOAD_ADDRESS", {
      expected: "s3://bucket/key",
      got: "something else",
      where: address,
      next: "Name the bucket as the store does: 3 to 63 lower-case letters, digits, hyphens and points.",
    });
  }
  return { bucket: match[1]!, key: match[2] ?? "" };
}

/** Where an object lies. Everything but unreserved characters is encoded, as the signature demands. */
export function s3Url({ endpoint }: Pick<S3Access, "endpoint">, bucket: string, key: string): string {
  const encode = (part: string): string =>
    encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${endpoint}/${bucket}/${key.split("/").map(encode).join("/")}`;
}

/** Signs every request, where there are keys. */
export function s3Server({ region, keys, patience }: S3Access): ServerAccess {
  const whenRefused =
    keys === undefined
      ? "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys that may read it."
      : "These keys may not read it, or AWS_REGION or AWS_ENDPOINT_URL_S3 is another than the store's.";
  const common = { whenRefused, ...(patience === undefined ? {} : { patience }) };
  if (keys === undefined) return common;
  const client = new AwsClient({
    accessKeyId: keys.id,
    secretAccessKey: keys.secret,
    ...(keys.session === undefined ? {} : { sessionToken: keys.session }),
    service: "s3",
    region,
  });
  return {
    ...common,
    async headersFor(url, headers) {
      // Only what S3 demands is signed: proxies, and fetch itself, may touch the rest.
      const signed = await client.sign(url);
      return { ...headers, ...Object.fromEntries(signed.headers) };
    },
  };
}

/** One page of `ListObjectsV2`. */
function parseListing(xml: string): { objects: S3Object[]; next: string | undefined; isListing: boolean } {
  const objects: S3Object[] = [];
  const path: string[] = [];
  let text = "";
  let key = "";
  let bytes = Number.NaN;
  let isListing = false;
  let next: string | undefined;
  const parser = new Parser(
    {
      onopentag(name) {
        path.push(name);
        text = "";
        if (path.length === 1) isListing = name === "ListBucketResult";
      },
      ontext(part) {
        text += part;
      },
      onclosetag(name) {
        const place = path.join("/");
        if (place === "ListBucketResult/Contents/Key") key = text;
        if (place === "ListBucketResult/Contents/Size" && /^\d{1,15}$/.test(text)) bytes = Number(text);
        if (place === "ListBucketResult/NextContinuationToken") next = text;
        if (name === "Contents" && Number.isSafeInteger(bytes)) objects.push({ key, bytes });
        path.pop();
      },
    },
    { xmlMode: true },
  );
  parser.end(xml);
  return { objects, next, isListing };
}

/**
 * The objects whose keys begin with `prefix`, sorted by key.
 *
 * @throws FirnError `DOWNLOAD_REFUSED`, `DOWNLOAD_MISSING`, `DOWNLOAD_UNREACHABLE`, `DOWNLOAD_ANSWER`
 */
export async function listS3Objects(
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  access: S3Access,
  signal: AbortSignal,
): Promise<S3Object[]> {
  const server = s3Server(access);
  const found: S3Object[] = [];
  let token: string | undefined;
  do {
    const query = new URLSearchParams({ "list-type": "2", prefix });
    if (token !== undefined) query.set("continuation-token", token);
    // The signature is made over %20, not over +.
    const url = `${access.endpoint}/${bucket}?${query.toString().replaceAll("+", "%20")}`;
    const { text } = await readAnswer(url, server, MAX_PAGE_BYTES, signal);
    const { objects, next, isListing } = parseListing(text);
    found.push(...objects);
    if (!isListing || found.length > MAX_OBJECTS || (next !== undefined && next === token)) {
      throw new FirnError("DOWNLOAD_ANSWER", {
        expected: `a list of at most ${MAX_OBJECTS} objects, as S3 gives it`,
        got: isListing ? "one that goes on" : "something else",
        where: printableUrl(url),
        next: "Check AWS_ENDPOINT_URL_S3 and the bucket, or name a longer prefix.",
      });
    }
    token = next;
  } while (token !== undefined);
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}
