/**
 * @file Web archives: WARC (pages, of which the main text is taken) and WET (text that somebody else took from pages).
 * Every record of a page or a text ends as a document or as a broken piece with its reason; requests, metadata,
 * revisits and copies of robots.txt hold no text of their own and are passed over.
 */
import { headerSignal, joinSignals } from "../optout/page-signals.ts";
import { decodeHtml } from "./decode-html.ts";
import { decodeText } from "./decode-text.ts";
import { contentType, parseHttpResponse } from "./http-message.ts";
import { extractMainText } from "./main-text.ts";
import {
  type BrokenPiece,
  type BrokenReason,
  type FileReader,
  fileStart,
  type FoundPiece,
} from "./reader.ts";
import { readWarcRecords, type WarcItem, type WarcRecord } from "./warc-records.ts";

const HTML_TYPES = new Set(["text/html", "application/xhtml+xml"]);

/** A piece without the facts that every record has. */
type Content =
  | { readonly text: string; readonly signals: string | null }
  | { readonly reason: BrokenReason; readonly detail: string };

function pageContent(bytes: Buffer, charset: string | undefined, headers: readonly string[]): Content {
  const decoded = decodeHtml(bytes, charset);
  if (decoded === undefined) return { reason: "no-text", detail: "binary data" };
  const { text, signals } = extractMainText(decoded.text);
  if (text === "") return { reason: "no-text", detail: "a page without running text" };
  return { text, signals: joinSignals([...headers, ...signals]) };
}

function plainContent(bytes: Buffer, headers: readonly string[]): Content {
  const decoded = decodeText(bytes);
  if (decoded === undefined || decoded.text.trim() === "") return { reason: "no-text", detail: "no text" };
  return { text: decoded.text.replace(/\r\n?/g, "\n"), signals: joinSignals(headers) };
}

function contentOf(
  bytes: Buffer,
  type: string,
  charset: string | undefined,
  headers: readonly string[],
): Content {
  if (
    HTML_TYPES.has(type) ||
    (type === "" && /^\s*<(?:!doctype|html)/i.test(bytes.toString("latin1", 0, 200)))
  ) {
    return pageContent(bytes, charset, headers);
  }
  if (type === "text/plain" || type === "text/markdown") return plainContent(bytes, headers);
  return { reason: "media-type", detail: type === "" ? "no media type" : type };
}

function responseContent(block: Buffer): Content {
  const response = parseHttpResponse(block);
  if (typeof response === "string") return { reason: "http-broken", detail: response };
  if (response.status !== 200) return { reason: "http-status", detail: String(response.status) };
  const { type, charset } = contentType(response);
  const signals = response.headers.flatMap(([name, value]) => headerSignal(name, value) ?? []);
  return contentOf(response.body, type, charset, signals);
}

/** `undefined` for a record that holds no text of its own. */
function recordContent({ fields, block }: WarcRecord): Content | undefined {
  if (/^https?:\/\/[^/]+\/robots\.txt$/i.test(fields.get("warc-target-uri") ?? "")) return undefined;
  const type = (fields.get("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
  switch (fields.get("warc-type")?.toLowerCase() ?? "") {
    case "response":
      return type === "application/http" || type === "" ? responseContent(block) : undefined;
    case "conversion":
      return plainContent(block, []);
    case "resource":
      return contentOf(block, type, undefined, []);
    default:
      return undefined;
  }
}

function toPiece(item: WarcItem, place: string): FoundPiece | undefined {
  if ("reason" in item) return { place, reason: item.reason, detail: item.detail, text: "" };
  const content = recordContent(item);
  if (content === undefined) return undefined;
  const url = item.fields
    .get("warc-target-uri")
    ?.replace(/^<(.*)>$/, "$1")
    .slice(0, 4096);
  const date = item.fields.get("warc-date")?.slice(0, 40);
  const facts = { ...(url === undefined ? {} : { url }), ...(date === undefined ? {} : { date }) };
  if ("reason" in content) return { place, ...content, text: "", ...facts } satisfies BrokenPiece;
  const { text, signals } = content;
  return { place, text, ...facts, ...(signals === null ? {} : { signals }) };
}

const BATCH_PIECES = 64;

/** Place `n` is the n-th record of the file, counted from 1 with those that hold no text. */
export const readWarc: FileReader = async function* (file, place = fileStart()) {
  let batch: FoundPiece[] = [];
  for await (const item of readWarcRecords(file.path, place)) {
    const piece = toPiece(item, String(place.items + place.within));
    if (piece !== undefined) batch.push(piece);
    if (batch.length < BATCH_PIECES) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
};
