/**
 * @file Writes `src/tokenizer/unicode-classes.data.ts`: the character classes by which pre-tokenisation splits
 * text, read code point by code point out of Hugging Face's `tokenizers` (whose regular expressions run in
 * Oniguruma). Run by hand when that library moves to a newer Unicode: `npx tsx scripts/unicode-classes.ts`.
 */
import { writeFileSync } from "node:fs";
import { Tokenizer } from "tokenizers";

/** The classes in the order of their letters in the table; a code point in none of them is `A`. */
const CLASSES = [
  "\\p{Lu}",
  "\\p{Lt}",
  "\\p{Lm}",
  "\\p{Lo}",
  "\\p{Ll}",
  "\\p{M}",
  "\\p{N}",
  "\\s",
  "[\\r\\n]",
];
const CODE_POINTS = 0x110000;

/** Marks every code point that `pattern` matches with `mark`. */
function probe(pattern: string, mark: number, classes: Uint8Array): void {
  const splitter = Tokenizer.fromString(
    JSON.stringify({
      added_tokens: [],
      pre_tokenizer: { type: "Split", pattern: { Regex: pattern }, behavior: "Removed", invert: true },
      model: { type: "BPE", vocab: {}, merges: [] },
    }),
  ).getPreTokenizer();
  if (splitter === null) throw new Error("the library lost its pre-tokenizer");
  for (let base = 0; base < CODE_POINTS; base += 0x1000) {
    let text = "";
    for (let code = base; code < base + 0x1000; code++) {
      if (code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
    }
    if (text === "") continue;
    for (const [match] of splitter.preTokenizeString(text)) classes[match.codePointAt(0)!] = mark;
  }
}

const classes = new Uint8Array(CODE_POINTS);
CLASSES.forEach((pattern, index) => {
  probe(pattern, index + 1, classes);
});
let runs = "";
for (let start = 0; start < CODE_POINTS; ) {
  let end = start + 1;
  while (end < CODE_POINTS && classes[end] === classes[start]) end++;
  runs += (end - start === 1 ? "" : (end - start).toString(36)) + String.fromCharCode(65 + classes[start]!);
  start = end;
}
const lines = runs.match(/.{1,100}/g)!.map((line) => `  "${line}"`);
writeFileSync(
  new URL("../src/tokenizer/unicode-classes.data.ts", import.meta.url),
  `/** @file Written by scripts/unicode-classes.ts; the format is explained in unicode-classes.ts. */
export const UNICODE_CLASS_RUNS =
${lines.join(" +\n")};
`,
);
