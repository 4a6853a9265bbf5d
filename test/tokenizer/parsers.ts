/** @file The parsers of `tokenizer`: files of tokenizers that others trained. */
import { assert } from "../../src/core/index.ts";
import { compilePattern } from "../../src/tokenizer/piece-automaton.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer-files.ts";
import { parseTokenizerJson } from "../../src/tokenizer/tokenizer-json.ts";
import { APERTUS_PATTERN, Tokenizer } from "../../src/tokenizer/index.ts";
import { type HostileParser, put } from "../hostile/parser.ts";
import { tinyTokenizer } from "../release/tiny-model.ts";

const TINY = JSON.stringify(tinyTokenizer());
const TEXT = "the Snow ist <s> 12 \u0000 übel \u{1f3d4}";

export const tokenizerParsers: readonly HostileParser[] = [
  {
    name: "tokenizer.json",
    file: "src/tokenizer/tokenizer-json.ts",
    share: 0.3,
    samples: [TINY],
    around: [['{"model":{"type":"BPE","vocab":{"', '":0}}}']],
    read: (bytes) => {
      const tokenizer = new Tokenizer(parseTokenizerJson(bytes.toString(), "x"));
      const ids = tokenizer.encode(TEXT, { allowSpecial: true });
      assert(
        ids.every((id) => id >= 0 && id < tokenizer.vocabSize),
        "ids of the vocabulary",
      );
      tokenizer.decode(ids);
    },
  },
  {
    name: "tokenizer_config.json",
    file: "src/tokenizer/tokenizer-files.ts",
    samples: [JSON.stringify({ default_system_text: "You are Tiny.", model_max_length: 512 })],
    share: 0.3,
    read: async (bytes, dir) => {
      await put(dir, "tokenizer.json", Buffer.from(TINY));
      await put(dir, "tokenizer_config.json", bytes);
      await loadTokenizer(dir);
    },
  },
  {
    name: "splitting expressions",
    file: "src/tokenizer/pattern.ts",
    share: 0.3,
    samples: [APERTUS_PATTERN, "'s|'t| ?\\p{L}+|\\s+(?!\\S)|\\s+", "(?i:abc)|\\p{N}{1,3}"],
    around: [
      ["", ""],
      ["[", "]"],
      ["a", "+"],
    ],
    pieces: ["a|", "[^a]", "\\p{L}", "a?", "(?:", "(?i:", "a{1,3}", "a+", "\\"],
    read: (bytes) => {
      assert(compilePattern(bytes.toString()).table.length > 0, "a table");
    },
  },
];
