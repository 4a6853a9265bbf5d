/**
 * @file The Hugging Face Hub on loopback, as far as reading goes: revisions, paged listings, files (large ones through a
 * redirect to another server, as the Hub's do), gated and missing repositories with the Hub's error headers.
 */
import { createHash } from "node:crypto";
import { type FileServer, startFileServer } from "./file-server.ts";

export interface HubRepository {
  readonly kind: "models" | "datasets";
  readonly name: string;
  /** Branches and commits by name; a branch gives its commit. */
  readonly revisions: Map<string, string>;
  /** Files of each commit. Those of `.parquet`, `.gz`, `.zst`, `.safetensors` are large. */
  readonly commits: Map<string, Map<string, Buffer>>;
  readonly licence?: string;
  /** Only for those who send this token. */
  readonly token?: string;
}

export interface HubServer {
  readonly hub: FileServer;
  /** Where the large files lie. */
  readonly store: FileServer;
  readonly repositories: HubRepository[];
  /** Entries of a page of a listing. */
  pageLength: number;
  close(): Promise<void>;
}

const LARGE = /\.(parquet|gz|zst|safetensors)$/;
const hash = (kind: "sha1" | "sha256", ...parts: (string | Buffer)[]): string =>
  parts.reduce((running, part) => running.update(part), createHash(kind)).digest("hex");
const gitOid = (bytes: Buffer): string => hash("sha1", `blob ${bytes.length}\0`, bytes);

function treeEntries(files: ReadonlyMap<string, Buffer>): unknown[] {
  const folders = new Set(
    [...files.keys()].filter((path) => path.includes("/")).map((p) => p.split("/")[0]!),
  );
  return [
    ...[...folders].map((path) => ({ type: "directory", path, size: 0, oid: hash("sha1", path) })),
    ...[...files].map(([path, bytes]) => {
      const file = { type: "file", path, size: bytes.length };
      if (!LARGE.test(path)) return { ...file, oid: gitOid(bytes) };
      const oid = hash("sha256", bytes);
      const pointer = Buffer.from(
        `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n`,
      );
      return {
        ...file,
        oid: gitOid(pointer),
        lfs: { oid, size: bytes.length, pointerSize: pointer.length },
        xetHash: hash("sha256", oid),
      };
    }),
  ];
}

/** Starts a Hub without repositories. */
export async function startHubServer(): Promise<HubServer> {
  const store = await startFileServer();
  const repositories: HubRepository[] = [];
  const hub = await startFileServer((request, response, url) => {
    const path = decodeURIComponent(url.pathname);
    const refuse = (status: number, code: string, message: string): true => {
      response
        .writeHead(status, { "X-Error-Code": code, "X-Error-Message": message })
        .end(JSON.stringify({ error: message }));
      return true;
    };
    const json = (value: unknown, headers: Record<string, string> = {}): true => {
      response.writeHead(200, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(value));
      return true;
    };
    const api = /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(revision|tree)\/(.+)$/.exec(path);
    const resolve = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const kind = api?.[1] ?? (resolve?.[1] === undefined ? "models" : "datasets");
    const name = api?.[2] ?? resolve?.[2];
    const repository = repositories.find((one) => one.kind === kind && one.name === name);
    if (repository === undefined) return refuse(401, "RepoNotFound", "Repository not found");
    const asked = request.headers.authorization;
    if (repository.token !== undefined && asked !== `Bearer ${repository.token}`) {
      return refuse(asked === undefined ? 401 : 403, "GatedRepo", `Access to ${kind} ${name} is restricted.`);
    }
    const revision = api?.[4] ?? resolve?.[3] ?? "";
    const commit = repository.revisions.get(revision);
    const files = repository.commits.get(commit ?? "");
    if (commit === undefined || files === undefined)
      return refuse(404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    if (api?.[3] === "revision") {
      return json({
        id: name,
        sha: commit,
        gated: repository.token !== undefined,
        cardData: { license: repository.licence },
      });
    }
    if (api?.[3] === "tree") {
      const entries = treeEntries(files);
      const from = Number(url.searchParams.get("cursor") ?? 0);
      const next = new URL(request.url ?? "/", `http://${request.headers.host}`);
      next.searchParams.set("cursor", String(from + server.pageLength));
      const more = from + server.pageLength < entries.length;
      return json(
        entries.slice(from, from + server.pageLength),
        more ? { Link: `<${next.href}>; rel="next"` } : {},
      );
    }
    const bytes = files.get(resolve?.[4] ?? "");
    if (bytes === undefined) return refuse(404, "EntryNotFound", "Entry not found");
    if (LARGE.test(resolve![4]!)) {
      const stored = `/${hash("sha256", bytes)}`;
      store.files.set(stored, bytes);
      response.writeHead(302, { Location: `${store.url}${stored}?signature=secret` }).end();
      return true;
    }
    hub.files.set(path, bytes);
    return false;
  });
  const server: HubServer = {
    hub,
    store,
    repositories,
    pageLength: 1000,
    async close() {
      await hub.close();
      await store.close();
    },
  };
  return server;
}
