/** @file How long a request may go on: until its client leaves, its time is up, or the server stops. */
import { ApiError } from "./api-error.ts";

/** The client closed the connection; nobody is left to answer. */
export class ClientGone extends Error {
  constructor() {
    super("the client closed the connection");
    this.name = "ClientGone";
  }
}

export interface RequestScope {
  readonly signal: AbortSignal;
  /** The client's end of a response stream was closed. */
  clientGone(): void;
  /** Must be called when the request is over: frees the timer and the listeners. */
  close(): void;
}

/** Opens the scope of `request`; `shutdown` is aborted when the server will not wait any longer. */
export function openScope(request: Request, shutdown: AbortSignal, seconds: number): RequestScope {
  const controller = new AbortController();
  const clientGone = (): void => controller.abort(new ClientGone());
  const stop = (): void => controller.abort(serverStopping());
  const timer = setTimeout(() => controller.abort(tookTooLong(seconds)), seconds * 1000);
  const client = request.signal;
  if (client.aborted) clientGone();
  else client.addEventListener("abort", clientGone, { once: true });
  if (shutdown.aborted) stop();
  else shutdown.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    clientGone,
    close: () => {
      clearTimeout(timer);
      client.removeEventListener("abort", clientGone);
      shutdown.removeEventListener("abort", stop);
    },
  };
}

export function serverStopping(): ApiError {
  return new ApiError(503, {
    message: "The server is stopping.",
    code: "server_stopping",
    headers: { Connection: "close", "Retry-After": "5" },
  });
}

function tookTooLong(seconds: number): ApiError {
  return new ApiError(504, {
    message: `The answer took longer than this server allows (${seconds} s).`,
    code: "request_timeout",
  });
}
