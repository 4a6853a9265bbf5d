/** @file Starting and stopping the service. */
import { once, setMaxListeners } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import { FirnError, systemErrorCode } from "../core/index.ts";
import type { OutputFilter } from "../artifacts/index.ts";
import type { RunTrace } from "../ledger/index.ts";
import { Access } from "./access/access.ts";
import { AuditLog } from "./access/audit-log.ts";
import { KeyRing } from "./access/key-ring.ts";
import { ApiError } from "./api-error.ts";
import { createApp } from "./app.ts";
import { ConversationStore } from "./conversation-store.ts";
import { type Connections, trackConnections } from "./connections.ts";
import { DEFAULT_LIMITS, type ServeLimits } from "./limits.ts";
import { Gateway } from "./gateway/gateway.ts";
import { UpstreamPool } from "./gateway/upstream-pool.ts";
import type { McpSources } from "./mcp-server.ts";
import { addressOf, isLoopback } from "./loopback.ts";
import { Metrics } from "./metrics.ts";
import { OutputIndex } from "./output-guard.ts";
import { ModelShelf, type ServedModel } from "./served-model.ts";
import type { ServeLog, Service } from "./service.ts";
import { routesOf } from "./route-table.ts";
import { Slots } from "./slots.ts";
import type { Tool } from "./tools/tool.ts";
import { Toolbox } from "./tools/toolbox.ts";
import type { Runs } from "./runs.ts";
import type { ParallelText } from "./tokenizers.ts";
import { readFolderFiles, readWebFiles } from "./web-files.ts";

export interface ServeOptions {
  readonly models: readonly ServedModel[];
  /** Address to listen on. Default: `127.0.0.1`, which only this machine can reach. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Folder of the built page; without it there is only the API. */
  readonly webDir?: string;
  /** The `legal` folder of the release, and the traces of the run behind it. */
  readonly portal?: { readonly dir: string; readonly trace: RunTrace | undefined } | undefined;
  /** The training runs that the page shows. */
  readonly runs?: Runs;
  /**
   * File of API keys; every request to the API then needs one. Without it, `host` must be an address of this machine alone,
   * unless `withoutKeys` says that something else decides who may come in.
   */
  readonly keys?: string | undefined;
  readonly withoutKeys?: boolean;
  /** File that every request is written to, without its words. */
  readonly audit?: string | undefined;
  /** What no answer may say. */
  readonly filter?: OutputFilter | undefined;
  /** Engines to which requests are passed on; then there are no models of our own. */
  readonly upstream?: { readonly urls: readonly string[]; readonly apiKey: string | undefined };
  /** What clients may have called here. */
  readonly tools?: readonly Tool[];
  /** What the MCP server at `/mcp` answers from; without it there is none. */
  readonly mcp?: McpSources;
  /** The store whose documents the page shows; only where the server listens on loopback, because rejects hold all they came with. */
  readonly documentsStore?: string;
  /** The text on which the page measures tokenizers, in many languages. */
  readonly parallelText?: () => Promise<readonly ParallelText[]>;
  /** The database file of the page's conversations, made if need be; without it none are kept. */
  readonly conversations?: string;
  /** Host names, beside `localhost` and addresses, under which the server may be reached. */
  readonly allowedHosts?: readonly string[];
  readonly limits?: Partial<ServeLimits>;
  /** Told about every finished request and every fault. Default: nobody is told. */
  readonly log?: ServeLog;
}

export interface RunningServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no new requests, lets running answers finish for `limits.graceSeconds`, then ends them. The models stay
   * open; they belong to the caller.
   */
  close(): Promise<void>;
}

/**
 * Serves `models` over OpenAI's API, and the page. Resolves once the server listens.
 *
 * Errors: `SERVE_PORT_IN_USE`, `SERVE_CANNOT_LISTEN`, `SERVE_PAGE_MISSING`, `SERVE_OPEN_TO_NETWORK`, `SERVE_KEYS`,
 * `SERVE_CONVERSATIONS_IN_USE`, `SERVE_CONVERSATIONS_UNREADABLE`.
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const address = await addressOf(host).catch((cause: unknown) => {
    throw listenError(cause, host, options.port);
  });
  checkOpenness(address, options);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const log = options.log ?? (() => undefined);
  const access = new Access(options.keys === undefined ? undefined : await KeyRing.open(options.keys));
  const filter = options.filter === undefined ? undefined : new OutputIndex(options.filter);
  const pool = options.upstream === undefined ? undefined : await UpstreamPool.open(options.upstream);
  const audit =
    options.audit === undefined
      ? undefined
      : await AuditLog.open(options.audit, (error) => log({ kind: "fault", requestId: "audit", error }));
  const shutdown = new AbortController();
  // Every running request listens to it.
  setMaxListeners(0, shutdown.signal);
  const slots = new Slots(limits.parallel, limits.waiting);
  const service: Service = {
    shelf: new ModelShelf(options.models),
    slots,
    limits,
    metrics: new Metrics(slots),
    log,
    audit,
    filter,
    toolbox: new Toolbox(options.tools ?? []),
    shutdown: shutdown.signal,
  };
  let stopping = false;
  const web = options.webDir === undefined ? undefined : await readWebFiles(options.webDir);
  const portalFiles =
    options.portal === undefined ? undefined : await readFolderFiles(options.portal.dir, "/legal");
  const conversations =
    options.conversations === undefined ? undefined : ConversationStore.open(options.conversations);
  const app = createApp({
    service,
    access,
    routes: routesOf(pool === undefined ? undefined : new Gateway(pool, filter)),
    mcp: options.mcp,
    allowedHosts: options.allowedHosts ?? [],
    web,
    portal: portalFiles === undefined ? undefined : { files: portalFiles, trace: options.portal?.trace },
    runs: options.runs,
    documentsStore: isLoopback(address) ? options.documentsStore : undefined,
    parallelText: options.parallelText,
    conversations,
    stopping: () => stopping,
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: limits.headerSeconds * 1000,
      requestTimeout: limits.sendSeconds * 1000,
      keepAliveTimeout: 5_000,
      // Node.js looks for requests that are too slow this often, and by default only every 30 s.
      connectionsCheckingInterval: 1000,
    },
  }) as Server;
  server.on("clientError", answerBrokenRequest);
  const connections = trackConnections(server);
  try {
    await listen(server, address, options.port);
  } catch (error) {
    conversations?.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    close: async () => {
      stopping = true;
      await stop(server, connections, shutdown, limits.graceSeconds);
      pool?.close();
      await audit?.close();
      conversations?.close();
    },
  };
}

/** A server that other machines can reach asks for keys, unless somebody has said that it need not. */
function checkOpenness(address: string, { keys, withoutKeys }: ServeOptions): void {
  if (keys !== undefined || withoutKeys === true || isLoopback(address)) return;
  throw new FirnError("SERVE_OPEN_TO_NETWORK", {
    expected: "API keys on an address that other machines can reach",
    got: "none",
    where: address,
    next: "Make a key with `firn key add <name>` and start with --keys; or say --without-keys if a proxy in front decides who may come in.",
  });
}

/** What never became a request is answered in the API's shape all the same, if its sender still listens. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const slow = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const large = error.code === "HPE_HEADER_OVERFLOW";
  const [status, code, message] = slow
    ? (["408 Request Timeout", "request_too_slow", "The request took too long to arrive."] as const)
    : large
      ? (["431 Request Header Fields Too Large", "headers_too_large", "The headers are too large."] as const)
      : (["400 Bad Request", "invalid_http", "This is not HTTP."] as const);
  const body = JSON.stringify(new ApiError(400, { message, code }).body());
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}

/** Where `npm run build` puts the page, seen from this file in `src/serve` or in `dist/serve`. */
export function builtWebDir(): string {
  const here = new URL(import.meta.url).pathname;
  return fileURLToPath(new URL(here.endsWith(".ts") ? "../../dist/web" : "../web", import.meta.url));
}

async function listen(server: Server, address: string, port: number): Promise<void> {
  const listening = once(server, "listening");
  server.listen({ host: address, port });
  try {
    await listening;
  } catch (cause) {
    throw listenError(cause, address, port);
  }
}

function listenError(cause: unknown, host: string, port: number): FirnError {
  const where = `${host}:${port}`;
  if (systemErrorCode(cause) === "EADDRINUSE") {
    return new FirnError("SERVE_PORT_IN_USE", {
      expected: "a free port",
      got: "one that another program is using",
      where,
      next: `Stop that program, or choose another port with --port ${port + 1}.`,
      cause,
    });
  }
  return new FirnError("SERVE_CANNOT_LISTEN", {
    expected: "an address and port this machine may listen on",
    got: systemErrorCode(cause) ?? "an error",
    where,
    next: "Choose another --host or a --port above 1023.",
    cause,
  });
}

async function stop(
  server: Server,
  connections: Connections,
  shutdown: AbortController,
  graceSeconds: number,
): Promise<void> {
  const closed = once(server, "close");
  server.close();
  connections.closeWhenIdle();
  const grace = setTimeout(() => {
    shutdown.abort();
    // The ended answers still say why; a client that does not even read that is not waited for.
    setTimeout(() => server.closeAllConnections(), 1000).unref();
  }, graceSeconds * 1000);
  await closed;
  clearTimeout(grace);
}
