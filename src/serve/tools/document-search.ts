/**
 * @file Search over the user's own documents: text and Markdown files of one folder, cut into passages, ranked by BM25
 * (MiniSearch), each answer with its file and lines. The index lives in memory and knows nothing outside the folder.
 */
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import MiniSearch from "minisearch";
import { z } from "zod";
import { FirnError, formatBytes } from "../../core/index.ts";
import { type Tool, toolError, toolText } from "./tool.ts";

const ENDINGS = new Set([".txt", ".md", ".markdown"]);
/** Text of all files together; the index takes about three times as much memory. */
const MAX_BYTES = 64 * 1024 * 1024;
/** A passage ends at the first blank line after so many characters, and at the latest at twice as many. */
const PASSAGE_CHARACTERS = 800;
const MOST_RESULTS = 10;

interface Passage {
  readonly id: number;
  readonly file: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly heading: string;
  readonly text: string;
}

/** The text of a Markdown heading; the number signs that may close it do not belong to it. */
function titleOf(line: string): string | undefined {
  if (!/^#{1,6}\s/.test(line)) return undefined;
  let end = line.length;
  while (line[end - 1] === "#") end -= 1;
  return line.slice(0, end).replace(/^#+/, "").trim();
}

/** Cuts a file into passages of whole lines; `heading` is the last Markdown heading before each. */
export function cutPassages(text: string): Omit<Passage, "id" | "file">[] {
  const passages: Omit<Passage, "id" | "file">[] = [];
  let heading = "";
  let lines: string[] = [];
  let first = 1;
  let length = 0;
  const close = (last: number): void => {
    const passage = lines.join("\n").trim();
    if (passage !== "") passages.push({ firstLine: first, lastLine: last, heading, text: passage });
    lines = [];
    length = 0;
    first = last + 1;
  };
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const title = titleOf(line);
    if (title !== undefined) {
      close(at);
      heading = title;
    }
    // A line may be a whole book.
    for (let from = 0; from === 0 || from < line.length; from += 2 * PASSAGE_CHARACTERS) {
      const part = line.slice(from, from + 2 * PASSAGE_CHARACTERS);
      lines.push(part);
      length += part.length;
      const full = length >= PASSAGE_CHARACTERS && (part.trim() === "" || length >= 2 * PASSAGE_CHARACTERS);
      if (full) close(at + 1);
    }
  }
  close(text.split(/\r?\n/).length);
  return passages;
}

/** Words by letters and digits; characters of scripts without spaces stand alone, as they do in queries. */
function words(text: string): string[] {
  return (
    text
      .normalize("NFKC")
      .match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}\p{M}]+/gu) ??
    []
  );
}

async function listTexts(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && ENDINGS.has(path.extname(entry.name).toLowerCase()))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

export interface FoundPassage {
  readonly file: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
  readonly score: number;
}

export class DocumentIndex {
  readonly files: number;
  readonly #passages: readonly Passage[];
  readonly #index: MiniSearch<Passage>;

  private constructor(files: number, passages: readonly Passage[]) {
    this.files = files;
    this.#passages = passages;
    this.#index = new MiniSearch<Passage>({
      fields: ["text", "heading", "file"],
      tokenize: words,
      processTerm: (term) => term.toLowerCase(),
      searchOptions: { boost: { heading: 2 }, prefix: (term) => term.length > 3, fuzzy: false },
    });
    this.#index.addAll(passages);
  }

  /** Reads the texts below `dir`. @throws FirnError `SERVE_DOCUMENTS` without any, or with too much of them */
  static async open(dir: string): Promise<DocumentIndex> {
    const refuse = (got: string, cause?: unknown): FirnError =>
      new FirnError("SERVE_DOCUMENTS", {
        expected: `a folder with .txt or .md files of at most ${formatBytes(MAX_BYTES)} together`,
        got,
        where: dir,
        next: "Name a folder of your own texts with --documents.",
        cause,
      });
    let files: string[];
    try {
      files = await listTexts(await realpath(dir));
    } catch (error) {
      throw refuse("a folder that cannot be read", error);
    }
    if (files.length === 0) throw refuse("no such file in it");
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes > MAX_BYTES) throw refuse(`${formatBytes(bytes)}`);
    const root = await realpath(dir);
    const passages: Passage[] = [];
    for (const file of files) {
      const text = (await readFile(file, "utf8")).replace(/^\ufeff/, "");
      const name = path.relative(root, file).split(path.sep).join("/");
      for (const passage of cutPassages(text)) passages.push({ ...passage, id: passages.length, file: name });
    }
    return new DocumentIndex(files.length, passages);
  }

  search(query: string, limit: number): FoundPassage[] {
    return this.#index
      .search(query)
      .slice(0, limit)
      .map(({ id, score }) => {
        const { file, firstLine, lastLine, text } = this.#passages[id as number]!;
        return { file, firstLine, lastLine, text, score };
      });
  }
}

const argumentsSchema = z.strictObject({
  query: z.string().min(1).max(1000),
  results: z.int().min(1).max(MOST_RESULTS).default(4),
});

/** The tool that searches `index`; each passage is numbered, so that the model can cite it. */
export function documentSearch(index: DocumentIndex): Tool {
  return {
    name: "search_documents",
    description:
      "Searches the user's own documents and returns the passages that fit best, each with a number, its file and lines. Cite them as [1], [2].",
    parameters: {
      type: "object",
      properties: {
        query: { type: "string", description: "words to look for, in the language of the documents" },
        results: { type: "integer", minimum: 1, maximum: MOST_RESULTS, default: 4 },
      },
      required: ["query"],
      additionalProperties: false,
    },
    origin: "firn",
    call: (args) => {
      const parsed = argumentsSchema.safeParse(args);
      if (!parsed.success)
        return Promise.resolve(toolError("The search takes { query: string, results?: 1 to 10 }."));
      const found = index.search(parsed.data.query, parsed.data.results);
      if (found.length === 0) return Promise.resolve(toolText("No passage holds these words."));
      const citations = found.map(({ file, firstLine, lastLine, text }) => ({
        title: file,
        place: `${file}, lines ${firstLine}–${lastLine}`,
        quote: text,
      }));
      const text = citations.map(({ place, quote }, at) => `[${at + 1}] ${place}\n${quote}`).join("\n\n");
      return Promise.resolve(toolText(text, citations));
    },
  };
}
