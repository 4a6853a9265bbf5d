/** @file Text files that go along with a question. They are read here and never stored as files. */
import { words } from "../words.ts";

export interface TextFile {
  readonly name: string;
  readonly text: string;
}

const LARGEST_BYTES = 1_000_000;

/** The files' texts, and what is wrong with those that have none. */
export async function readFiles(
  files: Iterable<File>,
): Promise<{ readonly read: TextFile[]; readonly refused: string[] }> {
  const read: TextFile[] = [];
  const refused: string[] = [];
  for (const file of files) {
    if (file.size > LARGEST_BYTES) {
      refused.push(words.files.tooLarge(file.name));
      continue;
    }
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
      if (text.includes("\0")) throw new Error("binary");
      read.push({ name: file.name, text });
    } catch {
      refused.push(words.files.notText(file.name));
    }
  }
  return { read, refused };
}
