import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileServer } from "../../../test/servers/file-server.ts";
import { signatureOf, startS3Server } from "../../../test/servers/s3-server.ts";
import { sha256 } from "../../core/index.ts";
import { downloadFile } from "./download-file.ts";
import { listS3Objects, parseS3Address, type S3Access, s3Access, s3Server, s3Url } from "./s3-api.ts";

const keys = { id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const signal = new AbortController().signal;

describe("a store that speaks S3", () => {
  const content = randomBytes(200_000);
  let dir: string;
  let server: FileServer;
  let access: S3Access;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "firn-s3-"));
    server = await startS3Server(keys, "eu-central-2", 2);
    for (const key of ["a/1.jsonl", "a/2 ü+&(x)*.jsonl", "a/3.jsonl", "b/4.jsonl"])
      server.files.set(`/texts/${key}`, content);
    const patience = { attempts: 3, waitMs: 2, silenceMs: 500 };
    access = { endpoint: server.url, region: "eu-central-2", keys, patience };
  });
  afterEach(async () => {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });

  it("is judged by a server whose signatures are those of Amazon's documentation", () => {
    // "Examples: Signature Calculations in AWS Signature Version 4": GET Object, and GET Bucket (List Objects).
    const headers = {
      host: "examplebucket.s3.amazonaws.com",
      range: "bytes=0-9",
      "x-amz-content-sha256": sha256(""),
      "x-amz-date": "20130524T000000Z",
    };
    const by = {
      secret: keys.secret,
      scope: "20130524/us-east-1/s3/aws4_request",
      signedHeaders: "host;range;x-amz-content-sha256;x-amz-date",
    };
    const object = new URL("https://examplebucket.s3.amazonaws.com/test.txt");
    expect(signatureOf("GET", object, headers, by)).toBe(
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    const list = new URL("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J");
    const signedHeaders = "host;x-amz-content-sha256;x-amz-date";
    expect(signatureOf("GET", list, headers, { ...by, signedHeaders })).toBe(
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
  });

  it("lists what lies under a prefix, page after page", async () => {
    const objects = await listS3Objects({ bucket: "texts", prefix: "a/" }, access, signal);
    expect(objects.map(({ key }) => key)).toEqual(["a/1.jsonl", "a/2 ü+&(x)*.jsonl", "a/3.jsonl"]);
    expect(objects[0]!.bytes).toBe(content.length);
  });

  it("gives objects with any name, resumed and signed anew after a break", async () => {
    server.trouble = (_, nth) => (nth === 1 ? { breakAfter: 70_000 } : undefined);
    const path = join(dir, "object");
    const url = s3Url(access, "texts", "a/2 ü+&(x)*.jsonl");
    const expected = { bytes: content.length, sha256: sha256(content) };
    expect(await downloadFile({ url, path, expect: expected, access: s3Server(access), signal })).toEqual(
      expected,
    );
    expect(content.equals(await readFile(path))).toBe(true);
    expect(server.seen).toHaveLength(2);
    expect(server.seen[1]!.range).toMatch(/^bytes=\d+-$/);
  });

  it("refuses other keys and other regions, and the message holds no secret", async () => {
    const ask = (other: Partial<S3Access>): Promise<string> =>
      listS3Objects({ bucket: "texts", prefix: "" }, { ...access, ...other }, signal).then(
        () => "a list",
        (error: unknown) => (error as Error).message,
      );
    expect(await ask({ keys: undefined })).toMatch(/DOWNLOAD_REFUSED.*Set AWS_ACCESS_KEY_ID/);
    expect(await ask({ keys: { id: keys.id, secret: "wrong-secret" } })).toMatch(/DOWNLOAD_REFUSED/);
    expect(await ask({ keys: { id: keys.id, secret: "wrong-secret" } })).not.toContain("wrong-secret");
    expect(await ask({ region: "us-east-1" })).toMatch(/AWS_REGION/);
    server.trouble = () => ({ status: 200 });
    expect(await ask({})).toMatch(/DOWNLOAD_ANSWER/);
  });

  it("is the one that the environment names", () => {
    expect(s3Access({})).toEqual({
      endpoint: "https://s3.us-east-1.amazonaws.com",
      region: "us-east-1",
      keys: undefined,
    });
    expect(
      s3Access({
        AWS_REGION: "auto",
        AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9000/",
        AWS_ACCESS_KEY_ID: "i",
        AWS_SECRET_ACCESS_KEY: "s",
      }),
    ).toMatchObject({ endpoint: "http://127.0.0.1:9000", region: "auto", keys: { id: "i", secret: "s" } });
    expect(parseS3Address("s3://texts/a/b c")).toEqual({ bucket: "texts", key: "a/b c" });
    for (const wrong of ["s3://", "s3://A", "s3:///x", "gs://texts/a"])
      expect(() => parseS3Address(wrong), wrong).toThrow("DOWNLOAD_ADDRESS");
  });
});
