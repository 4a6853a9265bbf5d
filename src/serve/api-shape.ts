/** @file How the three APIs frame a stream and an error: OpenAI's, its newer Responses API's, and Anthropic's. */
import type { ApiError } from "./api-error.ts";

export interface ApiShape {
  /** Server-sent events carry their object's `type` as their name; else they are nameless and `[DONE]` is the last. */
  readonly named: boolean;
  errorBody(error: ApiError, requestId: string): object;
  /** The object that ends a stream which failed half-way. */
  streamError(error: ApiError, requestId: string): object;
}

export const OPENAI: ApiShape = {
  named: false,
  errorBody: (error) => error.body(),
  streamError: (error) => error.body(),
};

export const RESPONSES: ApiShape = {
  named: true,
  errorBody: (error) => error.body(),
  streamError: ({ message, code, param }) => ({ type: "error", code, message, param, sequence_number: null }),
};

export const ANTHROPIC: ApiShape = {
  named: true,
  errorBody: anthropicError,
  streamError: anthropicError,
};

/** Anthropic API reference, "Errors". */
function anthropicError({ status, message }: ApiError, requestId: string) {
  return { type: "error", error: { type: anthropicType(status), message }, request_id: requestId };
}

function anthropicType(status: number): string {
  const names: Readonly<Record<number, string>> = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
  };
  return names[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
}

/** The shape in which whoever asks for `path` expects errors, whether there is such a route or not. */
export function shapeOf(path: string): ApiShape {
  return path.startsWith("/v1/messages") ? ANTHROPIC : OPENAI;
}
