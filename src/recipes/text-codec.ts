/** @file How `evaluate` reads and writes text with our tokenizer. */
import type { TextCodec } from "../evaluate/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** The tokenizer behind the evaluation room's interface: no special token but the borders it adds itself. */
export function textCodec(tokenizer: Tokenizer): TextCodec {
  return {
    bosId: tokenizer.idOf("<s>"),
    eosId: tokenizer.idOf("</s>"),
    encode: (text) => tokenizer.encode(text),
    decode: (ids) => tokenizer.decode(ids),
  };
}
