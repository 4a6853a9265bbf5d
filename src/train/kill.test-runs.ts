/** @file Kills a training process again and again at random moments, and compares what it ends with. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RandomStream } from "../core/index.ts";

const CHILD = fileURLToPath(new URL("./tiny-run.test-child.ts", import.meta.url));

/** Runs the child; kills it `afterMs` after its `updates`-th step if these are given. True if it came to its end. */
async function train(
  dir: string,
  steps: number,
  kill?: { readonly updates: number; readonly afterMs: number },
): Promise<boolean> {
  const child = spawn(process.execPath, ["--import", "tsx", CHILD, dir, String(steps)], {
    cwd: dirname(CHILD),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const before = output.split("done ").length - 1;
    output += chunk.toString();
    const after = output.split("done ").length - 1;
    if (kill !== undefined && before < kill.updates && after >= kill.updates)
      setTimeout(() => child.kill("SIGKILL"), kill.afterMs);
  });
  await once(child, "close");
  return output.includes("finished");
}

/** Trains in `dir` with up to `kills` kills; returns how many there were. */
export async function trainWithKills(
  dir: string,
  steps: number,
  kills: number,
  random: RandomStream,
): Promise<number> {
  for (let done = 0; done < kills; done++) {
    if (await train(dir, steps, { updates: 1 + random.integer(12), afterMs: random.integer(40) }))
      return done;
  }
  await train(dir, steps);
  return kills;
}

export async function trainWhole(dir: string, steps: number): Promise<void> {
  await train(dir, steps);
}

export async function bytesOf(dir: string): Promise<Record<string, string>> {
  const files = (await readdir(dir)).sort();
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => [file, (await readFile(join(dir, file))).toString("base64")]),
    ),
  );
}
