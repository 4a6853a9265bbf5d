/**
 * @file The release as machine-readable bills of materials: CycloneDX 1.6 (ML-BOM) and SPDX 3.0.1 (AI and dataset
 * profiles, JSON-LD). What is not on record is left out: both formats read absence as "not known".
 */
import { canonicalJson, sha256 } from "../../core/index.ts";
import type { Recorded, SourceFact } from "./facts.ts";
import type { PaperInput } from "./paper-input.ts";
import { describeSource } from "./summary-sources.ts";

/** Identifiers that SPDX lists and both formats take as they are. */
const SPDX_ID = /^(?!LicenseRef|NOASSERTION|NONE)[A-Za-z0-9][A-Za-z0-9.+-]*$/;

/** A UUID that depends on the release alone (version 8, RFC 9562). */
function releaseUuid({ release, weightFiles }: PaperInput): string {
  const digest = sha256(canonicalJson({ release, files: weightFiles.map((file) => ({ ...file })) }));
  const part = (from: number, length: number): string => digest.slice(from, from + length);
  return `${part(0, 8)}-${part(8, 4)}-8${part(13, 3)}-8${part(17, 3)}-${part(20, 12)}`;
}

function cycloneLicence(licence: string | undefined): readonly unknown[] | undefined {
  if (licence === undefined || licence === "NOASSERTION") return undefined;
  return SPDX_ID.test(licence) ? [{ license: { id: licence } }] : [{ license: { name: licence } }];
}

const property = (name: string, value: string): { name: string; value: string } => ({
  name: `firn:${name}`,
  value,
});

function cycloneDataset(source: Recorded<SourceFact>): Record<string, unknown> {
  const { id, title, licence, url, revision } = source.data;
  const licenses = cycloneLicence(licence);
  return {
    type: "data",
    "bom-ref": `source:${id}`,
    name: title ?? id,
    ...(revision === undefined ? {} : { version: revision }),
    description: describeSource(source).text,
    ...(licenses === undefined ? {} : { licenses }),
    ...(url === undefined ? {} : { externalReferences: [{ type: "distribution", url }] }),
    properties: [property("fact", source.fact)],
  };
}

function metrics({ record }: PaperInput): unknown[] {
  const { evaluate } = record;
  const bits = evaluate?.data.bitsPerByte?.all?.model;
  const { texts = [], canaries = [] } = evaluate?.data.memorisation ?? {};
  return [
    ...(bits === undefined
      ? []
      : [
          {
            type: "bits per UTF-8 byte",
            value: String(bits),
            slice: "held-out documents of the training sources",
          },
        ]),
    ...[...texts, ...canaries].flatMap(({ kind, prefixes, prefixTokens, repetitions, exact }) =>
      typeof exact === "number"
        ? [
            {
              type: "share of probes recited to the last token",
              value: String(exact),
              slice: `${kind}${typeof prefixes === "string" ? `, ${prefixes} words before` : ""}, ${typeof prefixTokens === "number" ? `${prefixTokens} tokens` : "half"} given, ${repetitions} times in a pass`,
            },
          ]
        : [],
    ),
  ];
}

/** `bom.cdx.json`. */
export function cycloneDx(input: PaperInput): unknown {
  const { record, release, licence, config, parameters, weightFiles } = input;
  const profile = record.provider?.data;
  const main = `model:${release.name}@${release.version}`;
  const considerations = {
    ...(profile?.intendedUse === undefined ? {} : { useCases: [profile.intendedUse] }),
    ...(profile?.limitations === undefined ? {} : { technicalLimitations: [profile.limitations] }),
  };
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${releaseUuid(input)}`,
    version: 1,
    metadata: {
      timestamp: `${release.date}T00:00:00Z`,
      tools: { components: [{ type: "application", name: "Firn" }] },
      ...(profile === undefined ? {} : { manufacturer: { name: profile.name } }),
      component: {
        type: "machine-learning-model",
        "bom-ref": main,
        name: release.name,
        version: release.version,
        licenses: cycloneLicence(licence) ?? [],
        modelCard: {
          modelParameters: {
            approach: { type: "self-supervised" },
            task: "text-generation",
            architectureFamily: "transformer (decoder only)",
            modelArchitecture: "Apertus",
            datasets: record.sources.map(({ data }) => ({ ref: `source:${data.id}` })),
            inputs: [{ format: `text, at most ${config.contextLength} tokens with the output` }],
            outputs: [{ format: "text" }],
          },
          quantitativeAnalysis: { performanceMetrics: metrics(input) },
          considerations,
        },
        properties: [
          property("parameters", String(parameters)),
          ...(record.compute === undefined
            ? []
            : [
                property("training-flop", String(record.compute.data.architectureFlop)),
                property("training-flop-fact", record.compute.fact),
              ]),
        ],
      },
    },
    components: [
      ...weightFiles.map(({ path, sha256: content }) => ({
        type: "file",
        "bom-ref": `file:${path}`,
        name: path,
        hashes: [{ alg: "SHA-256", content }],
      })),
      ...record.sources.map(cycloneDataset),
    ],
    dependencies: [
      {
        ref: main,
        dependsOn: [
          ...weightFiles.map(({ path }) => `file:${path}`),
          ...record.sources.map(({ data }) => `source:${data.id}`),
        ],
      },
    ],
  };
}

const SPDX_CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";

/** `bom.spdx.json`: an AI package, its files, and a dataset package for each source. */
export function spdx(input: PaperInput): unknown {
  const { record, release, licence, weightFiles } = input;
  const profile = record.provider?.data;
  const root = `https://spdx.org/spdxdocs/${release.name}-${releaseUuid(input)}`;
  const id = (part: string): string => `${root}#${part.replace(/[^A-Za-z0-9._-]/g, "-")}`;
  const created = `${release.date}T00:00:00Z`;
  const creationInfo = "_:creation";
  const element = (type: string, part: string, fields: Record<string, unknown>): Record<string, unknown> => ({
    type,
    spdxId: id(part),
    creationInfo,
    ...fields,
  });
  const agent = element("Organization", "provider", { name: profile?.name ?? "NOASSERTION" });
  const hash = (value: string): unknown => [{ type: "Hash", algorithm: "sha256", hashValue: value }];
  const model = element("ai_AIPackage", "model", {
    name: release.name,
    software_packageVersion: release.version,
    software_primaryPurpose: "model",
    releaseTime: created,
    suppliedBy: agent["spdxId"],
    software_downloadLocation: profile?.website ?? "https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement",
    ai_typeOfModel: ["decoder-only transformer"],
    ai_domain: ["text generation"],
    ...(profile?.limitations === undefined ? {} : { ai_limitation: profile.limitations }),
    ...(record.compute === undefined ? {} : { ai_informationAboutTraining: record.compute.data.sentence }),
    ai_modelDataPreprocessing: [...new Set(record.steps.map(({ data }) => data.step))],
  });
  const files = weightFiles.map(({ path, sha256: digest }) =>
    element("software_File", `file-${path}`, {
      name: path,
      software_primaryPurpose: "model",
      verifiedUsing: hash(digest),
    }),
  );
  const datasets = record.sources.map(({ data }) =>
    element("dataset_DatasetPackage", `dataset-${data.id}`, {
      name: data.title ?? data.id,
      software_primaryPurpose: "data",
      ...(data.revision === undefined ? {} : { software_packageVersion: data.revision }),
      ...(data.url === undefined ? {} : { software_downloadLocation: data.url }),
      dataset_datasetType: ["text"],
      dataset_datasetAvailability: data.category === "public-dataset" ? "directDownload" : "registration",
      ...(data.bytes === undefined ? {} : { dataset_datasetSize: data.bytes }),
      builtTime: created,
      releaseTime: created,
      originatedBy: [agent["spdxId"]],
    }),
  );
  const licences = [...new Set([licence, ...record.sources.flatMap(({ data }) => data.licence ?? [])])]
    .filter((expression) => expression !== "NOASSERTION")
    .sort();
  const expressions = licences.map((expression) =>
    element("simplelicensing_LicenseExpression", `licence-${expression}`, {
      simplelicensing_licenseExpression: expression,
    }),
  );
  const relationship = (part: string, from: unknown, relationshipType: string, to: unknown[]): unknown =>
    element("Relationship", `relationship-${part}`, { from, relationshipType, to });
  const relationships = [
    ...(files.length === 0
      ? []
      : [
          relationship(
            "files",
            model["spdxId"],
            "contains",
            files.map((file) => file["spdxId"]),
          ),
        ]),
    ...(datasets.length === 0
      ? []
      : [
          relationship(
            "data",
            model["spdxId"],
            "trainedOn",
            datasets.map((set) => set["spdxId"]),
          ),
        ]),
    relationship("licence", model["spdxId"], "hasDeclaredLicense", [id(`licence-${licence}`)]),
    ...record.sources.flatMap(({ data }) =>
      data.licence === undefined || data.licence === "NOASSERTION"
        ? []
        : [
            relationship(`licence-${data.id}`, id(`dataset-${data.id}`), "hasDeclaredLicense", [
              id(`licence-${data.licence}`),
            ]),
          ],
    ),
  ];
  const members = [
    agent,
    model,
    ...files,
    ...datasets,
    ...expressions,
    ...(relationships as Record<string, unknown>[]),
  ];
  return {
    "@context": SPDX_CONTEXT,
    "@graph": [
      {
        type: "CreationInfo",
        "@id": creationInfo,
        specVersion: "3.0.1",
        created,
        createdBy: [agent["spdxId"]],
      },
      element("SpdxDocument", "document", {
        name: `${release.name} ${release.version}`,
        profileConformance: ["core", "software", "ai", "dataset", "simpleLicensing"],
        rootElement: [model["spdxId"]],
        element: members.map((member) => member["spdxId"]),
      }),
      ...members,
    ],
  };
}
