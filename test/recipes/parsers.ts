/** @file The parser of `recipes`: what a person writes. */
import { readFile } from "node:fs/promises";
import { parseYaml, recipeSchema } from "../../src/recipes/index.ts";
import { expandShorthands } from "../../src/recipes/shorthand.ts";
import type { HostileParser } from "../hostile/parser.ts";

const recipe = (name: string): Promise<Buffer> =>
  readFile(new URL(`../../recipes/${name}.yaml`, import.meta.url));
const SHORT =
  "name: mine\nsources:\n  - { folder: ./my-texts, licence: CC-BY-4.0 }\n  - &a { jsonl: x.jsonl, licence: MIT }\n  - *a\n";

export const recipeParsers: readonly HostileParser[] = [
  {
    name: "recipes",
    file: "src/recipes/parse-yaml.ts",
    share: 0.3,
    samples: [await recipe("nano")],
    near: [SHORT, await recipe("web")],
    around: [
      ["", ""],
      ["a: ", ""],
      ["sources:\n", ""],
    ],
    pieces: ["- ", "a: ", "? ", "&a ", "*a ", "[a, ", "{a: ", "|\n ", "!!x ", "- - ", "\n a:"],
    read: (bytes) => {
      parseYaml(bytes.toString(), "my.yaml", recipeSchema, expandShorthands);
    },
  },
];
