/** @file Reads the evaluation sets that a recipe names into an index, and says what was read. */
import { FirnError, type Json } from "../../core/index.ts";
import type { SourceFile } from "../resolve-source.ts";
import { fieldText, tableRows } from "../table-rows.ts";
import type { DecontaminateConfig } from "./config.ts";
import { contentTokens } from "./content-tokens.ts";
import { type EvaluationItems, indexItems } from "./evaluation-index.ts";

/** Longer items are compared in pieces of this many tokens: the cost of a comparison grows with its square. */
const MAX_ITEM_TOKENS = 4096;

/** Per set, in the order of the settings: its files, found and hashed. */
export type EvaluationSetFiles = readonly (readonly SourceFile[])[];

/**
 * Reads all sets. The second value is for the `step` fact.
 *
 * @throws FirnError `DATA_EVALUATION_SET` for a set without text in the named fields; those of `tableRows`
 */
export async function readEvaluationSets(
  config: DecontaminateConfig,
  files: EvaluationSetFiles,
  signal: AbortSignal,
): Promise<{ items: EvaluationItems; fact: Json }> {
  const items: { tokens: Int32Array; row: number }[] = [];
  const ends: { name: string; end: number }[] = [];
  const facts: Json[] = [];
  for (const [s, { name, fields }] of config.sets.entries()) {
    let rows = 0;
    let tooShort = 0;
    const before = items.length;
    for (const { path } of files[s] ?? []) {
      signal.throwIfAborted();
      for await (const { row, values } of tableRows(path)) {
        rows += 1;
        const tokens = contentTokens(fieldText(values, fields));
        if (tokens.length < config.ngram) tooShort += 1;
        for (let at = 0; at < tokens.length; at += MAX_ITEM_TOKENS) {
          const piece = tokens.slice(at, at + MAX_ITEM_TOKENS);
          if (piece.length >= config.ngram) items.push({ tokens: piece, row });
        }
      }
    }
    if (items.length === before) {
      throw new FirnError("DATA_EVALUATION_SET", {
        expected: `texts of at least ${config.ngram} tokens in ${fields.join(", ")}`,
        got: `none in ${rows} rows`,
        where: `evaluation set "${name}"`,
        next: "Name the columns that hold the questions under `fields`.",
      });
    }
    ends.push({ name, end: items.length });
    facts.push({ name, sha256: (files[s] ?? []).map(({ sha256 }) => sha256), items: rows, tooShort });
  }
  const { ngram, minBlock, minShare } = config;
  const rule = { ngram, minBlock, minShare };
  return { items: indexItems(items, ends, rule), fact: { ...rule, sets: facts } };
}
