/** @file Long texts into passages of about equal length that begin and end at paragraph borders. */

export interface PassageOptions {
  /** A passage ends at the first paragraph border after this many characters; none is longer than twice that. */
  readonly characters: number;
  /** Paragraphs that begin a passage whatever the length of the one before (chapter headings). */
  readonly startsPassage?: (paragraph: string) => boolean;
}

/** Where to cut a paragraph that is too long by itself: after a line, else after a sentence, else after a word. */
function cutParagraph(paragraph: string, limit: number): string[] {
  const pieces: string[] = [];
  let rest = paragraph;
  while (rest.length > limit) {
    const head = rest.slice(0, limit);
    const sentence = /^[\s\S]*[.!?…。！？।॥։؟۔]["'”’»)\]]{0,4}(?=\s|[。！？])/u.exec(head)?.[0].length ?? 0;
    const candidates = [head.lastIndexOf("\n"), sentence, head.lastIndexOf(" ")];
    let cut = candidates.find((at) => at >= limit / 2) ?? limit;
    // Never between the halves of a surrogate pair.
    if (/[\ud800-\udbff]/.test(rest[cut - 1]!)) cut -= 1;
    pieces.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  if (rest !== "") pieces.push(rest);
  return pieces;
}

/** The passages of a text whose paragraphs are separated by blank lines. */
export function splitPassages(paragraphs: readonly string[], options: PassageOptions): string[] {
  const { characters, startsPassage } = options;
  const passages: string[] = [];
  let current: string[] = [];
  let length = 0;
  const finish = (): void => {
    if (current.length > 0) passages.push(current.join("\n\n"));
    current = [];
    length = 0;
  };
  for (const paragraph of paragraphs) {
    const heading = startsPassage?.(paragraph) === true;
    // A row of headings (BOOK, CHAPTER, title) stays together with the text that follows.
    if (heading && length > 200) finish();
    for (const piece of cutParagraph(paragraph, characters)) {
      if (length + piece.length > characters * 2) finish();
      current.push(piece);
      length += piece.length + 2;
      if (length >= characters) finish();
    }
  }
  finish();
  return passages;
}
