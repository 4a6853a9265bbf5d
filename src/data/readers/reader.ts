/** @file What readers give: pieces of a source, each a document or a broken piece with its reason. */
import type { SourceFile } from "../resolve-source.ts";

/** A document as its source holds it. */
export interface FoundDocument {
  /** Place inside the file: with it, the id is `<source>/<file>#<place>`. */
  readonly place: string;
  readonly text: string;
  readonly url?: string;
  /** When it was captured or published. */
  readonly date?: string;
  /** What the page says about training, one raw line each. */
  readonly signals?: string;
  /** ISO 639-3, perhaps with a script (`srp_Cyrl`), as the source declares it. */
  readonly declaredLanguage?: string;
  readonly licence?: string;
  readonly parallelKey?: string;
}

/** A piece of input that could not become a document; counted and kept with the rejects. */
export interface BrokenPiece {
  readonly place: string;
  readonly reason: BrokenReason;
  readonly detail: string;
  /** What could be read of it, shortened. */
  readonly text: string;
  readonly url?: string;
  readonly date?: string;
}

export const BROKEN_REASONS = [
  "line-too-long",
  "utf8-invalid",
  "json-invalid",
  "file-broken",
  "file-too-large",
  "record-broken",
  "record-too-large",
  "http-broken",
  "http-status",
  "media-type",
  "row-group-broken",
  "text-missing",
  "no-text",
  "duplicate-id",
] as const;
export type BrokenReason = (typeof BROKEN_REASONS)[number];

export type FoundPiece = FoundDocument | BrokenPiece;

/** Reads one file of a source, batch by batch. */
export type FileReader = (file: SourceFile) => AsyncGenerator<FoundPiece[], void, undefined>;
