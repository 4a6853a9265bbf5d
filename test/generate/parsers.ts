/** @file The parsers of `generate`: models in llama.cpp's format, and the schemas that answers are held to. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FirnError, parseJson } from "../../src/core/index.ts";
import { checkGguf } from "../../src/generate/gguf-check.ts";
import { JsonGrammarBuilder } from "../../src/generate/json-grammar.ts";
import { schemaElement } from "../../src/generate/schema-grammar.ts";
import { writeApertusGguf } from "../../src/release/index.ts";
import { type HostileParser, put } from "../hostile/parser.ts";
import { TINY, writeTinyModel } from "../release/tiny-model.ts";

async function tinyGguf(): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), "firn-gguf-sample-"));
  try {
    const folders = await writeTinyModel(dir, { ...TINY, layers: 1 }, 4);
    const path = join(dir, "tiny.gguf");
    await writeApertusGguf({ ...folders, path, type: "F32", about: { name: "tiny", languages: ["de"] } });
    return await readFile(path);
  } finally {
    await rm(dir, { recursive: true });
  }
}
const gguf = await tinyGguf();
/** The tensors' numbers may be anything; what is read is before them. */
const GGUF_HEADER = 16 * 1024;

const SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 20 },
    age: { type: "integer", minimum: 0, maximum: 150 },
    tags: { type: "array", items: { enum: ["a", "b", 1, null] }, minItems: 1, maxItems: 4 },
    kid: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
  },
  required: ["name"],
  additionalProperties: false,
  $defs: { node: { type: "object", properties: { kid: { $ref: "#/$defs/node" } }, required: [] } },
};

export const generateParsers: readonly HostileParser[] = [
  {
    name: "headers of GGUF files",
    file: "src/generate/gguf-check.ts",
    samples: [gguf],
    near: [gguf.subarray(0, GGUF_HEADER)],
    read: async (bytes, dir) => checkGguf(await put(dir, "x.gguf", bytes)),
  },
  {
    name: "JSON schemas",
    file: "src/generate/schema-grammar.ts",
    samples: [JSON.stringify(SCHEMA)],
    around: [['{"type":"string","enum":["', '"]}']],
    read: (bytes) => {
      let schema: unknown;
      try {
        schema = parseJson(bytes.toString());
      } catch {
        return;
      }
      for (const strict of [true, false]) {
        const builder = new JsonGrammarBuilder();
        try {
          builder.build(schemaElement(builder, schema, { strict }));
        } catch (error) {
          if (!(error instanceof FirnError)) throw error;
        }
      }
    },
  },
];
