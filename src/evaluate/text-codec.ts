/** @file What evaluation needs of a tokenizer: text to ids and back, and the two ids that frame a document. */
import { assert } from "../core/index.ts";

export interface TextCodec {
  /** Ids of plain text; nothing is added, and a special token's name inside `text` stays text. */
  encode(text: string): readonly number[];
  decode(ids: readonly number[]): string;
  /** `<s>`, which opens every document. */
  readonly bosId: number;
  /** `</s>`, which closes it. */
  readonly eosId: number;
}

/** A document as the model was trained on it: `<s>`, the text, `</s>`. */
export function frameDocument(codec: TextCodec, text: string): number[] {
  return [codec.bosId, ...codec.encode(text), codec.eosId];
}

/** The longest beginning of `text` (whole code points) that takes at most `maxTokens` tokens; perhaps empty. */
export function fitText(codec: TextCodec, text: string, maxTokens: number): string {
  assert(maxTokens >= 0, "a text cannot be cut to fewer than no tokens");
  let points = Array.from(text);
  for (;;) {
    const fitted = points.join("");
    const tokens = codec.encode(fitted).length;
    if (tokens <= maxTokens) return fitted;
    points = points.slice(0, Math.min(points.length - 1, Math.floor((points.length * maxTokens) / tokens)));
  }
}
