/** @file Where documents lie among the tokens of a run, for whoever wants to see the tokens themselves. */
import { z } from "zod";
import { requireFiles, withTables } from "./tables.ts";

const count = z.int().min(0);
const place = z.object({ id: z.string(), split: z.string(), offset: count, length: count });
/** A document's tokens: `[offset, offset + length)` in the `.bin` of its split. */
export type TokenPlace = Readonly<z.infer<typeof place>>;

/**
 * The places of the documents `ids`; documents without tokens are left out.
 *
 * @throws FirnError `LEDGER_TABLE_MISSING`
 */
export async function tokenPlaces(tokensParquet: string, ids: readonly string[]): Promise<TokenPlace[]> {
  const tokens = await requireFiles(tokensParquet, "the table of token offsets");
  if (ids.length === 0) return [];
  return withTables(async (tables) =>
    z
      .array(place)
      .parse(
        await tables.query(
          'SELECT id, split, "offset", length FROM read_parquet($tokens) WHERE list_contains($ids, id) ORDER BY id',
          { tokens, ids },
        ),
      ),
  );
}
