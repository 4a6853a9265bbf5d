/** @file `firn/cli`: the command line as a function, and its reference page. */
export { main } from "./main.ts";
export { commandReference } from "./reference.ts";
export { Interrupted, runCommandLine } from "./run.ts";
export type { Terminal } from "./terminal.ts";
