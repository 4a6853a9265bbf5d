/** @file The machine-readable papers against what their formats' owners publish. */
import { readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { cycloneDx, spdx } from "../../src/release/papers/bill-of-materials.ts";
import { croissant } from "../../src/release/papers/croissant.ts";
import { FACTS, FULL_PROVIDER, inputOf, withProvider } from "../../src/release/papers/example.test-facts.ts";

const INPUTS = [inputOf([]), inputOf(FACTS), inputOf(withProvider(FACTS, FULL_PROVIDER))];

async function schema(name: string): Promise<object> {
  return JSON.parse(await readFile(new URL(`./schemas/${name}.json`, import.meta.url), "utf8")) as object;
}

describe("the CycloneDX bill of materials", () => {
  let validate: (value: unknown) => string;
  beforeAll(async () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    formats.default(ajv);
    for (const format of ["iri-reference", "idn-email"]) ajv.addFormat(format, true);
    for (const name of ["spdx.SNAPSHOT.schema", "jsf-0.82.SNAPSHOT.schema"]) {
      const { $id: _ownName, ...content } = (await schema(name)) as { $id: string };
      ajv.addSchema(content, `http://cyclonedx.org/schema/${name}.json`);
    }
    const compiled = ajv.compile(await schema("cyclonedx-1.6"));
    validate = (value) => (compiled(value) ? "" : ajv.errorsText(compiled.errors));
  });

  it("is valid against the published schema, whatever is on record", () => {
    for (const input of INPUTS) expect(validate(cycloneDx(input))).toBe("");
    expect(validate({ ...(cycloneDx(INPUTS[2]!) as object), specVersion: 6 })).toContain("specVersion");
  });

  it("has the same serial number for the same files, and another for others", () => {
    const serial = (input: (typeof INPUTS)[number]): string =>
      (cycloneDx(input) as { serialNumber: string }).serialNumber;
    expect(serial(INPUTS[0]!)).toBe(serial(INPUTS[2]!));
    expect(serial({ ...INPUTS[0]!, weightFiles: [] })).not.toBe(serial(INPUTS[0]!));
    expect(serial(INPUTS[0]!)).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});

interface SpdxElement {
  readonly type: string;
  readonly spdxId?: string;
  readonly from?: string;
  readonly to?: readonly string[];
  readonly [field: string]: unknown;
}

describe("the SPDX bill of materials", () => {
  it("is a graph without loose ends: every element it refers to is in it once", () => {
    for (const input of INPUTS) {
      const graph = (spdx(input) as { "@graph": SpdxElement[] })["@graph"];
      const ids = graph.flatMap(({ spdxId }) => spdxId ?? []);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { from, to = [], type } of graph) {
        if (type !== "Relationship") continue;
        expect(ids).toContain(from);
        expect(to.length).toBeGreaterThan(0);
        for (const target of to) expect(ids).toContain(target);
      }
    }
  });

  it("says what AI and dataset packages must say", () => {
    const graph = (spdx(INPUTS[2]!) as { "@graph": SpdxElement[] })["@graph"];
    const model = graph.find(({ type }) => type === "ai_AIPackage");
    for (const field of [
      "releaseTime",
      "suppliedBy",
      "software_downloadLocation",
      "software_packageVersion",
      "software_primaryPurpose",
    ])
      expect(model?.[field], field).toBeDefined();
    const sets = graph.filter(({ type }) => type === "dataset_DatasetPackage");
    expect(sets).toHaveLength(2);
    for (const set of sets) {
      for (const field of ["builtTime", "originatedBy", "releaseTime", "dataset_datasetType"])
        expect(set[field], field).toBeDefined();
    }
  });
});

describe("the Croissant description", () => {
  it("lists the shards with their checksums and reads each column from them; without a corpus there is none", () => {
    const made = croissant(INPUTS[2]!) as {
      distribution: { "@id": string; sha256?: string }[];
      recordSet: { field: { source: { fileSet: { "@id": string }; extract: { column: string } } }[] }[];
    };
    const sets = made.distribution.filter(({ sha256 }) => sha256 === undefined).map((set) => set["@id"]);
    expect(made.distribution[0]).toMatchObject({
      "@id": "documents/train-00000.parquet",
      sha256: "d".repeat(64),
    });
    for (const { source } of made.recordSet[0]!.field) expect(sets).toContain(source.fileSet["@id"]);
    expect(made.recordSet[0]!.field.map(({ source }) => source.extract.column)).toContain("licence");
    expect(croissant({ ...INPUTS[2]!, corpusFiles: [] })).toBeUndefined();
  });
});
