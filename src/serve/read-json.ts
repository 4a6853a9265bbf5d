/** @file A request's body: bounded, strict UTF-8, then JSON. Nothing is held in memory beyond the bound. */
import { parseJson } from "../core/index.ts";
import { ApiError } from "./api-error.ts";
import { ClientGone } from "./request-scope.ts";

/** Reads the body as JSON; throws 413 above `maxBytes` and 400 for what is not UTF-8 or not JSON. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const declared = Number(request.headers.get("content-length") ?? "0");
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const bytes = await readBounded(request, maxBytes);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError(400, { message: "The request body is not valid UTF-8.", code: "invalid_utf8" });
  }
  try {
    return parseJson(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/[^\x20-\x7e]/g, "?").slice(0, 120) : "";
    throw new ApiError(400, {
      message: `The request body is not valid JSON: ${detail}`,
      code: "invalid_json",
    });
  }
}

async function readBounded(request: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new ClientGone();
    });
    if (done) return Buffer.concat(chunks);
    total += value.byteLength;
    if (total > maxBytes) {
      await reader.cancel();
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(413, {
    message: `The request body is larger than this server accepts (${maxBytes} bytes).`,
    code: "request_too_large",
    headers: { Connection: "close" },
  });
}
