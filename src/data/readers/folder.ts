/** @file A folder of text or Markdown: one document per file, or passages of it. */
import { readFile } from "node:fs/promises";
import { decodeText } from "./decode-text.ts";
import { splitPassages } from "./passages.ts";
import type { FileReader } from "./reader.ts";

/** Larger files are refused: they are read whole. JSONL and Parquet have no such bound. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Place 1 is the file itself, or its first passage. */
export function folderReader(passageCharacters: number | undefined): FileReader {
  return async function* (file) {
    if (file.bytes > MAX_FILE_BYTES) {
      const detail = `${file.bytes} bytes, at most ${MAX_FILE_BYTES} allowed; pack it as JSONL or Parquet`;
      yield [{ place: "1", reason: "file-too-large", detail, text: "" }];
      return;
    }
    const decoded = decodeText(await readFile(file.path));
    if (decoded === undefined || decoded.text.trim() === "") {
      const detail = decoded === undefined ? "binary data" : "an empty file";
      yield [{ place: "1", reason: "no-text", detail, text: "" }];
      return;
    }
    const text = decoded.text.replace(/\r\n?/g, "\n");
    if (passageCharacters === undefined) {
      yield [{ place: "1", text }];
      return;
    }
    const paragraphs = text.split(/\n(?:[ \t]*\n)+/).filter((paragraph) => paragraph.trim() !== "");
    const passages = splitPassages(paragraphs, {
      characters: passageCharacters,
      startsPassage: (paragraph) => /^#{1,6} /.test(paragraph),
    });
    yield passages.map((passage, i) => ({ place: String(i + 1), text: passage }));
  };
}
