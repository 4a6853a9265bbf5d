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

/** A place inside a file. What `offset` counts is the reader's own affair. */
export interface FilePlace {
  offset: number;
  /** Records, lines or rows before `offset`. */
  items: number;
  /** How many more of them, after `offset`, have been read. */
  within: number;
}

/** Where a file begins. */
export function fileStart(): FilePlace {
  return { offset: 0, items: 0, within: 0 };
}

/** Reads one file of a source, batch by batch, from `place` on, which moves: at every batch it is the place after it. */
export type FileReader = (
  file: SourceFile,
  place?: FilePlace,
) => AsyncGenerator<FoundPiece[], void, undefined>;

/** Makes a reader of one that knows no places: it reads from the beginning and passes over the pieces before the place. */
export function readFromStart(
  read: (file: SourceFile) => AsyncGenerator<FoundPiece[], void, undefined>,
): FileReader {
  return async function* (file, place = fileStart()) {
    let skip = place.within;
    for await (const pieces of read(file)) {
      const fresh = pieces.slice(skip);
      skip -= pieces.length - fresh.length;
      place.within += fresh.length;
      if (fresh.length > 0) yield fresh;
    }
  };
}
