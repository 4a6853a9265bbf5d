/** @file What the service's tests share: a small model to serve, and raw requests beside the official client's. */
import {
  startServer,
  type RunningServer,
  type ServedModel,
  type ServeOptions,
} from "../../src/serve/index.ts";
import { byteCodec, trainedNgram } from "./ngram-model.ts";

export const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];

export function ngram(id = "ngram", contextLength = 512, tokenMs = 0): ServedModel {
  return { id, model: trainedNgram({ contextLength, tokenMs }), chat: byteCodec, created: 1_700_000_000 };
}

/** A server on a free port; without options it serves the n-gram model. */
export function serveNgram(options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  return startServer({ models: [ngram()], port: 0, ...options });
}

export interface ErrorAnswer {
  error: { message: string; type: string; param: string | null; code: string | null };
}

export async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as ErrorAnswer };
}

export const hello = {
  model: "ngram",
  messages: [{ role: "user" as const, content: "Hallo!" }],
  temperature: 0,
};
