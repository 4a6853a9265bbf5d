/** @file `npx tsx scripts/build-kernel.ts`: makes the module of src/data/language/fasttext-kernel.wat. A test compares the two. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { assembleKernel } from "./assemble-kernel.ts";

const path = fileURLToPath(new URL("../src/data/language/fasttext-kernel.data.ts", import.meta.url));
const base64 = (await assembleKernel()).toString("base64");
const lines = base64.match(/.{1,96}/g)!.map((line) => `  "${line}",`);
await writeFile(
  path,
  `/** @file Made by scripts/build-kernel.ts from fasttext-kernel.wat; edit that. */\nexport const KERNEL_BASE64 = [\n${lines.join("\n")}\n].join("");\n`,
);
