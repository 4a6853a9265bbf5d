/** @file `firn mcp`: Firn's own questions as an MCP server over standard input and output. */
import { z } from "zod";
import { silentReporter } from "../../core/index.ts";
import { serveMcpOverStdio } from "../../serve/index.ts";
import type { CommandCall } from "../command.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { mcpSources } from "../mcp-sources.ts";
import { parseOptions, storeOption } from "../options.ts";

const schema = z.object({ store: storeOption, threads: machineOptions.threads });

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const { threads } = machineUse(options);
  // Standard output belongs to the protocol.
  await serveMcpOverStdio(mcpSources(options.store, threads, silentReporter), call.signal);
}
