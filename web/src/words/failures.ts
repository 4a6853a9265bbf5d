/**
 * @file What the server may refuse with, by its codes. The server's own sentences are English and name numbers; every other
 * language says the same in words of its own.
 */
export type Failures = Readonly<
  Record<
    | "server_busy"
    | "server_stopping"
    | "request_timeout"
    | "internal_error"
    | "rate_limit_exceeded"
    | "missing_api_key"
    | "invalid_api_key"
    | "insufficient_permissions"
    | "context_length_exceeded"
    | "request_too_large"
    | "model_not_found"
    | "no_upstream"
    | "upstream_failed"
    | "unsupported_endpoint"
    | "not_found"
    | "no_run"
    | "no_documents"
    | "no_corpus",
    string
  >
>;
