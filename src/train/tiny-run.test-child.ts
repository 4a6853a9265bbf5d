/** @file The process that tests kill: trains a tiny model in a folder until it is done. */
import { silentReporter } from "../core/index.ts";
import { runTraining } from "./run-training.ts";
import { tinyRun } from "./tiny-run.test-run.ts";

const [dir = "", steps = "12"] = process.argv.slice(2);
await runTraining(tinyRun(dir, { steps: Number(steps) }), {
  report: {
    ...silentReporter,
    task: () => ({ update: (done) => console.log(`done ${done}`), finish: () => undefined }),
  },
  signal: new AbortController().signal,
  fact: () => undefined,
  workers: 1,
  threads: 1,
});
console.log("finished");
