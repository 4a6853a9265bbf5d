/** @file The command line from source, for child processes of the tests. */
import { main } from "../../src/cli/index.ts";

await main();
