/**
 * @file `npm run bench -- memory`: the memory that cleaning keeps for every document it judges, by the setting that bounds it. A
 * million and two million synthetic documents, every eleventh an exact duplicate, go through what the passes remember (hashes,
 * rows, groups, fates); what a document costs is the difference between the two, after a collection of garbage.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { formatInteger, formatTable, sha256 } from "../src/core/index.ts";
import { cleanConfigSchema, decideFates, FirstSeen, Groups, SurvivorTable } from "../src/data/index.ts";

const DOCUMENTS = 1_000_000;
const LANGUAGES = ["deu", "eng", "fra"] as const;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** Bytes that are in use. Buffers are given back some time after they were collected. */
async function used(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await setTimeout(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface Measured {
  readonly survivors: number;
  readonly judgedBytes: number;
  readonly decidedBytes: number;
  /** Processor time. */
  readonly judgeMs: number;
  readonly decideMs: number;
}

function timed<T>(work: () => T): { result: T; ms: number } {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, ms: (user + system) / 1000 };
}

async function measure(documents: number, memoryMiB: number): Promise<Measured> {
  const dir = mkdtempSync(join(tmpdir(), "firn-memory-"));
  const before = await used();
  const seen = FirstSeen.create(join(dir, "hashes"), memoryMiB * 1024 * 1024);
  const table = SurvivorTable.create(join(dir, "table"));
  const { ms: judgeMs } = timed(() => {
    for (let i = 0; i < documents; i++) {
      const n = i % 11 === 10 ? i >> 1 : i;
      const first = seen.firstOf(sha256(String(n)));
      if (first !== undefined) {
        table.addDuplicate(first);
        table.idOf(first);
        continue;
      }
      const id = `web/CC-MAIN-2026-05/segment-${n % 1000}.warc.gz#${n}`;
      const source = n % 3 === 0 ? "books" : "web";
      table.add({ id, source, language: LANGUAGES[n % 3]!, parallelKey: null, bytes: 1000 + (n % 5000) });
    }
  });
  const judgedBytes = (await used()) - before;
  seen.dispose();
  const config = cleanConfigSchema.parse({
    mix: {
      caps: [{ source: "web", eachLanguage: true, maxBytes: documents * 200 }],
      languageTemperature: 1.4,
    },
  });
  const groups = new Groups(table.count);
  const plan = { isHeldout: ({ id }: { id: string }) => id.endsWith("7") };
  const { result: fates, ms: decideMs } = timed(() => decideFates(table, groups, plan, config));
  const decidedBytes = (await used()) - before;
  const survivors = fates.heldout.length;
  table.close();
  rmSync(dir, { recursive: true });
  return { survivors, judgedBytes, decidedBytes, judgeMs, decideMs };
}

export async function benchMemory(): Promise<void> {
  await measure(DOCUMENTS / 10, 16); // compiles
  const rows: string[][] = [];
  for (const memoryMiB of [256, 16]) {
    const [one, two] = [await measure(DOCUMENTS, memoryMiB), await measure(2 * DOCUMENTS, memoryMiB)];
    const more = two.survivors - one.survivors;
    rows.push([
      String(memoryMiB),
      formatInteger(two.survivors),
      (two.judgedBytes / 2 ** 20).toFixed(0),
      ((two.judgedBytes - one.judgedBytes) / more).toFixed(1),
      ((two.decidedBytes - one.decidedBytes) / more).toFixed(1),
      ((two.judgeMs * 1000) / two.survivors).toFixed(1),
      ((two.decideMs * 1000) / two.survivors).toFixed(1),
    ]);
  }
  const header = [
    "memoryMiB",
    "documents",
    "judged, MiB",
    "judged, bytes each",
    "decided, bytes each",
    "judged, µs each",
    "decided, µs each",
  ];
  console.log(formatTable(header, rows));
}
