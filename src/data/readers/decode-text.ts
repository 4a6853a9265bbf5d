/** @file Bytes of a text file to text: UTF-8 or UTF-16 where they say so or fit, else the Western single-byte code. */
import { isUtf8 } from "node:buffer";

export type TextEncodingName = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** C0 controls that no text file holds; one in a hundred means binary data. */
const BINARY = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/g;

/**
 * Decodes a text file. A byte order mark decides; else valid UTF-8 is UTF-8; else the file is taken for Windows-1252,
 * which reads every ISO 8859-1 text alike. Returns `undefined` for what looks like binary data.
 */
export function decodeText(bytes: Uint8Array): { text: string; encoding: TextEncodingName } | undefined {
  const encoding: TextEncodingName =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? "utf-16le"
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? "utf-16be"
        : isUtf8(bytes)
          ? "utf-8"
          : "windows-1252";
  const text = new TextDecoder(encoding).decode(bytes);
  const controls = text.match(BINARY)?.length ?? 0;
  if (controls * 100 > text.length) return undefined;
  return { text, encoding };
}
