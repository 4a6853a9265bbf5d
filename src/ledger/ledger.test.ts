import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canonicalJson, type Json, type Reporter, sha256, silentReporter } from "../core/index.ts";
import { CHAIN_START, type Fact, factId } from "./fact.ts";
import { Ledger, verifyLedger } from "./ledger.ts";

let dir = "";
let path = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-ledger-"));
  path = join(dir, "ledger", "facts.jsonl");
});
afterEach(() => rm(dir, { recursive: true }));

const A = "a".repeat(64);
const B = "b".repeat(64);
const say = (ledger: Ledger, kind: string, fingerprint = A, attempt = 1, data: Json = { n: 1 }): Fact =>
  ledger.append({ kind, stage: "crawl", fingerprint, attempt, data });

async function all(ledger: Ledger): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const fact of ledger.facts()) facts.push(fact);
  return facts;
}

async function tenFacts(): Promise<string[]> {
  const ledger = Ledger.open(dir);
  for (let i = 0; i < 10; i++) say(ledger, "step", A, 1, { i, text: "Grüezi\u2028\n" });
  return (await readFile(path, "utf8")).trimEnd().split("\n");
}

function listening(): { report: Reporter; lines: string[] } {
  const lines: string[] = [];
  return { report: { ...silentReporter, line: (text) => lines.push(text) }, lines };
}

describe("the ledger", () => {
  test("chains every fact to the one before, across openings", async () => {
    const first = say(Ledger.open(dir), "source");
    const second = say(Ledger.open(dir), "step");
    expect(first).toMatchObject({ seq: 0, previous: CHAIN_START, kind: "source" });
    expect(second).toMatchObject({ seq: 1, previous: first.hash });
    const { hash, ...rest } = second;
    expect(sha256(canonicalJson(rest))).toBe(hash);
    expect(await all(Ledger.open(dir))).toEqual([first, second]);
    expect(await verifyLedger(dir)).toMatchObject({ facts: 2, head: second.hash, backwards: null });
  });

  test("is empty before the first fact, and opening it writes nothing", async () => {
    const ledger = Ledger.open(dir);
    expect(await all(ledger)).toEqual([]);
    expect(await verifyLedger(dir)).toMatchObject({ facts: 0, head: CHAIN_START, latest: null });
    expect(existsSync(join(dir, "ledger"))).toBe(false);
  });

  test("keeps one chain when two ledgers write in turn", async () => {
    const one = Ledger.open(dir);
    const two = Ledger.open(dir);
    for (let i = 0; i < 5; i++) {
      say(one, "step", A, 1, { i });
      say(two, "step", B, 1, { i });
    }
    expect((await verifyLedger(dir)).facts).toBe(10);
  });

  test("names a fact's content the same whenever it was said", () => {
    const one = say(Ledger.open(dir), "step", A, 1, { documents: 3, bytes: 5 });
    const two = say(Ledger.open(dir), "step", A, 2, { bytes: 5, documents: 3 });
    expect(factId(one)).toBe(factId(two));
    expect(one.hash).not.toBe(two.hash);
  });
});

describe("the facts of an artifact", () => {
  test("are those of its last completed attempt, oldest first, each once", async () => {
    const ledger = Ledger.open(dir);
    say(ledger, "stage.start", A, 1);
    say(ledger, "step", A, 1, { lost: true });
    say(ledger, "stage.start", A, 2);
    say(ledger, "step", A, 2, { kept: 1 });
    say(ledger, "step", B, 1, { other: true });
    say(ledger, "step", A, 2, { kept: 1 });
    say(ledger, "step", A, 2, { kept: 2 });
    say(ledger, "stage.done", A, 2);
    say(ledger, "stage.start", A, 3);
    const facts = await ledger.factsOf([A]);
    expect(facts.map(({ kind, data }) => [kind, data])).toEqual([
      ["stage.start", { n: 1 }],
      ["step", { kept: 1 }],
      ["step", { kept: 2 }],
      ["stage.done", { n: 1 }],
    ]);
    expect(await ledger.factsOf([B])).toEqual([]);
  });
});

describe("a tampered ledger", () => {
  const faultOf = async (lines: readonly string[]): Promise<string> => {
    await writeFile(path, lines.map((line) => `${line}\n`).join(""));
    return verifyLedger(dir).then(
      () => "",
      (error: Error) => error.message,
    );
  };

  test("with an altered line is found, and the line is named", async () => {
    const lines = await tenFacts();
    const altered = lines.with(4, lines[4]!.replace('"i":4', '"i":5'));
    expect(await faultOf(altered)).toMatch(/LEDGER_BROKEN: .*line 5 was altered/);
    expect(await faultOf(lines.with(4, "{}"))).toMatch(/line 5 is not a fact/);
    expect(await faultOf(lines.with(4, lines[4]!.slice(5)))).toMatch(/line 5 is not JSON/);
    expect(await faultOf(lines)).toBe("");
  });

  test("with a missing, repeated or moved line is found", async () => {
    const lines = await tenFacts();
    expect(await faultOf(lines.toSpliced(4, 1))).toMatch(/line 5 does not follow/);
    expect(await faultOf(lines.toSpliced(0, 1))).toMatch(/line 1 does not follow/);
    expect(await faultOf(lines.toSpliced(4, 0, lines[3]!))).toMatch(/line 5 does not follow/);
    expect(await faultOf(lines.with(4, lines[5]!).with(5, lines[4]!))).toMatch(/line 5 does not follow/);
  });

  test("with a line that was altered and hashed anew is found at the next line", async () => {
    const lines = await tenFacts();
    const { hash: _, ...rest } = JSON.parse(lines[4]!) as Fact;
    const forged = { ...rest, data: { i: 99 } };
    const line = canonicalJson({ ...forged, hash: sha256(canonicalJson(forged)) });
    expect(await faultOf(lines.with(4, line))).toMatch(/line 6 does not follow/);
  });

  test("is not written to when its end is broken, and does not answer", async () => {
    const lines = await tenFacts();
    const text = `${lines.join("\n")}\n`;
    await writeFile(path, text.replace('"i":9', '"i":8'));
    expect(() => Ledger.open(dir)).toThrow(/LEDGER_BROKEN: .*last line that was altered/);
    await writeFile(path, text.replace('"i":3', '"i":8'));
    await expect(Ledger.open(dir).factsOf([A])).rejects.toThrow(/line 4 was altered/);
  });
});

describe("an interrupted write", () => {
  test("torn at any byte is set aside, said, and the chain goes on", async () => {
    const lines = await tenFacts();
    const whole = await readFile(path);
    const lastStart = whole.length - Buffer.byteLength(lines[9]!) - 1;
    for (const cut of [1, 50, Buffer.byteLength(lines[9]!)]) {
      await writeFile(path, whole);
      await rm(join(dir, "ledger", "facts.torn"), { force: true });
      await truncate(path, lastStart + cut);
      const { report, lines: said } = listening();
      say(Ledger.open(dir, report), "step");
      expect(said).toEqual([expect.stringMatching(/torn by an interruption \(\d+ bytes\).*facts\.torn/)]);
      const torn = await readFile(join(dir, "ledger", "facts.torn"));
      expect(
        torn.equals(Buffer.concat([whole.subarray(lastStart, lastStart + cut), Buffer.from("\n")])),
      ).toBe(true);
      expect((await verifyLedger(dir)).facts).toBe(10);
    }
  });

  test("of the very first line leaves an empty ledger", async () => {
    await mkdir(join(dir, "ledger"));
    await writeFile(path, '{"attempt":1');
    expect(say(Ledger.open(dir), "step").seq).toBe(0);
  });

  test("by another process is seen by one that has the ledger open", async () => {
    const ledger = Ledger.open(dir);
    say(ledger, "step");
    await appendFile(path, '{"attempt":1,"da');
    say(ledger, "step");
    expect((await verifyLedger(dir)).facts).toBe(2);
  });

  test("by kill -9 while facts pour in loses no fact that was acknowledged", async () => {
    const child = spawn(
      process.execPath,
      [
        "--import",
        "tsx",
        "--input-type=module",
        "-e",
        `import { Ledger } from ${JSON.stringify(new URL("./ledger.ts", import.meta.url).href)};
         import { writeSync } from "node:fs";
         const ledger = Ledger.open(${JSON.stringify(dir)});
         for (let i = 0; ; i++) {
           ledger.append({ kind: "step", stage: "s", fingerprint: "", attempt: 0, data: { i, pad: "x".repeat(3000) } });
           writeSync(1, i + "\\n");
         }`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let acknowledged = "";
    child.stdout.on("data", (chunk: Buffer) => {
      acknowledged += chunk.toString();
      if (acknowledged.length > 60) child.kill("SIGKILL");
    });
    await once(child, "close");
    const last = Number(acknowledged.trimEnd().split("\n").at(-1));
    const ledger = Ledger.open(dir);
    const before = (await verifyLedger(dir)).facts;
    expect(before).toBeGreaterThanOrEqual(last + 1);
    expect(say(ledger, "step").seq).toBe(before);
  });
});

test.runIf(existsSync("/dev/full"))("a full disk is said when a fact cannot be written", async () => {
  await mkdir(join(dir, "ledger"));
  await symlink("/dev/full", path);
  const ledger = Ledger.open(dir);
  expect(() => say(ledger, "step")).toThrow(/DISK_FULL/);
});
