import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileServer, startFileServer } from "../../../test/servers/file-server.ts";
import { type HubServer, startHubServer } from "../../../test/servers/hub-server.ts";
import { FirnError, sha256 } from "../../core/index.ts";
import { downloadFile, type ExpectedFile } from "./download-file.ts";
import { downloadHubFile, hubAccess, parseHubAddress, readHubSnapshot } from "./hub-api.ts";

const patience = { attempts: 4, waitMs: 2, silenceMs: 150 };
const signal = new AbortController().signal;
const content = randomBytes(300_000);
const whole: ExpectedFile = { bytes: content.length, sha256: sha256(content) };
let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-download-"));
  path = join(dir, "file.bin");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("fetching a file", () => {
  let server: FileServer;
  beforeEach(async () => {
    server = await startFileServer();
    server.files.set("/file.bin", content);
  });
  afterEach(() => server.close());
  const download = (expected: ExpectedFile = whole, given = signal) =>
    downloadFile({
      url: `${server.url}/file.bin?key=secret`,
      path,
      expect: expected,
      access: { patience },
      signal: given,
    });

  it("brings it whole, and asks nobody when it is there already", async () => {
    expect(await download()).toEqual(whole);
    expect(content.equals(await readFile(path))).toBe(true);
    expect(await download()).toEqual(whole);
    expect(server.seen).toHaveLength(1);
    expect(await readdir(dir)).toEqual(["file.bin"]);
  });

  it("goes on where the connection broke, and asks for nothing twice", async () => {
    server.trouble = (_, nth) => (nth <= 5 ? { breakAfter: 50_000 } : undefined);
    expect(await download()).toEqual(whole);
    const starts = server.seen.map(({ range }) => Number(/\d+/.exec(range ?? "0")![0]));
    expect(starts[0]).toBe(0);
    expect(starts.every((start, i) => i === 0 || start > starts[i - 1]!)).toBe(true);
  });

  it("goes on after the process was killed", async () => {
    await writeFile(`${path}.firn-tmp`, content.subarray(0, 123_456));
    expect(await download()).toEqual(whole);
    expect(server.seen.map(({ range }) => range)).toEqual(["bytes=123456-"]);
  });

  it("starts over where what was left is of another version", async () => {
    await writeFile(`${path}.firn-tmp`, randomBytes(1000));
    expect(await download()).toEqual(whole);
    expect(server.seen.map(({ range }) => range)).toEqual(["bytes=1000-", undefined]);
  });

  it("notices that the file changed between two attempts, also without a hash to hold against it", async () => {
    const other = randomBytes(200_000);
    server.trouble = (_, nth) => {
      if (nth === 1) return { breakAfter: 50_000 };
      server.files.set("/file.bin", other);
      return undefined;
    };
    expect(await download({})).toEqual({ bytes: other.length, sha256: sha256(other) });
  });

  it("takes a whole answer from a server that knows no ranges", async () => {
    server.trouble = (_, nth) => ({ noRanges: true, ...(nth === 1 ? { breakAfter: 99_000 } : {}) });
    expect(await download()).toEqual(whole);
  });

  it("waits for a busy server, as long as it asks", async () => {
    server.trouble = (_, nth) =>
      nth === 1 ? { status: 429, headers: { "Retry-After": "0" } } : nth < 4 ? { status: 503 } : undefined;
    expect(await download()).toEqual(whole);
    expect(server.seen).toHaveLength(4);
  });

  it("gives up on silence and on nothing but trouble, and keeps what has arrived", async () => {
    server.trouble = (_, nth) => (nth === 1 ? { breakAfter: 10_000 } : { silent: true });
    await expect(download()).rejects.toMatchObject({ code: "DOWNLOAD_UNREACHABLE" });
    server.trouble = () => undefined;
    expect(await download()).toEqual(whole);
    expect(server.seen.at(-1)!.range).toBe("bytes=10000-");
  });

  it("refuses other sizes and other bytes than announced, and leaves nothing of them", async () => {
    const complain = async (expected: ExpectedFile): Promise<string> => {
      const error: unknown = await download(expected).catch((thrown: unknown) => thrown);
      expect(await readdir(dir)).not.toContain("file.bin");
      return (error as FirnError).code;
    };
    expect(await complain({ ...whole, sha256: sha256("other") })).toBe("DOWNLOAD_CHECKSUM");
    expect(await complain({ gitOid: "0".repeat(40) })).toBe("DOWNLOAD_CHECKSUM");
    expect(await complain({ ...whole, bytes: content.length - 1 })).toBe("DOWNLOAD_SIZE");
    expect(await complain({ ...whole, bytes: content.length + 1 })).toBe("DOWNLOAD_SIZE");
    // A server that says nothing of the length, and ends early or goes on too long.
    server.trouble = () => ({ endAfter: 0 });
    expect(await complain(whole)).toBe("DOWNLOAD_UNREACHABLE");
    server.files.set("/file.bin", Buffer.concat([content, content]));
    server.trouble = () => ({ endAfter: content.length * 2 });
    expect(await complain(whole)).toBe("DOWNLOAD_SIZE");
  });

  it("explains refusals and absence, and prints no secret", async () => {
    for (const [status, code] of [
      [401, "DOWNLOAD_REFUSED"],
      [403, "DOWNLOAD_REFUSED"],
      [404, "DOWNLOAD_MISSING"],
      [400, "DOWNLOAD_ANSWER"],
    ] as const) {
      server.trouble = () => ({ status });
      const error = (await download().catch((thrown: unknown) => thrown)) as FirnError;
      expect(error).toMatchObject({ code });
      expect(error.message).not.toContain("secret");
    }
    server.trouble = () => ({ headers: { "Content-Encoding": "gzip" } });
    await expect(download()).rejects.toMatchObject({ code: "DOWNLOAD_ANSWER" });
    const nobody = downloadFile({
      url: "http://127.0.0.1:9/x",
      path,
      access: { patience: { ...patience, attempts: 2 } },
      signal,
    });
    await expect(nobody).rejects.toMatchObject({ code: "DOWNLOAD_UNREACHABLE" });
  });

  it("stops at once when asked to, also while it waits", async () => {
    server.trouble = () => ({ status: 503, headers: { "Retry-After": "60" } });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("stopped")), 30);
    await expect(download(whole, stop.signal)).rejects.toThrow("stopped");
    server.trouble = () => ({ silent: true });
    const again = new AbortController();
    setTimeout(() => again.abort(new Error("stopped again")), 30);
    await expect(download(whole, again.signal)).rejects.toThrow("stopped again");
  });

  it("ends in the same bytes wherever connections break", async () => {
    const breaks = fc.array(fc.integer({ min: 0, max: 120_000 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(breaks, async (places) => {
        let nth = 0;
        server.trouble = () => {
          const breakAfter = places[nth++];
          return breakAfter === undefined ? undefined : { breakAfter };
        };
        await rm(path, { force: true });
        const result = await download({ sha256: sha256(content) }).catch((error: unknown) => error);
        // Breaks that bring nothing, four times in a row, are the end of patience.
        if (result instanceof FirnError) expect(result.code).toBe("DOWNLOAD_UNREACHABLE");
        else expect(content.equals(await readFile(path))).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
});

describe("addresses on the Hub", () => {
  it("name kind, repository, revision and path", () => {
    expect(parseHubAddress("hf://owner/name", "datasets")).toEqual({
      kind: "datasets",
      repository: "owner/name",
      revision: "main",
      path: "",
    });
    expect(parseHubAddress("hf://models/a/b.c@v1.0/x/y.json", "datasets")).toEqual({
      kind: "models",
      repository: "a/b.c",
      revision: "v1.0",
      path: "x/y.json",
    });
    expect(parseHubAddress("hf://a/b@refs%2Fconvert%2Fparquet/*", "datasets")).toMatchObject({
      revision: "refs/convert/parquet",
      path: "*",
    });
    for (const wrong of [
      "hf://",
      "hf://owner",
      "https://x/y",
      "hf://../x",
      "hf://a/b@",
      "hf://a/b@%",
      "hf://a/b@a..b",
    ]) {
      expect(() => parseHubAddress(wrong, "datasets"), wrong).toThrow("DOWNLOAD_ADDRESS");
    }
  });

  it("never make it fail in another way", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        try {
          const { repository } = parseHubAddress(`hf://${text}`, "models");
          expect(repository).toMatch(/^[\w.-]+\/[\w.-]+$/);
        } catch (error) {
          expect(error).toMatchObject({ code: "DOWNLOAD_ADDRESS" });
        }
      }),
    );
  });
});

describe("the Hub", () => {
  const COMMIT = "a".repeat(40);
  const small = Buffer.from("# A card\n");
  let server: HubServer;
  beforeEach(async () => {
    server = await startHubServer();
    server.pageLength = 2;
    server.repositories.push({
      kind: "datasets",
      name: "owner/texts",
      revisions: new Map([
        ["main", COMMIT],
        [COMMIT, COMMIT],
      ]),
      commits: new Map([
        [
          COMMIT,
          new Map([
            ["data/a b.parquet", content],
            ["README.md", small],
            ["../escape.txt", small],
            ["data/z.jsonl", small],
          ]),
        ],
      ]),
      licence: "cc-by-4.0",
    });
  });
  afterEach(() => server.close());
  const address = (text: string) => parseHubAddress(text, "datasets");
  const access = (token?: string) => ({ endpoint: server.hub.url, token, patience });

  it("lists a repository at one commit, page after page, with what checks each file", async () => {
    const snapshot = await readHubSnapshot(address("hf://owner/texts"), access(), signal);
    expect(snapshot).toMatchObject({ commit: COMMIT, licence: "cc-by-4.0" });
    expect(snapshot.files.map((file) => file.path)).toEqual([
      "README.md",
      "data/a b.parquet",
      "data/z.jsonl",
    ]);
    expect(snapshot.files[1]).toEqual({ path: "data/a b.parquet", ...whole, gitOid: null });
    expect(snapshot.files[0]).toMatchObject({ bytes: small.length, sha256: null });
  });

  it("gives files large and small, checked, and shows the token to the Hub alone", async () => {
    const open = server.repositories[0]!;
    server.repositories[0] = { ...open, token: "hf_secret" };
    const given = access("hf_secret");
    const snapshot = await readHubSnapshot(address("hf://owner/texts"), given, signal);
    server.store.trouble = (_, nth) => (nth === 1 ? { breakAfter: 100_000 } : undefined);
    for (const file of snapshot.files) {
      await downloadHubFile(snapshot, file, given, { path: join(dir, file.path), signal });
    }
    expect(content.equals(await readFile(join(dir, "data", "a b.parquet")))).toBe(true);
    expect(await readFile(join(dir, "README.md"))).toEqual(small);
    expect(server.hub.seen.every(({ authorization }) => authorization === "Bearer hf_secret")).toBe(true);
    expect(server.store.seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    expect(server.store.seen[1]!.range).toBe("bytes=100000-");
  });

  it("says what to do about gated repositories and what is not there", async () => {
    const open = server.repositories[0]!;
    server.repositories[0] = { ...open, token: "hf_secret" };
    const ask = (text: string, token?: string): Promise<string> =>
      readHubSnapshot(address(text), access(token), signal).then(
        () => "an answer",
        (error: unknown) => String(error as FirnError),
      );
    expect(await ask("hf://owner/texts")).toMatch(/DOWNLOAD_REFUSED.*GatedRepo.*set HF_TOKEN/);
    const wrong = await ask("hf://owner/texts", "hf_wrong");
    expect(wrong).toMatch(/DOWNLOAD_REFUSED.*may not read owner\/texts/);
    expect(wrong).not.toContain("hf_wrong");
    expect(await ask("hf://owner/texts@gone", "hf_secret")).toMatch(/DOWNLOAD_MISSING.*RevisionNotFound/);
  });

  it("that answers nonsense, or a list without end, is named", async () => {
    const ask = readHubSnapshot(address("hf://owner/texts"), access(), signal);
    server.pageLength = 0;
    await expect(ask).rejects.toMatchObject({ code: "DOWNLOAD_ANSWER" });
    server.hub.trouble = () => ({ status: 200 });
    await expect(readHubSnapshot(address("hf://owner/texts"), access(), signal)).rejects.toMatchObject({
      code: "DOWNLOAD_ANSWER",
    });
  });

  it("is the one that the environment names", () => {
    expect(hubAccess({})).toEqual({ endpoint: "https://huggingface.co", token: undefined });
    expect(hubAccess({ HF_ENDPOINT: "http://x/", HF_TOKEN: " t " })).toEqual({
      endpoint: "http://x",
      token: "t",
    });
  });
});
