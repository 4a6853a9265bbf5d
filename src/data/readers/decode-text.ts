/** @file Bytes of a text file to text: UTF-8 or UTF-16 where they say so or fit, else the Western single-byte code. */
import { isUtf8 } from "node:buffer";

export type TextEncodingName = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** What Windows-1252 has at 0x80–0x9F. Spelt out, because Node.js versions differ in how they decode it. */
const WINDOWS_1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

function decodeWindows1252(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return text.replace(/[\u0080-\u009f]/g, (character) => WINDOWS_1252[character.charCodeAt(0) - 0x80]!);
}

/** C0 controls that no text file holds; one in a hundred means binary data. */
const BINARY = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/g;

/**
 * Valid UTF-8 is UTF-8; so is text in which more non-ASCII characters are valid than not (a file with a few broken
 * bytes). What is left is in a single-byte code.
 */
function guessEncoding(bytes: Uint8Array): TextEncodingName {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (isUtf8(bytes)) return "utf-8";
  const lossy = new TextDecoder().decode(bytes);
  const foreign = lossy.match(/[^\u0000-\u007f]/gu)?.length ?? 0;
  const broken = lossy.match(/\ufffd/g)?.length ?? 0;
  return foreign > broken * 2 ? "utf-8" : "windows-1252";
}

/**
 * Decodes a text file. A byte order mark decides; else what fits UTF-8 is UTF-8; else the file is taken for
 * Windows-1252, which reads every ISO 8859-1 text alike. Returns `undefined` for what looks like binary data.
 */
export function decodeText(bytes: Uint8Array): { text: string; encoding: TextEncodingName } | undefined {
  const encoding = guessEncoding(bytes);
  const text =
    encoding === "windows-1252" ? decodeWindows1252(bytes) : new TextDecoder(encoding).decode(bytes);
  const controls = text.match(BINARY)?.length ?? 0;
  if (controls * 100 > text.length) return undefined;
  return { text, encoding };
}
