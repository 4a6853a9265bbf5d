/** @file What the page needs to cut text itself: the tokenizer of a model, and a text in many languages to measure it on. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Hono } from "hono";
import { sha256 } from "../core/index.ts";
import { type Tokenizer, tokenizerJson } from "../tokenizer/index.ts";
import type { ServeEnv, Service } from "./service.ts";
import { type WebFile, webResponse } from "./web-files.ts";

/** A text that is the same in every language. */
export interface ParallelText {
  readonly language: string;
  /** The language's name, for people. */
  readonly name: string;
  readonly text: string;
  /** Whether nothing is missing, so that its length can be compared with the others'. */
  readonly complete: boolean;
}

async function jsonFile(json: string): Promise<WebFile> {
  const bytes = Buffer.from(json);
  return {
    type: "application/json",
    bytes,
    gzipped: await promisify(gzip)(bytes),
    etag: `"${sha256(bytes).slice(0, 32)}"`,
    immutable: false,
  };
}

/** Adds `/api/tokenizer/<model>`, a `tokenizer.json` or nothing (204), and `/api/parallel-text`; each is made when first asked for. */
export function addTokenizers(
  app: Hono<ServeEnv>,
  service: Service,
  parallelText: (() => Promise<readonly ParallelText[]>) | undefined,
): void {
  const files = new Map<Tokenizer, Promise<WebFile>>();
  let texts: Promise<WebFile> | undefined;
  app.get("/api/tokenizer/:model{.+}", async (c) => {
    const { tokenizer } = service.shelf.get(c.req.param("model"));
    // The model is there, and this is no fault of the client's: 404 would be an error in its browser.
    if (tokenizer === undefined) return c.body(null, 204);
    const file = files.get(tokenizer) ?? jsonFile(tokenizerJson(tokenizer.model));
    files.set(tokenizer, file);
    return webResponse(await file, c.req.raw.headers);
  });
  if (parallelText === undefined) return;
  app.get("/api/parallel-text", async (c) => {
    texts ??= parallelText().then((all) => jsonFile(JSON.stringify(all)));
    return webResponse(await texts, c.req.raw.headers);
  });
}
