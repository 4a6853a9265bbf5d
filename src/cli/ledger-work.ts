/** @file What a command that works outside a build gets: its facts go into the store's ledger as they are said. */
import type { Work } from "../core/index.ts";
import { Ledger } from "../ledger/index.ts";
import type { CommandCall } from "./command.ts";

/** `Work` for `call`, whose facts belong to no stage. */
export function ledgerWork(storeDir: string, { report, signal }: CommandCall): Work {
  const ledger = Ledger.open(storeDir, report);
  return {
    report,
    signal,
    fact: (kind, data) => {
      ledger.append({ kind, stage: "", fingerprint: "", attempt: 0, data });
    },
    workers: 1,
    threads: 1,
  };
}
