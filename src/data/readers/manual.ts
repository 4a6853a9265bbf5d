/**
 * @file A tree of manual pages (`de/man1/ls.1.gz`), as Linux distributions carry them in many languages: one document per
 * page, its language from the folder it lies in. The folder is a claim; the language step checks it.
 */
import { decodeText } from "./decode-text.ts";
import { BrokenStreamError, readUnpacked } from "../../artifacts/index.ts";
import { parseLanguageCode } from "../language/language-code.ts";
import type { BrokenPiece, FileReader } from "./reader.ts";
import { roffText } from "./roff-text.ts";

/** A page unpacks to this much at most. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/** Names of manual pages: `.1`, `.3pm.gz`. */
export const MANUAL_FILE = /\.[1-9][a-z]{0,5}(?:\.gz|\.zst)?$/;

/** `de/man1/ls.1.gz` → `de`; untranslated pages lie directly in `man1` and are English. */
export function manualLanguage(name: string): string | undefined {
  const folder = /(?:^|\/)([^/]+)\/man[1-9][^/]*\/[^/]+$/.exec(name)?.[1];
  const code = folder === undefined || folder === "man" ? "en" : folder.replace(/[.@].*$/, "");
  return parseLanguageCode(code) === undefined ? undefined : code;
}

async function readPage(path: string): Promise<Buffer | BrokenPiece> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const broken = (reason: BrokenPiece["reason"], detail: string): BrokenPiece => ({
    place: "1",
    reason,
    detail,
    text: "",
  });
  try {
    for await (const chunk of readUnpacked(path)) {
      length += chunk.length;
      if (length > MAX_PAGE_BYTES) return broken("file-too-large", `more than ${MAX_PAGE_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (!(error instanceof BrokenStreamError)) throw error;
    return broken("file-broken", error.message);
  }
  return Buffer.concat(chunks);
}

/** Place 1 is the page. Pages that only point to another one (`.so`) hold no text. */
export const readManual: FileReader = async function* (file) {
  const bytes = await readPage(file.path);
  if ("reason" in bytes) {
    yield [bytes];
    return;
  }
  const text = roffText(decodeText(bytes)?.text ?? "");
  const language = manualLanguage(file.name);
  if (text === "") yield [{ place: "1", reason: "no-text", detail: "no manual page", text: "" }];
  else yield [{ place: "1", text, ...(language === undefined ? {} : { declaredLanguage: language }) }];
};
