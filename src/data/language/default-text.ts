/**
 * @file Text for the identifier where no source declares a language: the Universal Declaration of Human Rights, which comes
 * with Firn as an npm package. It teaches; none of it becomes a document.
 */
import { fileURLToPath } from "node:url";
import { type DocumentRecord, makeDocument } from "../../artifacts/index.ts";
import { udhrReader } from "../readers/udhr.ts";
import { resolveSource } from "../resolve-source.ts";
import { sourceSpecSchema } from "../source-spec.ts";
import { normaliseText } from "../steps/normalise.ts";
import { parseLanguageCode } from "./language-code.ts";

/** One article, and what identifies it in every language. */
export interface DefaultText {
  readonly document: DocumentRecord;
  readonly article: string;
}

/** Every article in every language of the package, and the package's version. */
export async function readDefaultText(): Promise<{ texts: DefaultText[]; version: string }> {
  const spec = sourceSpecSchema.parse({
    id: "udhr",
    reader: { type: "udhr" },
    licence: "MIT",
    category: "public-dataset",
  });
  const source = await resolveSource(spec, fileURLToPath(new URL(".", import.meta.url)));
  const read = await udhrReader(source);
  const texts: DefaultText[] = [];
  for (const file of source.files) {
    for await (const pieces of read(file)) {
      for (const piece of pieces) {
        if ("reason" in piece) continue;
        const code = parseLanguageCode(piece.declaredLanguage ?? "");
        if (code === undefined) continue;
        const document = makeDocument({
          id: `udhr/${file.name}#${piece.place}`,
          text: normaliseText(piece.text),
          source: "udhr",
          licence: "MIT",
          declaredLanguage: code.language,
          script: code.script ?? null,
        });
        texts.push({ document, article: piece.place });
      }
    }
  }
  return { texts, version: source.revision ?? "" };
}
