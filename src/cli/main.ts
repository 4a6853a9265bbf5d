/** @file The process around the command line: signals, pipes and the exit code. `bin/firn.js` calls it. */
import { Interrupted, runCommandLine } from "./run.ts";
import { processTerminal, surviveClosedPipes } from "./terminal.ts";

/**
 * Runs the command line of this process. The first Ctrl-C asks the work to stop at its next safe point, the second
 * ends the process; both leave a state from which the same command goes on.
 */
export async function main(): Promise<void> {
  surviveClosedPipes();
  const terminal = processTerminal();
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    terminal.writeStatus(
      "\nStopping at the next safe point. Ctrl-C again ends at once; nothing finished is lost.\n",
    );
    controller.abort(new Interrupted());
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.exitCode = await runCommandLine(process.argv.slice(2), terminal, controller.signal);
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
}
