/** @file Where `firn pull` puts models, so that other commands find them by the name they have on the Hub. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode } from "../core/index.ts";

/** Folder for pulled models, in the working directory. */
export const MODELS_DIR = "models";

/** The folder of `owner/name` under `models/`, if such a folder was pulled. */
export async function pulledFolder(name: string): Promise<string | undefined> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(name)) return undefined;
  const dir = path.resolve(MODELS_DIR, name);
  try {
    return (await stat(dir)).isDirectory() ? dir : undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
