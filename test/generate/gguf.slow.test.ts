/**
 * @file llama.cpp ends the process on what it takes for impossible. Sound GGUFs of the exporter are edited in their bytes and in
 * their sense; whatever `checkGguf` lets through must load or be refused, and speak, in a process that lives on.
 * `FIRN_GGUF_RUNS` says how many files.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { FirnError } from "../../src/core/index.ts";
import { checkGguf } from "../../src/generate/gguf-check.ts";
import { writeApertusGguf } from "../../src/release/index.ts";
import { TINY, writeTinyModel } from "../release/tiny-model.ts";
import { editedGguf, headerBytes } from "./gguf-edits.ts";
import { LoadingProcess } from "./loading-process.ts";
import { mutated } from "../hostile/mutations.ts";

const RUNS = Number(process.env["FIRN_GGUF_RUNS"] ?? 5000);
const SEED = Number(process.env["FIRN_HOSTILE_SEED"] ?? 1);

it("a GGUF that was passed never ends the process that loads it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "firn-hostile-gguf-"));
  const loader = new LoadingProcess();
  try {
    const folders = await writeTinyModel(dir, { ...TINY, layers: 1 }, 4);
    const path = join(dir, "tiny.gguf");
    await writeApertusGguf({ ...folders, path, type: "F32", about: { name: "tiny", languages: ["de"] } });
    const sound = await readFile(path);
    expect(await loader.load(path)).toBe("spoke");
    const header = headerBytes(sound);
    const inBytes = mutated([sound.subarray(0, header)]).map((edited) =>
      Buffer.concat([edited, sound.subarray(header)]),
    );
    const either = fc.oneof({ weight: 3, arbitrary: editedGguf(sound) }, { weight: 1, arbitrary: inBytes });
    const tally = new Map<string, number>();
    const edited = join(dir, "edited.gguf");
    await fc.assert(
      fc.asyncProperty(either, async (bytes) => {
        await writeFile(edited, bytes);
        let outcome = "refused by the check";
        try {
          await checkGguf(edited);
          outcome = await loader.load(edited);
        } catch (error) {
          if (!(error instanceof FirnError)) throw error;
        }
        tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
        expect(["spoke", "refused", "refused by the check"]).toContain(outcome);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    process.stdout.write(`${RUNS} edited GGUFs: ${JSON.stringify(Object.fromEntries(tally))}\n`);
  } finally {
    loader.close();
    await rm(dir, { recursive: true });
  }
});
