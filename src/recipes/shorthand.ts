/**
 * @file A user's own texts in one line: `- { folder: ./my-texts, licence: CC-BY-4.0 }` (or `jsonl:`, `parquet:`, `warc:`) is
 * written out as the full declaration of a source.
 */

const SHORTHANDS = ["folder", "jsonl", "parquet", "warc"] as const;

type Plain = Record<string, unknown>;

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `./my texts/` → `my-texts`. */
function idFromPath(path: string): string {
  const last = path.replaceAll("\\", "/").replace(/\/+$/, "").split("/").at(-1) ?? "";
  const id = last
    .replace(/\.(txt|md|jsonl|parquet|warc|wet)?(\.(gz|zst))?$/i, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 63);
  return id === "" ? "my-texts" : id;
}

function expandSource(source: unknown): unknown {
  if (!isPlain(source) || "reader" in source) return source;
  const type = SHORTHANDS.find((name) => name in source);
  const path = type === undefined ? undefined : source[type];
  if (type === undefined || typeof path !== "string") return source;
  const { [type]: _, ...rest } = source;
  return { id: idFromPath(path), category: "other", ...rest, reader: { type, path } };
}

/** The recipe with its source shorthands written out; everything else is left as it is. */
export function expandShorthands(recipe: unknown): unknown {
  if (!isPlain(recipe) || !Array.isArray(recipe["sources"])) return recipe;
  return { ...recipe, sources: recipe["sources"].map(expandSource) };
}
