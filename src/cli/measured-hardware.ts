/** @file What this machine and the store's ledger know about the training of the newest release: device, peak, hours. */
import { cpus } from "node:os";
import { openStore } from "../artifacts/index.ts";
import { measureMatmulRate } from "../engine/index.ts";
import type { Ledger } from "../ledger/index.ts";
import { newestOfStage } from "./find-artifact.ts";
import { trainingRuns } from "./release-run.ts";
import { secondsOf } from "./requests.ts";

/**
 * Device, hours and peak for the provider's form. Hours are left out when a run was interrupted: the ledger then knows
 * when it began and ended, and not how long it worked.
 */
export async function measuredHardware(
  storeDir: string,
  ledger: Ledger,
  threads: number,
): Promise<{ device: string; units: number; hours?: number; peakFlops: number }> {
  const store = openStore(storeDir);
  const release = await newestOfStage(store, "release", "Build a recipe first: `npx firn build nano`.");
  const seconds = await Promise.all(
    (await trainingRuns(store, release)).map(({ manifest }) => secondsOf(ledger, manifest.fingerprint)),
  );
  const total = seconds.every((one) => one !== null) ? seconds.reduce((sum, one) => sum + one, 0) : undefined;
  return {
    device: `${cpus()[0]?.model.trim() ?? "this machine"}, ${threads} threads`,
    units: 1,
    ...(total === undefined || total === 0 ? {} : { hours: Number((total / 3600).toPrecision(3)) }),
    peakFlops: Number((await measureMatmulRate(threads)).toPrecision(3)),
  };
}
