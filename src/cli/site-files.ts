/** @file The portal as files for any web server: the built page, told that there is no model behind it. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { listFiles } from "../artifacts/index.ts";
import { FirnError, systemErrorCode } from "../core/index.ts";
import { builtWebDir } from "../serve/index.ts";

/** Files of the page by their path in the published folder. `title` is what a search engine shows. */
export async function siteFiles(title: string, description: string): Promise<Map<string, Uint8Array>> {
  const dir = builtWebDir();
  const files = new Map<string, Uint8Array>();
  const paths = await listFiles(dir).catch((cause: unknown) => {
    if (systemErrorCode(cause) !== "ENOENT") throw cause;
    throw new FirnError("CLI_NO_PAGE", {
      expected: "the built web page",
      got: "none",
      where: dir,
      next: "Run `npm run build` once.",
      cause,
    });
  });
  for (const file of paths) files.set(file, await readFile(path.join(dir, file)));
  const escape = (text: string): string =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const page = Buffer.from(files.get("index.html") ?? new Uint8Array())
    .toString("utf8")
    .replace('<html lang="en">', '<html lang="en" data-site="static">')
    .replace(/<title>[^<]*<\/title>/, `<title>${escape(title)}</title>`)
    .replace(/<meta name="description"[^>]*>/, `<meta name="description" content="${escape(description)}">`)
    .replace(
      /<noscript>[^]*<\/noscript>/,
      '<noscript><p>The papers of this model: <a href="legal/Public_Summary_of_Training_Content.html">Public Summary of Training Content</a>, <a href="legal/Model_Documentation_Form.html">Model Documentation Form</a>, <a href="legal/Copyright_Policy.html">Copyright policy</a>.</p></noscript>',
    );
  return files.set("index.html", Buffer.from(page));
}
