/**
 * @file The characters of a web page, in the order of the HTML standard (§13.2.3): byte order mark, what the server says,
 * what the page says, and then what the bytes look like. A declaration that the bytes contradict does not count.
 */
import { isUtf8 } from "node:buffer";
import { decodeText } from "./decode-text.ts";

const PRESCAN_BYTES = 4096;

function declaredInside(bytes: Buffer): string | undefined {
  const head = bytes.toString("latin1", 0, PRESCAN_BYTES);
  return (
    /<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{1,40})/i.exec(head)?.[1] ??
    /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})/i.exec(head)?.[1]
  );
}

function decoderFor(label: string | undefined): TextDecoder | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}

/** The text of a page and the name of its encoding; `undefined` for binary data. */
export function decodeHtml(
  bytes: Buffer,
  fromServer: string | undefined,
): { text: string; encoding: string } | undefined {
  const marked = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const declared = decoderFor(fromServer) ?? decoderFor(declaredInside(bytes));
  // Text that is valid UTF-8 beyond ASCII is UTF-8, whatever it is declared as; the other way round likewise.
  const trusted = declared !== undefined && declared.encoding !== "utf-8" && !marked && !isUtf8(bytes);
  if (!trusted) return decodeText(bytes);
  const text = declared.decode(bytes);
  const controls = text.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/g)?.length ?? 0;
  return controls * 100 > text.length ? undefined : { text, encoding: declared.encoding };
}
