/**
 * @file The corpus in Croissant 1.0 (MLCommons) with the responsible-AI vocabulary (Croissant-RAI 1.0): its Parquet
 * shards with checksums, the columns of a document, and what the facts know about collection and processing.
 */
import type { ReleaseRecord } from "./facts.ts";
import type { PaperInput } from "./paper-input.ts";
import { curation } from "./model-documentation.ts";

const CONTEXT = {
  "@language": "en",
  "@vocab": "https://schema.org/",
  citeAs: "cr:citeAs",
  column: "cr:column",
  conformsTo: "dct:conformsTo",
  cr: "http://mlcommons.org/croissant/",
  rai: "http://mlcommons.org/croissant/RAI/",
  data: { "@id": "cr:data", "@type": "@json" },
  dataType: { "@id": "cr:dataType", "@type": "@vocab" },
  dct: "http://purl.org/dc/terms/",
  examples: { "@id": "cr:examples", "@type": "@json" },
  equivalentProperty: "cr:equivalentProperty",
  extract: "cr:extract",
  field: "cr:field",
  fileProperty: "cr:fileProperty",
  fileObject: "cr:fileObject",
  fileSet: "cr:fileSet",
  format: "cr:format",
  includes: "cr:includes",
  isLiveDataset: "cr:isLiveDataset",
  jsonPath: "cr:jsonPath",
  key: "cr:key",
  md5: "cr:md5",
  parentField: "cr:parentField",
  path: "cr:path",
  recordSet: "cr:recordSet",
  references: "cr:references",
  regex: "cr:regex",
  repeated: "cr:repeated",
  replace: "cr:replace",
  samplingRate: "cr:samplingRate",
  sc: "https://schema.org/",
  separator: "cr:separator",
  source: "cr:source",
  subField: "cr:subField",
  transform: "cr:transform",
} as const;

/** Column → Croissant type and what it says. */
const COLUMNS: readonly (readonly [string, string, string])[] = [
  ["id", "sc:Text", "The same place in the same source always has the same id."],
  ["text", "sc:Text", "The document."],
  ["sha256", "sc:Text", "SHA-256 of the text as UTF-8."],
  ["source", "sc:Text", "Id of the declared source."],
  ["url", "sc:Text", "Web address, where there is one."],
  ["licence", "sc:Text", "SPDX expression or LicenseRef-…"],
  ["language", "sc:Text", "ISO 639-3."],
  ["script", "sc:Text", "ISO 15924."],
  ["bytes", "sc:Integer", "UTF-8 bytes of the text."],
];

function responsible(record: ReleaseRecord): Record<string, unknown> {
  const profile = record.provider?.data;
  const scrub = record.steps.some(({ data }) => /pii/.test(data.step));
  const periods = record.sources.flatMap(({ data }) => (data.period === undefined ? [] : [data.period]));
  return {
    "rai:dataCollection": record.sources
      .map(
        ({ data }) =>
          `${data.title ?? data.id}: ${data.category ?? "kind not recorded"}, revision ${data.revision ?? "not recorded"}`,
      )
      .join("; "),
    "rai:dataPreprocessingProtocol": curation(record).map(
      ({ text, facts }) => `${text} [fact ${facts.join(", ")}]`,
    ),
    ...(periods.length === 0
      ? {}
      : {
          "rai:dataCollectionTimeframe": [
            periods.map(({ from }) => from).sort()[0],
            periods
              .map(({ to }) => to)
              .sort()
              .at(-1),
          ],
        }),
    ...(scrub
      ? {
          "rai:personalSensitiveInformation":
            "E-mail addresses, IP addresses and IBANs were replaced; names in published texts remain.",
        }
      : {}),
    ...(profile?.biasMeasures === undefined ? {} : { "rai:dataBiases": profile.biasMeasures }),
    ...(profile?.limitations === undefined ? {} : { "rai:dataLimitations": profile.limitations }),
    ...(profile?.intendedUse === undefined ? {} : { "rai:dataUseCases": profile.intendedUse }),
  };
}

/** `croissant.json`, or undefined where no corpus lies beside the release. */
export function croissant({ record, release, corpusFiles }: PaperInput): unknown {
  const shards = corpusFiles.filter(({ path }) => /^documents\/(train|heldout)-\d+\.parquet$/.test(path));
  if (shards.length === 0) return undefined;
  const licences = [...new Set(record.sources.flatMap(({ data }) => data.licence ?? []))].sort();
  const profile = record.provider?.data;
  const distribution = shards.map(({ path, bytes, sha256 }) => ({
    "@type": "cr:FileObject",
    "@id": path,
    name: path,
    contentUrl: path,
    contentSize: `${bytes} B`,
    encodingFormat: "application/x-parquet",
    sha256,
  }));
  const fileSet = {
    "@type": "cr:FileSet",
    "@id": "train-shards",
    name: "train-shards",
    description: "The documents that training saw.",
    containedIn: shards
      .filter(({ path }) => path.startsWith("documents/train"))
      .map(({ path }) => ({ "@id": path })),
    encodingFormat: "application/x-parquet",
    includes: "documents/train-*.parquet",
  };
  return {
    "@context": CONTEXT,
    "@type": "sc:Dataset",
    name: `${release.name}-corpus`,
    description: `The documents ${release.name} ${release.version} was trained and evaluated on, after processing.`,
    conformsTo: ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
    version: /^\d+\.\d+\.\d+$/.test(release.version) ? release.version : `${release.version}.0`,
    datePublished: release.date,
    ...(profile?.website === undefined ? {} : { url: profile.website }),
    ...(licences.length === 0 ? {} : { license: licences }),
    citeAs: `${profile === undefined ? "" : `${profile.name}: `}${release.name} ${release.version}, ${release.date}`,
    isLiveDataset: false,
    ...(profile === undefined ? {} : { creator: { "@type": "sc:Organization", name: profile.name } }),
    ...responsible(record),
    distribution: [...distribution, fileSet],
    recordSet: [
      {
        "@type": "cr:RecordSet",
        "@id": "documents",
        name: "documents",
        key: { "@id": "documents/id" },
        field: COLUMNS.map(([name, dataType, description]) => ({
          "@type": "cr:Field",
          "@id": `documents/${name}`,
          name,
          description,
          dataType,
          source: { fileSet: { "@id": "train-shards" }, extract: { column: name } },
        })),
      },
    ],
  };
}
