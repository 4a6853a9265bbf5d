/**
 * @file The Hugging Face Hub as its HTTP interface gives it: what a repository holds at one commit, with size and hash of
 * every file, and where each lies. A branch or tag is resolved to its commit once, so that nothing moves underneath.
 */
import { z } from "zod";
import { FirnError, parseJson } from "../../core/index.ts";
import { type Downloaded, type DownloadOptions, downloadFile } from "./download-file.ts";
import { printableUrl, readAnswer, type Patience, type ServerAccess } from "./request.ts";

export type HubKind = "models" | "datasets";

/** `hf://owner/name@revision/path`, taken apart. */
export interface HubAddress {
  readonly kind: HubKind;
  /** `owner/name`, or `name` for the Hub's first repositories. */
  readonly repository: string;
  /** Branch, tag or commit; `main` when the address has none. */
  readonly revision: string;
  /** What follows the repository, `""` when nothing does: a file, a folder or a pattern. */
  readonly path: string;
}

/** Which Hub, and on whose behalf. */
export interface HubAccess {
  readonly endpoint: string;
  /** Sent to `endpoint` only, and never over an open line. */
  readonly token?: string | undefined;
  readonly patience?: Patience | undefined;
}

const MAX_PAGE_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 1_000_000;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?$/;

/** The Hub and token that the environment names: `HF_ENDPOINT`, `HF_TOKEN`, as Hugging Face's own programs read them. */
export function hubAccess(environment: Readonly<Record<string, string | undefined>>): HubAccess {
  const endpoint = (environment["HF_ENDPOINT"] ?? "").trim().replace(/\/+$/, "");
  const token = environment["HF_TOKEN"]?.trim();
  return {
    endpoint: endpoint === "" ? "https://huggingface.co" : endpoint,
    token: token === "" ? undefined : token,
  };
}

/**
 * Takes an address apart. `hf://datasets/owner/name` and `hf://models/owner/name` say what they are; without, it is a
 * `kind`. Slashes in a revision are written `%2F`.
 *
 * @throws FirnError `DOWNLOAD_ADDRESS`
 */
export function parseHubAddress(address: string, kind: HubKind): HubAddress {
  const wrong = (got: string): FirnError =>
    new FirnError("DOWNLOAD_ADDRESS", {
      expected: "hf://owner/name, hf://owner/name@revision or hf://owner/name@revision/path",
      got,
      where: address,
      next: "Copy owner and name from the repository's page.",
    });
  const parts = /^hf:\/\/(.*)$/s.exec(address)?.[1]?.split("/") ?? [];
  const [first] = parts;
  const said = first === "datasets" || first === "models" ? first : undefined;
  if (said !== undefined) parts.shift();
  const [owner = "", named = "", ...rest] = parts;
  const [name = "", ...revisionParts] = named.split("@");
  let revision = "main";
  if (revisionParts.length > 0) {
    try {
      revision = decodeURIComponent(revisionParts.join("@"));
    } catch {
      throw wrong("a revision that is not percent-encoded as it should be");
    }
  }
  if (!NAME.test(owner) || !NAME.test(name)) throw wrong("no owner and name");
  if (!/^[\w./-]{1,200}$/.test(revision) || revision.includes("..")) throw wrong("an impossible revision");
  return { kind: said ?? kind, repository: `${owner}/${name}`, revision, path: rest.join("/") };
}

const hubFileSchema = z.strictObject({
  /** `/`-separated, relative, never leading out of the repository. */
  path: z.string().refine(isInside),
  bytes: z.int().nonnegative(),
  /** Of large files; the Hub keeps none for small ones. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** Git's name of a small file's content; `null` for large ones, of which Git holds a pointer only. */
  gitOid: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/)
    .nullable(),
});
export type HubFile = z.infer<typeof hubFileSchema>;

/** A repository at one commit. */
export const hubSnapshotSchema = z.strictObject({
  kind: z.enum(["models", "datasets"]),
  /** `owner/name`. */
  repository: z.string(),
  /** 40 hexadecimal digits. */
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  /** As its card declares it, in the Hub's own spelling (`apache-2.0`). */
  licence: z.string().nullable(),
  files: z.array(hubFileSchema),
});
export type HubSnapshot = z.infer<typeof hubSnapshotSchema>;

const revisionAnswer = z.looseObject({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  cardData: z.looseObject({ license: z.union([z.string(), z.array(z.string())]).optional() }).nullish(),
});

const treeAnswer = z.array(
  z.looseObject({
    type: z.enum(["file", "directory"]),
    path: z.string().max(4096),
    size: z.int().nonnegative(),
    oid: z.string().regex(/^[0-9a-f]{40,64}$/),
    lfs: z.looseObject({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() }).optional(),
  }),
);

function isLoopback(url: URL): boolean {
  return ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
}

/** How the Hub is asked: with the token, to the Hub itself and over a closed line only. */
export function hubServer(access: HubAccess, repository: string): ServerAccess {
  const { endpoint, token, patience } = access;
  const home = new URL(endpoint);
  const mayCarry = home.protocol === "https:" || isLoopback(home);
  return {
    ...(patience === undefined ? {} : { patience }),
    async headersFor(url, headers) {
      if (token === undefined || !mayCarry || new URL(url).origin !== home.origin) return headers;
      return { ...headers, Authorization: `Bearer ${token}` };
    },
    whenRefused:
      token === undefined
        ? `If ${repository} is gated, accept its terms on its page; then set HF_TOKEN to a token of yours that may read it.`
        : `The token in HF_TOKEN may not read ${repository}: accept its terms on its page, or use another token.`,
    whenMissing: "Check owner, name, revision and file on the Hub; private repositories need HF_TOKEN.",
  };
}

function parseAnswer<T>(schema: z.ZodType<T>, text: string, url: string): T {
  try {
    return schema.parse(parseJson(text));
  } catch (cause) {
    throw new FirnError("DOWNLOAD_ANSWER", {
      expected: "an answer as the Hub gives it",
      got: "something else",
      where: printableUrl(url),
      next: "Check HF_ENDPOINT; if it is right, the Hub's interface has changed: please report it.",
      cause,
    });
  }
}

/** Whether a name from outside stays inside the folder it is put into. */
export function isInside(path: string): boolean {
  return (
    path !== "" &&
    !/[\\\u0000-\u001f\u007f]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/** The next page of a listing, as the `Link` header names it (RFC 8288), on the same server. */
function nextPage(link: string | null, url: string): string | undefined {
  const target = /<([^<>]+)>\s*;[^,]*\brel="?next"?/.exec(link ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, url)) return undefined;
  const next = new URL(target, url);
  return next.origin === new URL(url).origin ? next.href : undefined;
}

/**
 * What a repository holds at a revision: its commit, and every file sorted by path.
 *
 * @throws FirnError `DOWNLOAD_REFUSED` (gated or private), `DOWNLOAD_MISSING`, `DOWNLOAD_UNREACHABLE`, `DOWNLOAD_ANSWER`
 */
export async function readHubSnapshot(
  address: Omit<HubAddress, "path">,
  access: HubAccess,
  signal: AbortSignal,
): Promise<HubSnapshot> {
  const { kind, repository, revision } = address;
  const server = hubServer(access, repository);
  const api = `${access.endpoint}/api/${kind}/${repository}`;
  const revisionUrl = `${api}/revision/${encodeURIComponent(revision)}`;
  const { text } = await readAnswer(revisionUrl, server, MAX_PAGE_BYTES, signal);
  const { sha: commit, cardData } = parseAnswer(revisionAnswer, text, revisionUrl);
  const licence = cardData?.license;

  const files: HubFile[] = [];
  let url: string | undefined = `${api}/tree/${commit}?recursive=true&expand=false`;
  const seen = new Set<string>();
  while (url !== undefined) {
    seen.add(url);
    const page = await readAnswer(url, server, MAX_PAGE_BYTES, signal);
    for (const entry of parseAnswer(treeAnswer, page.text, url)) {
      if (entry.type !== "file" || !isInside(entry.path)) continue;
      const { path, lfs } = entry;
      files.push({
        path,
        bytes: lfs?.size ?? entry.size,
        sha256: lfs?.oid ?? null,
        gitOid: lfs === undefined ? entry.oid : null,
      });
    }
    url = nextPage(page.headers.get("link"), url);
    if (files.length > MAX_FILES || (url !== undefined && seen.has(url))) {
      throw new FirnError("DOWNLOAD_ANSWER", {
        expected: `a list of at most ${MAX_FILES} files that ends`,
        got: "one that goes on",
        where: printableUrl(api),
        next: "Use a repository with fewer files.",
      });
    }
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    kind,
    repository,
    commit,
    licence: (Array.isArray(licence) ? licence.join(" AND ") : licence) ?? null,
    files,
  };
}

/** Where a file of a repository lies. */
export function hubFileUrl(
  { kind, repository, commit }: Pick<HubSnapshot, "kind" | "repository" | "commit">,
  path: string,
  endpoint: string,
): string {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return `${endpoint}/${kind === "datasets" ? "datasets/" : ""}${repository}/resolve/${commit}/${encoded}`;
}

/**
 * Fetches one file of a repository to `path`, checked against size and hash that the Hub lists.
 *
 * @throws those of `downloadFile`
 */
export async function downloadHubFile(
  snapshot: Pick<HubSnapshot, "kind" | "repository" | "commit">,
  file: HubFile,
  access: HubAccess,
  options: Pick<DownloadOptions, "path" | "signal" | "onProgress">,
): Promise<Downloaded> {
  return downloadFile({
    ...options,
    url: hubFileUrl(snapshot, file.path, access.endpoint),
    expect: { bytes: file.bytes, sha256: file.sha256 ?? undefined, gitOid: file.gitOid ?? undefined },
    access: hubServer(access, snapshot.repository),
  });
}
