/** @file The held-out text that everything is measured on: one choice, made once, for the model and every baseline. */

export interface HeldOutDocument {
  readonly id: string;
  readonly text: string;
  /** ISO 639-3; `und` where nobody knows. */
  readonly language: string;
  readonly source: string;
}

export interface HeldOutLimits {
  /** UTF-8 bytes taken from the beginning of one document. Default: 16 KiB. */
  readonly documentBytes?: number;
  /** UTF-8 bytes taken of one language. Default: 64 KiB. */
  readonly languageBytes?: number;
}

/** The longest beginning of `text` that is at most `maxBytes` long as UTF-8, cut between code points. */
function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = Math.max(0, maxBytes);
  // 10xxxxxx continues a character: step back to where one begins.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/**
 * Bounds the cost of an evaluation: the beginning of every document, in the given order, until a language has its
 * share. Depends on nothing but the documents and the limits.
 */
export function selectHeldOut(
  documents: readonly HeldOutDocument[],
  limits: HeldOutLimits = {},
): HeldOutDocument[] {
  const documentBytes = limits.documentBytes ?? 16_384;
  const languageBytes = limits.languageBytes ?? 65_536;
  const used = new Map<string, number>();
  const selected: HeldOutDocument[] = [];
  for (const document of documents) {
    const before = used.get(document.language) ?? 0;
    const text = cutBytes(document.text, Math.min(documentBytes, languageBytes - before));
    if (text === "") continue;
    used.set(document.language, before + Buffer.byteLength(text));
    selected.push({ ...document, text });
  }
  return selected;
}
