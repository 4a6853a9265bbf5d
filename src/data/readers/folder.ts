/** @file A folder of text, Markdown or web pages: one document per file, or passages of it. */
import { readFile } from "node:fs/promises";
import { joinSignals } from "../optout/page-signals.ts";
import { decodeHtml } from "./decode-html.ts";
import { decodeText } from "./decode-text.ts";
import { extractMainText } from "./main-text.ts";
import { splitPassages } from "./passages.ts";
import type { FileReader } from "./reader.ts";

/** Larger files are refused: they are read whole. JSONL and Parquet have no such bound. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

const WEB_PAGE = /\.x?html?$/i;

/** What a file says: of a web page its main text, and what it says of training; `undefined` for binary data. */
function textOf(name: string, bytes: Buffer): { text: string; signals: string | null } | undefined {
  const page = WEB_PAGE.test(name);
  const decoded = page ? decodeHtml(bytes, undefined) : decodeText(bytes);
  if (decoded === undefined) return undefined;
  if (!page) return { text: decoded.text.replace(/\r\n?/g, "\n"), signals: null };
  const { text, signals } = extractMainText(decoded.text);
  return { text, signals: joinSignals([...signals]) };
}

/** Place 1 is the file itself, or its first passage. */
export function folderReader(passageCharacters: number | undefined): FileReader {
  return async function* (file) {
    if (file.bytes > MAX_FILE_BYTES) {
      const detail = `${file.bytes} bytes, at most ${MAX_FILE_BYTES} allowed; pack it as JSONL or Parquet`;
      yield [{ place: "1", reason: "file-too-large", detail, text: "" }];
      return;
    }
    const found = textOf(file.name, await readFile(file.path));
    if (found === undefined || found.text.trim() === "") {
      const detail = found === undefined ? "binary data" : "an empty file";
      yield [{ place: "1", reason: "no-text", detail, text: "" }];
      return;
    }
    const { text } = found;
    const signals = found.signals === null ? {} : { signals: found.signals };
    if (passageCharacters === undefined) {
      yield [{ place: "1", text, ...signals }];
      return;
    }
    const paragraphs = text.split(/\n(?:[ \t]*\n)+/).filter((paragraph) => paragraph.trim() !== "");
    const passages = splitPassages(paragraphs, {
      characters: passageCharacters,
      startsPassage: (paragraph) => /^#{1,6} /.test(paragraph),
    });
    yield passages.map((passage, i) => ({ place: String(i + 1), text: passage, ...signals }));
  };
}
