/**
 * @file Every request of the page to its own server. Where the server wants a key, the reader is asked for one and the
 * request waits; the key stays in this browser until it is forgotten.
 */
import { forgetStored, readStored, writeStored } from "./storage.ts";
import { words } from "./words.ts";

const STORED = "firn.key";
const isKey = (value: unknown): value is string => typeof value === "string";

/** A request that was refused or broke off; `message` is for the reader. */
export class ApiFailure extends Error {
  readonly code: string | null;

  constructor(message: string, code: string | null) {
    super(message);
    this.name = "ApiFailure";
    this.code = code;
  }
}

export interface ErrorBody {
  readonly error?: { readonly message?: string; readonly code?: string | null };
}

export function failureOf(body: ErrorBody, fallback: string): ApiFailure {
  const code = body.error?.code ?? null;
  const own: Readonly<Record<string, string | undefined>> = words.failures;
  return new ApiFailure((code === null ? undefined : own[code]) ?? body.error?.message ?? fallback, code);
}

/** For people: what went wrong. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where storage is forbidden the key lives as long as the page. */
let key = readStored(STORED, "", isKey);

export const hasKey = (): boolean => key !== "";

/** Put to the reader when a key is wanted; `answer` goes on, with a key or without. */
export interface KeyQuestion {
  /** There was a key, and the server does not take it. */
  readonly refused: boolean;
  readonly answer: (given: boolean) => void;
}

let asked: { readonly question: KeyQuestion; readonly answered: Promise<boolean> } | undefined;
/** Whoever closed the question is not asked again by requests that repeat themselves. */
let declined = false;
let listener: (question: KeyQuestion | undefined) => void = () => undefined;

/** Tells `listen` when a key is wanted, and when no longer; returns how to stop that. */
export function onKeyQuestion(listen: (question: KeyQuestion | undefined) => void): () => void {
  listener = listen;
  listen(asked?.question);
  return () => {
    listener = () => undefined;
  };
}

/** Requests may ask for a key again. */
export function askAgain(): void {
  declined = false;
}

/** One question for all requests that wait for its answer. Resolves to whether there is a key now. */
function askForKey(refused: boolean): Promise<boolean> {
  if (asked !== undefined) return asked.answered;
  if (declined) return Promise.resolve(false);
  let settle: (given: boolean) => void = () => undefined;
  const answered = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  const answer = (given: boolean): void => {
    asked = undefined;
    declined = !given;
    listener(undefined);
    settle(given);
  };
  asked = { question: { refused, answer }, answered };
  listener(asked.question);
  return answered;
}

/**
 * Keeps `candidate` if the server takes it; otherwise throws `ApiFailure`, and the key from before stays.
 * Returns whether it took the place of another.
 */
export async function keepKey(candidate: string): Promise<boolean> {
  const response = await reach("v1/models", {}, candidate);
  if (!response.ok) throw await refusal(response);
  const replaced = key !== "" && key !== candidate;
  key = candidate;
  writeStored(STORED, key);
  return replaced;
}

export function forgetKey(): void {
  key = "";
  forgetStored(STORED);
}

async function reach(path: string, init: RequestInit, bearer: string): Promise<Response> {
  const headers = new Headers(init.headers);
  // The papers are everybody's, also where they lie on a plain web server.
  if (bearer !== "" && !path.startsWith("legal/")) headers.set("Authorization", `Bearer ${bearer}`);
  try {
    return await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiFailure(words.noServer, null);
  }
}

async function refusal(response: Response): Promise<ApiFailure> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  return failureOf(body, `HTTP ${response.status}`);
}

const WANTED: ReadonlySet<string | null> = new Set(["missing_api_key", "invalid_api_key"]);

/** A request to this page's server; throws `ApiFailure` for any answer but a good one. */
export async function fetchHere(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await reach(path, init, key);
  if (response.ok) return response;
  const failure = await refusal(response);
  if (response.status !== 401 || !WANTED.has(failure.code)) throw failure;
  if (!(await askForKey(failure.code === "invalid_api_key"))) throw failure;
  init.signal?.throwIfAborted();
  const second = await reach(path, init, key);
  if (second.ok) return second;
  throw await refusal(second);
}

/** The JSON that the server answers with. */
export async function fetchJson<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await fetchHere(path, init)).json()) as T;
}

/** What to send `body` as JSON with. */
export function jsonRequest(method: "POST" | "PUT", body: object, more: RequestInit = {}): RequestInit {
  const headers = { "Content-Type": "application/json" };
  return { method, headers, body: JSON.stringify(body), ...more };
}
