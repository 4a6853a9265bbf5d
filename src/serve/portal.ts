/**
 * @file The transparency portal's side of the server: a release's papers and data as files, and the look-up of a domain or
 * a passage in the training corpus.
 */
import type { Hono } from "hono";
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import type { DomainTrace, RunTrace, TextTrace } from "../ledger/index.ts";
import { ApiError } from "./api-error.ts";
import { readBody, respondJson, type ServeEnv, type Service } from "./service.ts";
import { PAPER_POLICY, type WebFiles, webResponse } from "./web-files.ts";

/** What a release shows of itself. */
export interface Portal {
  /** The release's `legal/` folder, by request path. */
  readonly files: WebFiles;
  /** The traces of the run behind it, where its store is at hand. */
  readonly trace: RunTrace | undefined;
}

/** `POST /api/lookup` */
const lookupSchema = z.union([
  z.strictObject({ domain: z.string().min(3).max(300) }),
  z.strictObject({ text: z.string().min(8).max(2000) }),
]);

/** Places of a passage that an answer lists. */
const LISTED = 5;

/** What the portal is told. */
export type LookupAnswer =
  | ({ readonly kind: "domain" } & DomainTrace)
  | ({ readonly kind: "text" } & TextTrace & { readonly steps: Readonly<Record<string, number>> });

async function lookUp(trace: RunTrace, request: z.infer<typeof lookupSchema>): Promise<LookupAnswer> {
  if ("domain" in request) return { kind: "domain", ...(await trace.domain(request.domain)) };
  const found = await trace.text(request.text, LISTED);
  const steps: Record<string, number> = {};
  for (const { id } of found.documents)
    steps[id] = new Set((await trace.document(id)).exposures.map(({ step }) => step)).size;
  return { kind: "text", ...found, steps };
}

/** Adds `/legal/…` and `/api/lookup`. */
export function addPortal(app: Hono<ServeEnv>, service: Service, portal: Portal): void {
  app.get("/legal/*", (c, next) => {
    const file = portal.files.get(c.req.path);
    return file === undefined ? next() : Promise.resolve(webResponse(file, c.req.raw.headers, PAPER_POLICY));
  });
  app.post("/api/lookup", async (c) => {
    const { trace } = portal;
    if (trace === undefined) {
      throw new ApiError(404, {
        message: "The corpus behind this release is not on this machine.",
        code: "no_corpus",
      });
    }
    const parsed = lookupSchema.safeParse(await readBody(service, c));
    if (!parsed.success) {
      throw new ApiError(400, {
        message: "Give a domain of at least 3 or a passage of 8 to 2,000 characters.",
        code: "invalid_request",
      });
    }
    return respondJson(service, c, async () => {
      try {
        return await lookUp(trace, parsed.data);
      } catch (error) {
        if (!(error instanceof FirnError)) throw error;
        throw new ApiError(500, { message: "The corpus cannot be read.", code: error.code.toLowerCase() });
      }
    });
  });
}
