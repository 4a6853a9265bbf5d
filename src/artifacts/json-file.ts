/** @file Small JSON files that people hand us: read whole within a bound, and held against a schema. */
import { readFile, stat } from "node:fs/promises";
import type { z } from "zod";
import { type FirnError, formatBytes, parseJson, systemErrorCode } from "../core/index.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The content of `path` as `schema` reads it.
 *
 * @param refuse makes the error from what was found instead
 * @throws what `refuse` makes, for a file that cannot be read, is too large, is not JSON, or does not fit
 */
export async function readJsonFile<T>(
  path: string,
  schema: z.ZodType<T>,
  refuse: (got: string, cause?: unknown) => FirnError,
  maxBytes = MAX_BYTES,
): Promise<T> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw refuse(`a file of ${formatBytes(size)}`);
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    throw code === undefined ? error : refuse(code, error);
  }
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw refuse("something that is not JSON", error);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw refuse(`${issue.path.join(".") || "its top"}: ${issue.message}`);
}
