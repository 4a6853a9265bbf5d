/** @file Loads edited GGUFs in a process that may die of them, and says what became of each. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("./load-gguf.test-child.ts", import.meta.url));
const PATIENCE_MS = 30_000;

/** `spoke`, `refused`, or in words what should not have happened. */
export type Outcome = string;

/** A process that loads one file after the other, started anew when it has died. */
export class LoadingProcess {
  #child: ChildProcess | undefined;

  async load(path: string): Promise<Outcome> {
    this.#child ??= await this.#start();
    const child = this.#child;
    const outcome = await new Promise<Outcome>((resolve) => {
      const patience = setTimeout(() => resolve("hung"), PATIENCE_MS);
      const end = (said: Outcome): void => {
        clearTimeout(patience);
        child.removeAllListeners();
        resolve(said);
      };
      child.once("exit", (code, signal) => end(`died of ${signal ?? code}`));
      child.once("message", (said) => end(typeof said === "string" ? said : "said something else"));
      child.send(path);
    });
    if (outcome === "hung" || outcome.startsWith("died")) this.close();
    return outcome;
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(CHILD, [], {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    await new Promise((resolve) => child.once("message", resolve));
    return child;
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
