/** @file The process that pipeline.test.ts kills: runs the line in a store until it is done. */
import { openStore } from "../artifacts/index.ts";
import { silentReporter } from "../core/index.ts";
import { Ledger } from "../ledger/index.ts";
import { line } from "./pipeline.test-stages.ts";
import { plan } from "./plan.ts";
import { runPlan } from "./run-plan.ts";

const [dir = "", rounds = "4", pause = "0"] = process.argv.slice(2);
const store = openStore(dir);
const nodes = line({ rounds: Number(rounds), pause: Number(pause) });
await runPlan(await plan([nodes.writeUp], store), {
  store,
  ledger: Ledger.open(dir),
  report: { ...silentReporter, line: (text) => console.log(text) },
  signal: new AbortController().signal,
  runtime: { workers: 1, threads: 1 },
});
console.log("finished");
