import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileServer, startFileServer } from "../../../test/servers/file-server.ts";
import { type HubServer, startHubServer } from "../../../test/servers/hub-server.ts";
import { startS3Server } from "../../../test/servers/s3-server.ts";
import { readDocuments } from "../../artifacts/index.ts";
import { type FirnError, sha256, silentReporter, type Work } from "../../core/index.ts";
import { acquireSource, sourceIdentity } from "../acquire-source.ts";
import { extractDocuments } from "../extract-documents.ts";
import { resolveSource } from "../resolve-source.ts";
import { type SourceSpec, sourceSpecSchema } from "../source-spec.ts";
import { fetchSource } from "./fetch-source.ts";
import { filePattern } from "./file-pattern.ts";
import { pinAddress } from "./pin-address.ts";
import type { RemoteAccess } from "./remote-access.ts";

const COMMIT = "c0ffee".padEnd(40, "0");
const NEWER = "decade".padEnd(40, "0");
const lines = (...texts: string[]): Buffer =>
  Buffer.from(texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
const packed = gzipSync(lines("eins", "zwei", "drei"));
const plain = lines("four", "five");
const keys = { id: "id", secret: "secret" };

let dir: string;
let hub: HubServer;
let web: FileServer;
let s3: FileServer;
let access: RemoteAccess;
const facts: unknown[] = [];
const work: Work = {
  report: silentReporter,
  signal: new AbortController().signal,
  fact: (_kind, data) => facts.push(data),
  workers: 1,
  threads: 1,
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-remote-"));
  facts.length = 0;
  hub = await startHubServer();
  web = await startFileServer();
  s3 = await startS3Server(keys, "us-east-1", 1);
  const patience = { attempts: 3, waitMs: 2, silenceMs: 300 };
  access = {
    downloadsDir: join(dir, "downloads"),
    hub: { endpoint: hub.hub.url, patience, token: "hf_secret" },
    s3: { endpoint: s3.url, region: "us-east-1", keys, patience },
    web: { patience },
    signal: work.signal,
  };
  const files = new Map([
    ["README.md", Buffer.from("---\nlicense: cc-by-4.0\n---\n")],
    ["data/a.jsonl.gz", packed],
    ["data/b.jsonl", plain],
    ["data/deep/c.jsonl", plain],
  ]);
  hub.repositories.push({
    kind: "datasets",
    name: "owner/texts",
    revisions: new Map([
      ["main", NEWER],
      [NEWER, NEWER],
      [COMMIT, COMMIT],
    ]),
    commits: new Map([
      [COMMIT, files],
      [NEWER, new Map([["data/a.jsonl.gz", gzipSync(lines("other"))]])],
    ]),
    licence: "cc-by-4.0",
    token: "hf_secret",
  });
  web.files.set("/files/a b.jsonl.gz", packed);
  s3.files.set("/bucket/x/1.jsonl", plain);
  s3.files.set("/bucket/x/2.jsonl.gz", packed);
});
afterEach(async () => {
  await Promise.all([hub.close(), web.close(), s3.close()]);
  await rm(dir, { recursive: true, force: true });
});

const spec = (path: string | string[], fields: object = {}): SourceSpec =>
  sourceSpecSchema.parse({
    id: "far",
    licence: "CC-BY-4.0",
    category: "public-dataset",
    reader: { type: "jsonl", path },
    ...fields,
  });

async function readAll(source: SourceSpec): Promise<Record<string, string>> {
  const here = await fetchSource(await resolveSource(source, dir, access), work);
  const out = join(dir, "out");
  await acquireSource(here, out, work);
  await extractDocuments(here, out, work);
  const texts: Record<string, string> = {};
  for await (const batch of readDocuments(out, "raw")) for (const { id, text } of batch) texts[id] = text;
  return texts;
}

async function complaint(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown as FirnError,
  );
  return error?.message ?? "no error";
}

describe("a source on the Hub", () => {
  it("is planned from the list alone, fetched when it is built, and read as if it lay here", async () => {
    const source = spec(`hf://owner/texts@${COMMIT}/data/*`);
    const planned = await resolveSource(source, dir, access);
    expect(planned.files.map(({ name }) => name)).toEqual(["data/a.jsonl.gz", "data/b.jsonl"]);
    expect(planned.files[0]!.sha256).toBe(sha256(packed));
    expect(hub.store.seen).toEqual([]);
    hub.store.trouble = (_, nth) => (nth === 1 ? { breakAfter: 20 } : undefined);
    expect(await readAll(source)).toEqual({
      "far/data/a.jsonl.gz#1": "eins",
      "far/data/a.jsonl.gz#2": "zwei",
      "far/data/a.jsonl.gz#3": "drei",
      "far/data/b.jsonl#1": "four",
      "far/data/b.jsonl#2": "five",
    });
    const record = await readFile(join(dir, "out", "source.json"), "utf8");
    expect(JSON.parse(record)).toMatchObject({
      revision: COMMIT,
      url: `${hub.hub.url}/datasets/owner/texts`,
    });
    expect(record + JSON.stringify(facts)).not.toMatch(/hf_secret|firn-remote/);
  });

  it("is planned and built again without any server", async () => {
    const source = spec(`hf://owner/texts@${COMMIT}/data/`);
    const first = await readAll(source);
    hub.hub.trouble = () => ({ status: 400 });
    hub.store.trouble = () => ({ status: 400 });
    await rm(join(dir, "out"), { recursive: true });
    // Small files are checked against the Hub's own hash without asking it.
    expect(await readAll(source)).toEqual(first);
  });

  it("is refused at a branch, which can move, with the commit that it stands for", async () => {
    expect(await complaint(resolveSource(spec("hf://owner/texts/data/*"), dir, access))).toMatch(
      new RegExp(`DATA_SOURCE_UNPINNED.*hf://owner/texts@${NEWER}/data/\\*`),
    );
    const pinned = spec("hf://owner/texts/data/*", { revision: COMMIT });
    expect((await resolveSource(pinned, dir, access)).revision).toBe(COMMIT);
  });

  it("is the same source wherever its files lie", async () => {
    const far = await resolveSource(
      spec(`hf://owner/texts@${COMMIT}/data/b.jsonl`, { revision: "1" }),
      dir,
      access,
    ).catch(() => undefined);
    expect(far).toBeDefined();
    await mkdir(join(dir, "data"));
    await writeFile(join(dir, "data/b.jsonl"), plain);
    const near = await resolveSource(spec("data/b.jsonl", { revision: "1" }), dir, access);
    expect(sourceIdentity(far!)).toEqual(sourceIdentity(near));
  });

  it("that names no file, or is not there, is named", async () => {
    const ask = (path: string): Promise<string> => complaint(resolveSource(spec(path), dir, access));
    expect(await ask(`hf://owner/texts@${COMMIT}/nothing/*`)).toMatch(
      /DATA_SOURCE_EMPTY.*none among 4 files/,
    );
    expect(await ask(`hf://owner/gone@${COMMIT}/x`)).toMatch(/DOWNLOAD_REFUSED.*RepoNotFound/);
    expect(await ask("ftp://example.org/x.jsonl")).toMatch(/DOWNLOAD_ADDRESS/);
  });
});

describe("a file at a plain address", () => {
  const address = (): string => `${web.url}/files/a%20b.jsonl.gz?key=secret`;

  it("needs its checksum, and is read once it has it", async () => {
    const message = await complaint(resolveSource(spec(address()), dir, access));
    expect(message).toMatch(/DATA_SOURCE_UNPINNED.*firn fetch/);
    const checksums = { "a b.jsonl.gz": sha256(packed) };
    expect(Object.values(await readAll(spec(address(), { checksums })))).toEqual(["eins", "zwei", "drei"]);
    expect(await readFile(join(dir, "out", "source.json"), "utf8")).not.toContain("secret");
  });

  it("that has become another file stops the build before a byte of it is read", async () => {
    const source = await resolveSource(
      spec(address(), { checksums: { "a b.jsonl.gz": sha256("x") } }),
      dir,
      access,
    );
    expect(await complaint(fetchSource(source, work))).toMatch(/DOWNLOAD_CHECKSUM/);
  });

  it("is fetched anew when its kept copy was damaged", async () => {
    const source = spec(address(), { checksums: { "a b.jsonl.gz": sha256(packed) } });
    await readAll(source);
    const { path } = (await resolveSource(source, dir, access)).files[0]!;
    await writeFile(path, "damaged");
    await rm(join(dir, "out"), { recursive: true });
    expect(Object.values(await readAll(source))).toEqual(["eins", "zwei", "drei"]);
  });
});

describe("a store that speaks S3", () => {
  it("gives the objects whose checksums are declared", async () => {
    const checksums = { "x/1.jsonl": sha256(plain), "x/2.jsonl.gz": sha256(packed) };
    expect(Object.keys(await readAll(spec("s3://bucket/x/", { checksums })))).toEqual([
      "far/x/1.jsonl#1",
      "far/x/1.jsonl#2",
      "far/x/2.jsonl.gz#1",
      "far/x/2.jsonl.gz#2",
      "far/x/2.jsonl.gz#3",
    ]);
    expect(await complaint(resolveSource(spec("s3://bucket/x/"), dir, access))).toMatch(
      /DATA_SOURCE_UNPINNED/,
    );
  });
});

describe("pinning an address", () => {
  it("gives what a recipe must say, and leaves the files where a build looks for them", async () => {
    const fromHub = await pinAddress("hf://owner/texts@main", access, work);
    expect(fromHub).toMatchObject({
      address: `hf://owner/texts@${NEWER}`,
      reader: "jsonl",
      licence: "cc-by-4.0",
      needsChecksums: false,
    });
    expect(fromHub.files).toHaveLength(1);
    const fromWeb = await pinAddress(`${web.url}/files/a%20b.jsonl.gz`, access, work);
    expect(fromWeb.files).toEqual([{ name: "a b.jsonl.gz", bytes: packed.length, sha256: sha256(packed) }]);
    const fromS3 = await pinAddress("s3://bucket/x/*.gz", access, work);
    expect(fromS3.files.map(({ name }) => name)).toEqual(["x/2.jsonl.gz"]);

    web.trouble = () => ({ status: 400 });
    const checksums = Object.fromEntries(fromWeb.files.map((file) => [file.name, file.sha256]));
    const texts = await readAll(spec(`${web.url}/files/a%20b.jsonl.gz`, { checksums }));
    expect(Object.values(texts)).toEqual(["eins", "zwei", "drei"]);
    expect(await readdir(join(dir, "downloads", "new"))).toEqual([]);
  });
});

describe("patterns of files", () => {
  it("mean one file, a folder, or what their wildcards fit", () => {
    const meant = (pattern: string): string[] =>
      ["a.txt", "data/a.txt", "data/b.md", "data/deep/c.txt"].filter(
        filePattern(pattern, (name) => name.endsWith(".txt")),
      );
    expect(meant("")).toEqual(["a.txt", "data/a.txt", "data/deep/c.txt"]);
    expect(meant("data/b.md")).toEqual(["data/b.md"]);
    expect(meant("data")).toEqual(["data/a.txt", "data/deep/c.txt"]);
    expect(meant("data/*")).toEqual(["data/a.txt", "data/b.md"]);
    expect(meant("**/*.txt")).toEqual(["a.txt", "data/a.txt", "data/deep/c.txt"]);
    expect(meant("data/?.md")).toEqual(["data/b.md"]);
    expect(meant("dat")).toEqual([]);
  });
});
