/** @file `firn/tokenizer/browser`: what a page takes from the tokenizer room needs nothing of Node.js. */
import { runInNewContext } from "node:vm";
import { build } from "vite";
import { expect, it } from "vitest";
import { tiktokenJson } from "./tiktoken-vocabulary.ts";

const ENTRY = "virtual:page";
const PAGE = `
  import { parseTokenizerJson, Tokenizer } from ${JSON.stringify(`${import.meta.dirname}/../../src/tokenizer/browser.ts`)};
  globalThis.answer = (json, text) => {
    const tokenizer = new Tokenizer(parseTokenizerJson(json));
    const ids = tokenizer.encode(text);
    return JSON.stringify([ids, tokenizer.decode(ids)]);
  };`;

it("is bundled without a module of Node.js and encodes without its globals", async () => {
  const result = await build({
    configFile: false,
    logLevel: "silent",
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === ENTRY ? id : undefined),
        load: (id) => (id === ENTRY ? PAGE : undefined),
      },
    ],
    build: { write: false, minify: false, rollupOptions: { input: ENTRY } },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as {
    output: { type: string; code?: string; imports?: string[] }[];
  };
  const chunks = output.filter(({ type }) => type === "chunk");
  const code = chunks.map((chunk) => chunk.code).join("\n");
  expect(code).not.toMatch(/node:|__vite-browser-external/);
  const globals = { TextEncoder, TextDecoder } as Record<string, unknown>;
  runInNewContext(code.replaceAll(/^export .*$/gm, ""), globals);
  const answer = globals["answer"] as (json: string, text: string) => string;
  const json = await tiktokenJson("gpt2");
  expect(JSON.parse(answer(json, "Grüezi, world 🏔"))).toEqual([expect.any(Array), "Grüezi, world 🏔"]);
});
