/**
 * @file `npm run bench -- <name> [seconds]`: measurements to be written down in docs/performance.md together with the
 * machine and the commit. Close other programs first; two threads on a busy machine measure the other programs.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg } from "node:os";
import { benchData } from "./data.ts";
import { benchExport } from "./export.ts";
import { benchMemory } from "./memory.ts";
import { benchPage } from "./page.ts";
import { benchPages } from "./pages.ts";
import { benchPasses } from "./passes.ts";
import { benchRanks } from "./ranks.ts";
import { benchServe } from "./serve.ts";
import { benchTokenizer } from "./tokenizer.ts";
import { benchTrace } from "./trace.ts";
import { benchTrain } from "./train.ts";

const BENCHES: Readonly<Record<string, (threads: number, seconds: number) => Promise<void>>> = {
  data: benchData,
  export: benchExport,
  memory: benchMemory,
  page: benchPage,
  pages: benchPages,
  passes: benchPasses,
  ranks: benchRanks,
  serve: benchServe,
  tokenizer: benchTokenizer,
  trace: benchTrace,
  train: benchTrain,
};

function revision(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return "no git revision";
  }
}

const [name = "", seconds = "20"] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined || !/^\d{1,4}$/.test(seconds)) {
  console.error(`Usage: npm run bench -- ${Object.keys(BENCHES).join("|")} [seconds per case]`);
  process.exit(1);
}
const cores = availableParallelism();
console.log(
  `${cpus()[0]?.model.trim()}, ${cores} cores; Node.js ${process.version}; ${revision()}; load ${loadavg()[0]!.toFixed(2)}\n`,
);
await bench(cores, Number(seconds));
