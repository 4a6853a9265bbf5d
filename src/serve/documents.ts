/**
 * @file Documents for the page: which artifacts the store has, what each kept and dropped by step, reason and language, examples
 * of both sides, and a search. Rejects hold personal data as it came, so that only servers on loopback have this.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Hono } from "hono";
import { z } from "zod";
import {
  type DocumentRecord,
  type DocumentsReport,
  type FoundSide,
  MANIFEST_FILE,
  type RejectRecord,
  reportDocuments,
  searchDocuments,
} from "../artifacts/index.ts";
import { FirnError } from "../core/index.ts";
import { ApiError } from "./api-error.ts";
import type { ServeEnv } from "./service.ts";

/** A documents artifact in a list. */
export interface DocumentsInfo {
  readonly id: string;
  readonly train: number;
  readonly heldout: number;
  readonly dropped: number;
}

/** A document as the page shows it. */
export interface ShownDocument {
  readonly id: string;
  readonly url: string | null;
  readonly source: string;
  readonly licence: string;
  readonly language: string;
  readonly bytes: number;
  /** The beginning, or what surrounds a find. */
  readonly text: string;
  readonly cut: boolean;
  /** Of what was dropped. */
  readonly step: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
}

export interface DocumentsPage
  extends Pick<
    DocumentsReport,
    "train" | "heldout" | "dropped" | "reasons" | "languages" | "domains" | "licences"
  > {
  readonly id: string;
  /** Names of the steps, in their order. */
  readonly steps: readonly string[];
  /** How many sites there are in all; `domains` has the first. */
  readonly domainCount: number;
  readonly kept: readonly ShownDocument[];
  readonly rejected: readonly ShownDocument[];
}

export interface DocumentsSearch {
  readonly found: readonly (ShownDocument & { readonly side: FoundSide })[];
  readonly seen: number;
  readonly complete: boolean;
}

const FOLDER = /^[a-z0-9-]+-[0-9a-f]+$/;
const EXAMPLES = 12;
const SHOWN_CHARACTERS = 1200;
const MOST_NAMES = 200;
/** How long a search may read. */
const SEARCH_MS = 15_000;
const MOST_FOUND = 30;
/** Reports kept in memory; artifacts never change, so that none grows old. */
const MOST_REPORTS = 16;

const manifestSchema = z.looseObject({
  summary: z.looseObject({
    train: z.looseObject({ documents: z.number() }),
    heldout: z.looseObject({ documents: z.number() }),
    rejected: z.number(),
    steps: z.array(z.looseObject({ step: z.string() })),
  }),
});

async function readSummary(storeDir: string, id: string) {
  const text = await readFile(join(storeDir, "documents", id, MANIFEST_FILE), "utf8").catch(() => undefined);
  return text === undefined ? undefined : manifestSchema.safeParse(JSON.parse(text)).data?.summary;
}

async function listDocuments(storeDir: string): Promise<DocumentsInfo[]> {
  const names = (await readdir(join(storeDir, "documents")).catch(() => [])).filter((name) =>
    FOLDER.test(name),
  );
  const found = await Promise.all(
    names.sort().map(async (id): Promise<DocumentsInfo[]> => {
      const summary = await readSummary(storeDir, id);
      if (summary === undefined) return [];
      const { train, heldout, rejected } = summary;
      return [{ id, train: train.documents, heldout: heldout.documents, dropped: rejected }];
    }),
  );
  return found.flat();
}

/** `around` is where a find begins; the text shown starts a little before it. */
function show(record: DocumentRecord | RejectRecord, around = 0): ShownDocument {
  const start = Math.max(0, around - SHOWN_CHARACTERS / 4);
  const text = record.text.slice(start, start + SHOWN_CHARACTERS);
  const reject = "reason" in record ? record : undefined;
  return {
    id: record.id,
    url: record.url,
    source: record.source,
    licence: record.licence,
    language: record.language ?? record.declaredLanguage ?? "und",
    bytes: record.bytes,
    // Half a surrogate pair at a border would not be text.
    text: text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, ""),
    cut: text.length < record.text.length,
    step: reject?.step ?? null,
    reason: reject?.reason ?? null,
    detail: reject?.detail ?? null,
  };
}

const none = (): ApiError =>
  new ApiError(404, { message: "There are no such documents.", code: "no_documents" });

/** Errors of a damaged artifact in the words of the API. */
async function reading<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof FirnError)) throw error;
    throw new ApiError(500, { message: "The documents cannot be read.", code: error.code.toLowerCase() });
  }
}

async function readPage(storeDir: string, id: string, seed: number): Promise<DocumentsPage> {
  const summary = FOLDER.test(id) ? await readSummary(storeDir, id) : undefined;
  if (summary === undefined) throw none();
  const report = await reading(
    reportDocuments(join(storeDir, "documents", id), { examples: EXAMPLES, seed }),
  );
  const { train, heldout, dropped, reasons, languages, domains, licences } = report;
  const known = ["extract", ...summary.steps.map(({ step }) => step)];
  return {
    id,
    steps: [...new Set([...known, ...reasons.map(({ step }) => step)])],
    train,
    heldout,
    dropped,
    reasons,
    languages: languages.slice(0, 2 * MOST_NAMES),
    domains: domains.slice(0, MOST_NAMES),
    domainCount: domains.length,
    licences: licences.slice(0, MOST_NAMES),
    kept: report.keptExamples.map((record) => show(record)),
    rejected: report.rejectedExamples.map((record) => show(record)),
  };
}

const searchSchema = z.object({
  q: z.string().min(2).max(500),
  side: z.enum(["kept", "dropped"]),
});

/** Adds `/api/documents`, `/api/documents/<id>?seed=` and `/api/documents/<id>/search?q=&side=`. */
export function addDocuments(app: Hono<ServeEnv>, storeDir: string): void {
  const pages = new Map<string, Promise<DocumentsPage>>();
  app.get("/api/documents", async (c) => c.json({ documents: await listDocuments(storeDir) }));
  app.get("/api/documents/:id{[a-z0-9-]+}", async (c) => {
    const id = c.req.param("id");
    const seed = Number(/^\d{1,9}$/.exec(c.req.query("seed") ?? "0")?.[0] ?? 0);
    const key = `${id} ${seed}`;
    let page = pages.get(key);
    if (page === undefined) {
      page = readPage(storeDir, id, seed);
      pages.set(key, page);
      page.catch(() => pages.delete(key));
      if (pages.size > MOST_REPORTS) pages.delete(pages.keys().next().value!);
    }
    return c.json(await page);
  });
  app.get("/api/documents/:id{[a-z0-9-]+}/search", async (c) => {
    const id = c.req.param("id");
    const query = searchSchema.safeParse({ q: c.req.query("q"), side: c.req.query("side") ?? "kept" });
    if (!query.success) {
      throw new ApiError(400, { message: "Search for 2 to 500 characters.", code: "invalid_request" });
    }
    if (!FOLDER.test(id) || (await readSummary(storeDir, id)) === undefined) throw none();
    const { q: text, side } = query.data;
    const result = await reading(
      searchDocuments(join(storeDir, "documents", id), {
        text,
        sides: side === "kept" ? ["train", "heldout"] : ["dropped"],
        limit: MOST_FOUND,
        signal: AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(SEARCH_MS)]),
      }),
    );
    const found = result.found.map(({ side: where, record, at }) => ({ side: where, ...show(record, at) }));
    return c.json({ ...result, found } satisfies DocumentsSearch);
  });
}
