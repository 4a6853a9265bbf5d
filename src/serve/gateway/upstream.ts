/**
 * @file One engine behind the gateway (vLLM, SGLang, llama.cpp's server, another Firn): sending it requests, and asking now
 * and then whether it lives and which models it has.
 */
import { parseJson } from "../../core/index.ts";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { z } from "zod";

/** Time-outs in milliseconds, each with its reason. */
export const UPSTREAM_TIMES = {
  /** A long prompt may take minutes before its first token; a stream that says nothing for so long is dead. */
  silence: 300_000,
  /** Health checks answer at once or count as failed. */
  health: 3000,
} as const;

/** Most bytes of an answer that is not streamed. */
const MAX_ANSWER = 64 * 1024 * 1024;

const modelsSchema = z.object({
  data: z
    .array(z.looseObject({ id: z.string().min(1).max(500), created: z.number().optional() }))
    .max(10_000),
});

export interface UpstreamModel {
  readonly id: string;
  readonly created: number;
  readonly contextLength: number | null;
}

/** The engine did not answer, or not in HTTP; nothing of an answer has been passed on. */
export class UpstreamFailure extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "UpstreamFailure";
  }
}

export class Upstream {
  readonly url: URL;
  readonly #authorization: string | undefined;
  /** Requests it is working on for us. */
  running = 0;
  #healthy = false;
  #refusesKey = false;
  #models: readonly UpstreamModel[] = [];

  /** @param apiKey what the engine asks for, if it asks */
  constructor(url: URL, apiKey: string | undefined) {
    this.url = url;
    this.#authorization = apiKey === undefined ? undefined : `Bearer ${apiKey}`;
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  /** It lives, and does not take the gateway's key. */
  get refusesKey(): boolean {
    return this.#refusesKey;
  }

  get models(): readonly UpstreamModel[] {
    return this.#models;
  }

  /** After a failure it gets no requests until a check succeeds. */
  markFailed(): void {
    this.#healthy = false;
  }

  /** Asks for the list of models, which every OpenAI-compatible engine has and serves only once it is ready. */
  async check(signal: AbortSignal): Promise<void> {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(UPSTREAM_TIMES.health)]);
      const answer = await this.send("GET", "/v1/models", undefined, limit);
      this.#refusesKey = isKeyRefusal(answer);
      const text = await readText(answer);
      const { data } = modelsSchema.parse(parseJson(text));
      this.#models = data.map((model) => ({
        id: model.id,
        created: model.created ?? 0,
        contextLength: contextLength(model),
      }));
      this.#healthy = answer.statusCode === 200;
    } catch {
      this.#healthy = false;
    }
  }

  /** Resolves with the head of the answer. @throws UpstreamFailure, or `signal.reason` */
  send(
    method: "GET" | "POST",
    path: string,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const url = new URL(this.url);
    url.pathname = url.pathname.replace(/\/(v1\/?)?$/, "") + path;
    const payload = body === undefined ? undefined : Buffer.from(body);
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const send = url.protocol === "https:" ? httpsRequest : httpRequest;
      const request = send(url, {
        method,
        headers: {
          Accept: "application/json, text/event-stream",
          ...(payload === undefined
            ? {}
            : { "Content-Type": "application/json", "Content-Length": payload.length }),
          ...(this.#authorization === undefined ? {} : { Authorization: this.#authorization }),
        },
      });
      const abort = (): void => {
        request.destroy(signal.reason as Error);
      };
      signal.addEventListener("abort", abort, { once: true });
      request.setTimeout(UPSTREAM_TIMES.silence, () =>
        request.destroy(new UpstreamFailure("it said nothing for too long")),
      );
      request.once("response", (answer) => {
        answer.once("close", () => signal.removeEventListener("abort", abort));
        resolve(answer);
      });
      request.once("error", (error) => {
        signal.removeEventListener("abort", abort);
        reject(signal.aborted ? (signal.reason as Error) : new UpstreamFailure(error.message, error));
      });
      request.end(payload);
    });
  }
}

/** Statuses by which an engine says that the key it was sent is wrong, missing or not enough. */
export function isKeyRefusal({ statusCode }: IncomingMessage): boolean {
  return statusCode === 401 || statusCode === 403 || statusCode === 407;
}

/** vLLM calls it `max_model_len`, Firn `context_length`. */
function contextLength(model: Readonly<Record<string, unknown>>): number | null {
  const length = model["context_length"] ?? model["max_model_len"];
  return typeof length === "number" && Number.isSafeInteger(length) && length > 0 ? length : null;
}

/** A whole answer as text. @throws UpstreamFailure when it breaks off or is too long */
export async function readText(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MAX_ANSWER) throw new UpstreamFailure("its answer is too long");
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof UpstreamFailure) throw error;
    throw new UpstreamFailure("its answer broke off", error);
  }
  return Buffer.concat(parts).toString();
}
