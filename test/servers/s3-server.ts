/**
 * @file A store on loopback that speaks S3: paged `ListObjectsV2` and `GetObject` with ranges, and refuses every request
 * whose Signature Version 4 it does not compute to the same value itself.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type FileServer, startFileServer } from "./file-server.ts";

export interface S3Keys {
  readonly id: string;
  readonly secret: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
/** RFC 3986's unreserved characters stay. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature of a request by the rules of "Signature Calculations for the Authorization Header" (AWS S3). */
export function signatureOf(
  method: string,
  url: URL,
  headers: IncomingHttpHeaders,
  { secret, scope, signedHeaders }: { secret: string; scope: string; signedHeaders: string },
): string {
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const lines = signedHeaders.split(";").map(
    (name) =>
      `${name}:${String(headers[name] ?? "")
        .trim()
        .replace(/\s+/g, " ")}\n`,
  );
  const request = [
    method,
    decodeURIComponent(url.pathname).split("/").map(encode).join("/"),
    query,
    lines.join(""),
    signedHeaders,
    String(headers["x-amz-content-sha256"]),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"]), scope, sha256(request)].join("\n");
  const [date, region, service, end] = scope.split("/");
  const key = [date!, region!, service!, end!].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  return hmac(key, toSign).toString("hex");
}

const escape = (text: string): string =>
  text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]!);

/** Starts a store of one region; its objects are `files` under `/bucket/key`. */
export async function startS3Server(keys: S3Keys, region: string, pageLength: number): Promise<FileServer> {
  const server = await startFileServer((request, response, url) => {
    const refuse = (status: number, code: string): true => {
      response.writeHead(status).end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
      return true;
    };
    const given =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8}\/[^/]+\/s3\/aws4_request), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
        request.headers.authorization ?? "",
      );
    if (given === null) return refuse(403, "AccessDenied");
    const [, id, scope, signedHeaders, signature] = given;
    if (id !== keys.id || scope!.split("/")[1] !== region) return refuse(403, "InvalidAccessKeyId");
    if (!signedHeaders!.split(";").includes("host")) return refuse(403, "AccessDenied");
    const full = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const right = signatureOf(request.method ?? "GET", full, request.headers, {
      secret: keys.secret,
      scope: scope!,
      signedHeaders: signedHeaders!,
    });
    if (!timingSafeEqual(Buffer.from(right), Buffer.from(signature!)))
      return refuse(403, "SignatureDoesNotMatch");
    if (url.searchParams.get("list-type") !== "2") return false;
    const root = `${decodeURIComponent(url.pathname)}/`;
    const objects = [...server.files]
      .filter(([path]) => path.startsWith(root + (url.searchParams.get("prefix") ?? "")))
      .map(([path, bytes]) => ({ key: path.slice(root.length), bytes: bytes.length }));
    const from = Number(url.searchParams.get("continuation-token") ?? 0);
    const more = from + pageLength < objects.length;
    const contents = objects
      .slice(from, from + pageLength)
      .map(({ key, bytes }) => `<Contents><Key>${escape(key)}</Key><Size>${bytes}</Size></Contents>`);
    response
      .writeHead(200, { "Content-Type": "application/xml" })
      .end(
        `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${contents.join("")}` +
          `<IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${from + pageLength}</NextContinuationToken>` : ""}</ListBucketResult>`,
      );
    return true;
  });
  return server;
}
