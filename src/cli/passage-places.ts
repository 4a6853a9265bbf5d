/** @file Where a passage stands among a document's tokens, exactly: the ids as training read them, as bytes again. */
import path from "node:path";
import { readTokenRange } from "../artifacts/index.ts";
import { type DocumentTrace, tokenPlaces } from "../ledger/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** The tokens `[from, to)` of a document that hold a passage, and the training steps that read at least one of them. */
export type PassagePlace = { readonly from: number; readonly to: number; readonly steps: number[] };

export interface DocumentPlaces {
  /** Tokens of the document, its beginning and end marks included. */
  readonly tokens: number;
  readonly places: readonly PassagePlace[];
}

/** At most so many places of one document are told. */
const MOST_PLACES = 100;

/**
 * The token ranges of `ids` whose bytes hold `passage`; special tokens stand for no text. A passage that begins or ends
 * inside a token takes the whole token in.
 */
export function tokenRanges(
  passage: string,
  ids: Int32Array,
  tokenizer: Pick<Tokenizer, "isSpecial" | "tokenBytes">,
): { from: number; to: number }[] {
  const needle = Buffer.from(passage);
  if (needle.length === 0) return [];
  const ends = new Float64Array(ids.length);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (const [index, id] of ids.entries()) {
    const bytes = tokenizer.isSpecial(id) ? new Uint8Array() : tokenizer.tokenBytes(id);
    pieces.push(bytes);
    length += bytes.length;
    ends[index] = length;
  }
  const text = Buffer.concat(pieces);
  const ranges: { from: number; to: number }[] = [];
  let token = 0;
  for (
    let at = text.indexOf(needle);
    at !== -1 && ranges.length < MOST_PLACES;
    at = text.indexOf(needle, at + 1)
  ) {
    while (ends[token]! <= at) token += 1;
    let last = token;
    while (ends[last]! < at + needle.length) last += 1;
    ranges.push({ from: token, to: last + 1 });
  }
  return ranges;
}

/** The places of `passage` in each of `documents`, by id. */
export async function passagePlaces(
  passage: string,
  documents: readonly DocumentTrace[],
  tokensParquet: string,
  tokenizer: Tokenizer,
): Promise<ReadonlyMap<string, DocumentPlaces>> {
  const found = new Map<string, DocumentPlaces>();
  const exposures = new Map(documents.map((document) => [document.id, document.exposures]));
  for (const { id, split, offset, length } of await tokenPlaces(tokensParquet, [...exposures.keys()])) {
    const ids = await readTokenRange(path.dirname(tokensParquet), split, offset, length);
    const places = tokenRanges(passage, ids, tokenizer).map(({ from, to }) => ({
      from,
      to,
      steps: [
        ...new Set(
          exposures
            .get(id)!
            .filter((piece) => piece.start < to && piece.start + piece.length > from)
            .map(({ step }) => step),
        ),
      ],
    }));
    found.set(id, { tokens: length, places });
  }
  return found;
}
