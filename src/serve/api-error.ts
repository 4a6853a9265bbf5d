/**
 * @file Errors as OpenAI's API says them: a status and a body `{ error: { message, type, param, code } }`. Official
 * clients choose their exception from the status and show the rest to their user.
 */
import type { z } from "zod";
import { nearestName } from "../core/index.ts";

export interface ApiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

interface ApiErrorParts {
  readonly message: string;
  readonly param?: string;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that cannot be answered; `message` is for the client and holds nothing about this machine. */
export class ApiError extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, parts: ApiErrorParts) {
    super(parts.message);
    this.name = "ApiError";
    this.status = status;
    this.param = parts.param ?? null;
    this.code = parts.code ?? null;
    this.headers = parts.headers ?? {};
  }

  body(): ApiErrorBody {
    return {
      error: { message: this.message, type: errorType(this.status), param: this.param, code: this.code },
    };
  }
}

function errorType(status: number): string {
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/** A field that is well typed but cannot be served. */
export function badValue(param: string, message: string, code = "invalid_value"): ApiError {
  return new ApiError(400, { message, param, code });
}

/** A field of OpenAI's API that this server does not have; ignoring it would change the answer's meaning. */
export function unsupported(param: string, what: string): ApiError {
  return badValue(
    param,
    `Unsupported parameter: this server does not offer ${what}.`,
    "unsupported_parameter",
  );
}

export function modelNotFound(id: string, known: readonly string[]): ApiError {
  const near = nearestName(id, known);
  const hint = near === undefined ? `Served here: ${known.join(", ")}.` : `Did you mean '${near}'?`;
  return new ApiError(404, {
    message: `The model '${id}' does not exist on this server. ${hint}`,
    param: "model",
    code: "model_not_found",
  });
}

export function contextExceeded(promptTokens: number, contextLength: number, param: string): ApiError {
  return new ApiError(400, {
    message:
      `This model's context length is ${contextLength} tokens, but your prompt has ${promptTokens} tokens ` +
      "and at least one more is needed for an answer. Shorten the prompt.",
    param,
    code: "context_length_exceeded",
  });
}

/** The first complaint of a zod schema, in the API's words. */
export function fromSchemaError(error: z.ZodError): ApiError {
  const issue = error.issues[0]!;
  const param = issue.path.reduce<string>(
    (path, key) =>
      typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`,
    "",
  );
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  if (missing) {
    return badValue(param, `Missing required parameter: '${param}'.`, "missing_required_parameter");
  }
  const kind =
    issue.code === "invalid_type" || issue.code === "invalid_union" ? "invalid_type" : "invalid_value";
  const subject = param === "" ? "the request body" : `'${param}'`;
  const word = kind === "invalid_type" ? "type" : "value";
  return new ApiError(400, {
    message: `Invalid ${word} for ${subject}: ${issue.message.replace(/^Invalid input: /, "")}.`,
    ...(param === "" ? {} : { param }),
    code: kind,
  });
}
