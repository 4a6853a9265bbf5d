/** @file `firn serve`: the OpenAI-compatible API and the web page, on a release. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { describeError, formatInteger } from "../../core/index.ts";
import { builtWebDir, type ServeEvent, startServer, tokenizerCodec } from "../../serve/index.ts";
import type { CommandCall } from "../command.ts";
import { openModel } from "../find-model.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { traceBehind, traceRunStep } from "../release-run.ts";
import { integerOption, parseOptions, storeOption } from "../options.ts";

const schema = z.object({
  store: storeOption,
  host: z.string().min(1).default("127.0.0.1"),
  port: integerOption(0, 65_535).default(8080),
  allowHost: z.string().min(1).optional(),
  parallel: integerOption(1, 64).default(4),
  threads: machineOptions.threads,
});

function eventLine(event: ServeEvent): string {
  if (event.kind === "fault") return `${event.requestId} ${describeError(event.error)}`;
  const { method, path: address, status, milliseconds } = event;
  return `${status} ${method} ${address} ${formatInteger(milliseconds)} ms`;
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const { threads } = machineUse(options);
  const opened = await openModel(call.arguments[0], {
    store: options.store,
    threads,
    sequences: options.parallel,
  });
  const { model, tokenizer, name, time, dir } = opened;
  try {
    const legal = path.join(dir, "legal");
    const portal = existsSync(path.join(legal, "portal.json"))
      ? { dir: legal, trace: await traceBehind(options.store, dir) }
      : undefined;
    const server = await startServer({
      models: [
        { id: name, model, chat: tokenizerCodec(tokenizer), created: Math.floor(time.getTime() / 1000) },
      ],
      host: options.host,
      port: options.port,
      webDir: builtWebDir(),
      portal,
      runs: { storeDir: options.store, step: (run, step) => traceRunStep(options.store, run, step) },
      allowedHosts: options.allowHost === undefined ? [] : [options.allowHost],
      limits: { parallel: options.parallel },
      log: (event) => call.report.line(eventLine(event)),
    });
    try {
      if (call.json) call.printJson({ url: server.url, model: name, release: dir });
      else {
        call.terminal.print(`${name} from ${path.relative(process.cwd(), dir)}`);
        call.terminal.print(`Page  ${server.url}/`);
        call.terminal.print(
          `API   ${server.url}/v1  (OpenAI's and Anthropic's; described at ${server.url}/openapi.json)`,
        );
        call.terminal.print("Ctrl-C stops it.");
      }
      if (!call.signal.aborted) await once(call.signal, "abort");
    } finally {
      await server.close();
    }
  } finally {
    await model.close();
  }
}
