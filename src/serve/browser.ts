/** @file What the page shares with the service at run time: values that need nothing of a server's. */
export { MAX_ROUNDS } from "./tools/rounds.ts";
