/** @file Where the API keys of a store's service lie, unless `firn serve --keys` names another file. */
import path from "node:path";

export function apiKeysPath(storeDir: string): string {
  return path.join(storeDir, "keys", "api-keys.json");
}
