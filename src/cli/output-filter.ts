/** @file The output filter of a store: what requests put into it, and where `firn serve` finds it. */
import { existsSync } from "node:fs";
import path from "node:path";
import {
  emptyFilter,
  filterableUnits,
  filterEntry,
  openStore,
  readOutputFilter,
  withEntries,
  writeOutputFilter,
} from "../artifacts/index.ts";
import { type Ledger, requestPassages, type RequestSubject } from "../ledger/index.ts";

/** Every `firn serve` on this store applies it, unless it is told of another. */
export function outputFilterPath(storeDir: string): string {
  return path.join(storeDir, "requests", "output-filter.json");
}

/** What a request keeps from being said. */
export interface FilterChange {
  readonly version: number;
  readonly passages: number;
  readonly windows: number;
}

/**
 * What must not be said any more because of a request, checked before anything of it is recorded.
 *
 * @param hashes SHA-256 of the documents it concerns
 * @throws FirnError `ARTIFACT_FILTER_PASSAGE`, `LEDGER_REQUEST`
 */
export async function passagesToFilter(
  storeDir: string,
  subject: RequestSubject,
  hashes: readonly string[],
): Promise<string[]> {
  const all = await openStore(storeDir).list({ onBroken: () => undefined });
  const globs = all
    .filter(({ kind }) => kind === "documents")
    .map(({ dir }) => path.join(dir, "documents", "*.parquet"));
  const passages = await requestPassages(subject, hashes, globs);
  passages.forEach(filterableUnits);
  return passages;
}

/** Takes what request `id` put into the store's filter out again. Nothing happens where there is no filter. */
export async function unfilterRequest(storeDir: string, ledger: Ledger, id: string): Promise<void> {
  const file = outputFilterPath(storeDir);
  if (!existsSync(file)) return;
  const { entries } = await readOutputFilter(file);
  if (entries.some(({ request }) => request === id)) await filterRequest(storeDir, ledger, id, []);
}

/**
 * Puts `passages` into the store's filter for request `id`; what it had in it before goes. The ledger is told how much, and
 * none of it.
 */
export async function filterRequest(
  storeDir: string,
  ledger: Ledger,
  id: string,
  passages: readonly string[],
): Promise<FilterChange> {
  const file = outputFilterPath(storeDir);
  const now = new Date();
  const before = existsSync(file) ? await readOutputFilter(file) : emptyFilter(now);
  const entries = filterEntry(before, id, passages, now);
  const filter = withEntries(before, id, entries, now);
  await writeOutputFilter(file, filter);
  const windows = entries.reduce((sum, { hashes }) => sum + hashes.length, 0);
  const change = { version: filter.version, passages: passages.length, windows };
  ledger.append({
    kind: "request.output-filter",
    stage: "",
    fingerprint: "",
    attempt: 0,
    data: { id, ...change },
  });
  return change;
}
