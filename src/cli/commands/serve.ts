/** @file `firn serve`: the OpenAI-compatible API and the web page, on a release or before engines of others. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { describeError, formatInteger } from "../../core/index.ts";
import { readDeclarations } from "../../data/index.ts";
import {
  builtWebDir,
  DEFAULT_LIMITS,
  type RunningServer,
  type ServedModel,
  type ServeEvent,
  type ServeOptions,
  startServer,
  tokenizerCodec,
} from "../../serve/index.ts";
import type { CommandCall } from "../command.ts";
import { type BesideModel, openBeside } from "../beside.ts";
import { openModel } from "../find-model.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { runSamples, traceBehind, traceRunStep } from "../release-run.ts";
import { frontOptions, openFront } from "../serve-front.ts";
import { integerOption, parseOptions, storeOption } from "../options.ts";

const schema = z.object({
  store: storeOption,
  host: z.string().min(1).default("127.0.0.1"),
  port: integerOption(0, 65_535).default(8080),
  allowHost: z.string().min(1).optional(),
  beside: z.array(z.string().min(1)).max(8).default([]),
  /** On a model of our own each takes memory for a whole context; engines behind the gateway take what they like. */
  parallel: integerOption(1, 1024).optional(),
  threads: machineOptions.threads,
  ...frontOptions,
});
type Options = z.infer<typeof schema>;

function eventLine(event: ServeEvent): string {
  if (event.kind === "fault") return `${event.requestId} ${describeError(event.error)}`;
  const { method, path: address, status, milliseconds } = event;
  return `${status} ${method} ${address} ${formatInteger(milliseconds)} ms`;
}

function served({ name, model, tokenizer, time }: BesideModel): ServedModel {
  const created = Math.floor(time.getTime() / 1000);
  return { id: name, model, chat: tokenizerCodec(tokenizer), tokenizer, created };
}

/** What is served, in words and as JSON. */
interface Serving {
  readonly options: Pick<ServeOptions, "models" | "portal">;
  readonly title: string;
  readonly json: { readonly model: string | null; readonly release: string | null };
  close(): Promise<void>;
}

async function openOwn(call: CommandCall, options: Options, threads: number): Promise<Serving> {
  const { store, parallel = DEFAULT_LIMITS.parallel } = options;
  const settings = { store, threads, sequences: parallel };
  const opened = await openModel(call.arguments[0], settings);
  const all: BesideModel[] = [opened];
  const close = async (): Promise<void> => {
    for (const { model } of all) await model.close();
  };
  try {
    for (const other of options.beside) all.push(await openBeside(other, opened, settings));
    const { name, dir } = opened;
    const legal = path.join(dir, "legal");
    const trace = await traceBehind(store, dir);
    const portal = existsSync(path.join(legal, "portal.json")) ? { dir: legal, trace } : undefined;
    const [main, ...others] = all.map(served);
    return {
      options: { models: [{ ...main!, origins: trace?.origins }, ...others], portal },
      title: `${name} from ${path.relative(process.cwd(), dir)}`,
      json: { model: name, release: dir },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function openUpstream(urls: readonly string[]): Serving {
  return {
    options: { models: [], portal: undefined },
    title: `Passing requests on to ${urls.join(", ")}`,
    json: { model: null, release: null },
    close: () => Promise.resolve(),
  };
}

async function announce(call: CommandCall, server: RunningServer, serving: Serving): Promise<void> {
  if (call.json) {
    call.printJson({ url: server.url, ...serving.json });
  } else {
    call.terminal.print(serving.title);
    call.terminal.print(`Page  ${server.url}/`);
    call.terminal.print(`API   ${server.url}/v1  (OpenAI's and Anthropic's; ${server.url}/openapi.json)`);
    call.terminal.print("Ctrl-C stops it.");
  }
  if (!call.signal.aborted) await once(call.signal, "abort");
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const { store, upstream } = options;
  const { threads } = machineUse(options);
  const front = await openFront(options, { store, threads }, call);
  try {
    const serving = upstream === undefined ? await openOwn(call, options, threads) : openUpstream(upstream);
    try {
      const server = await startServer({
        ...front.options,
        ...serving.options,
        host: options.host,
        port: options.port,
        webDir: builtWebDir(),
        runs: {
          storeDir: store,
          step: (run, step) => traceRunStep(store, run, step),
          samples: (run) => runSamples(store, run),
        },
        documentsStore: store,
        conversations: path.join(store, ".serve", "conversations.db"),
        parallelText: async () =>
          (await readDeclarations()).map(({ code, ...declaration }) => ({ language: code, ...declaration })),
        allowedHosts: options.allowHost === undefined ? [] : [options.allowHost],
        limits: { parallel: options.parallel ?? (upstream === undefined ? DEFAULT_LIMITS.parallel : 256) },
        log: (event) => call.report.line(eventLine(event)),
      });
      try {
        await announce(call, server, serving);
      } finally {
        await server.close();
      }
    } finally {
      await serving.close();
    }
  } finally {
    await front.close();
  }
}
