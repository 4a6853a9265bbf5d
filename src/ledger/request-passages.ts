/** @file The words a request is about, for the output filter: the passage itself, or the documents it names. */
import { z } from "zod";
import { FirnError, formatInteger } from "../core/index.ts";
import type { RequestSubject } from "./request.ts";
import { requireFiles, withTables } from "./tables.ts";

/** Characters of all documents of a request; a filter of more would rather be a new model. */
const MOST_CHARACTERS = 20_000_000;

const totalRow = z.object({ characters: z.int().min(0) });
const textRow = z.object({ text: z.string() });

/**
 * What must not be said any more: of a text or a person's data the words as they came, of anything else the texts of the
 * documents in `hashes` (SHA-256, as `traceRequest` found them), each once.
 *
 * @throws FirnError `LEDGER_REQUEST` when the documents are too many to be filtered
 */
export async function requestPassages(
  subject: RequestSubject,
  hashes: readonly string[],
  documentGlobs: readonly string[],
): Promise<string[]> {
  if (subject.kind === "text" || subject.kind === "person") return [subject.value];
  if (hashes.length === 0 || documentGlobs.length === 0) return [];
  const documents = (
    await Promise.all(documentGlobs.map((glob) => requireFiles(glob, "tables of documents")))
  ).flat();
  return withTables(async (tables) => {
    const found = { documents, hashes };
    const where = "FROM read_parquet($documents, union_by_name = true) WHERE list_contains($hashes, sha256)";
    const [total] = await tables.query(
      `SELECT CAST(coalesce(sum(length(text)), 0) AS BIGINT) AS characters ${where}`,
      found,
    );
    const { characters } = totalRow.parse(total);
    if (characters > MOST_CHARACTERS) {
      throw new FirnError("LEDGER_REQUEST", {
        expected: `at most ${formatInteger(MOST_CHARACTERS)} characters for the output filter`,
        got: `documents of ${formatInteger(characters)}`,
        next: "Decide for the next corpus or for training again instead; nothing was recorded.",
      });
    }
    const rows = await tables.query(`SELECT DISTINCT text ${where} ORDER BY text`, found);
    return z
      .array(textRow)
      .parse(rows)
      .map(({ text }) => text);
  });
}
