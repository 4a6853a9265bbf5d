/**
 * @file The papers of a real release: every printed total counted again straight from the Parquet files, requests
 * followed to their effect and out of the next build, tampering named.
 */
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { getDomain } from "tldts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Artifact, openStore, readOutputFilter } from "../../src/artifacts/index.ts";
import { canonicalJson, sha256 } from "../../src/core/index.ts";
import type { PortalData } from "../../src/release/index.ts";
import { type ChatMessage, loadTokenizer, renderChat } from "../../src/tokenizer/index.ts";
import { firn, writeTinyRecipe } from "../pipeline/tiny.ts";

let dir: string;
let recipe: string;
const store = (): string => path.join(dir, "store");

async function ask(...argv: string[]): Promise<unknown> {
  const { code, out, err } = await firn(...argv, "--store", store(), "--json");
  expect(code, err + out).toBe(0);
  return JSON.parse(out);
}

async function refused(...argv: string[]): Promise<string> {
  const { code, out, err } = await firn(...argv, "--store", store());
  expect(code).toBe(1);
  return out + err;
}

async function artifact(kind: string, stage: string): Promise<Artifact> {
  const found = (await openStore(store()).list()).filter(
    (one) => one.kind === kind && one.manifest.stage === stage,
  );
  return found.at(-1)!;
}

type Row = Record<string, unknown>;

/** The one row of SQL, as numbers. */
async function count(sql: string): Promise<Record<string, number>> {
  const [row] = await rows(sql);
  return Object.fromEntries(Object.entries(row!).map(([key, value]) => [key, Number(value)]));
}

/** All rows of SQL. */
async function rows(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql);
  const found = reader.getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  return found;
}

const integer = (value: unknown): string => Number(value).toLocaleString("en-US");

async function portalJson(): Promise<PortalData> {
  const { dir: at } = await artifact("release", "release");
  return JSON.parse(await readFile(path.join(at, "legal/portal.json"), "utf8")) as PortalData;
}

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "firn-papers-"));
  recipe = await writeTinyRecipe(dir);
  await ask("build", recipe);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("the printed totals", () => {
  let summary: string;
  let form: string;
  let documents: string;
  let tokens: string;
  beforeAll(async () => {
    const release = await artifact("release", "release");
    summary = await readFile(path.join(release.dir, "legal/Public_Summary_of_Training_Content.md"), "utf8");
    form = await readFile(path.join(release.dir, "legal/Model_Documentation_Form.md"), "utf8");
    documents = path.join((await artifact("documents", "clean")).dir, "documents");
    tokens = path.join((await artifact("tokens", "tokenize")).dir, "documents.parquet");
  });

  it("of the training data are those of the tables", async () => {
    const told = await count(
      `SELECT count(*) AS documents, sum(strlen(text)) AS bytes FROM '${documents}/train-*.parquet'`,
    );
    const counted = await count(`SELECT sum(length) AS tokens FROM '${tokens}' WHERE split = 'train'`);
    const line = `Exactly ${integer(counted["tokens"]!)} tokens, ${integer(told["bytes"]!)} bytes of UTF-8, ${integer(told["documents"]!)} documents`;
    expect(summary).toContain(line);
    expect(form).toContain(
      `Training: ${integer(told["documents"]!)} documents, ${integer(counted["tokens"]!)} tokens`,
    );
  });

  it("of every source, every language and what was held out are those of the tables", async () => {
    for (const row of await rows(
      `SELECT source, count(*) AS documents, sum(length) AS tokens FROM '${tokens}' WHERE split = 'train' GROUP BY ALL`,
    )) {
      expect(summary).toContain(
        `${String(row["source"])} after processing: ${integer(row["tokens"])} tokens in ${integer(row["documents"])} documents`,
      );
    }
    const portal = await portalJson();
    const languages = await rows(
      `SELECT split_part(language, '_', 1) AS name, sum(length) AS tokens FROM '${tokens}' WHERE split = 'train' GROUP BY ALL ORDER BY tokens DESC, name`,
    );
    expect(portal.languages).toEqual(
      languages.map(({ name, tokens: size }) => ({ name, tokens: Number(size) })),
    );
    const total = languages.reduce((sum, row) => sum + Number(row["tokens"]), 0);
    const share = (row: Row): string =>
      `${String(row["name"])} ${((Number(row["tokens"]) / total) * 100).toFixed(1)} %`;
    expect(summary).toContain(`languages; by share of tokens: ${languages.map(share).join(", ")}.`);
    const held = await count(
      `SELECT count(*) AS documents, sum(length) AS tokens FROM '${tokens}' WHERE split = 'heldout'`,
    );
    expect(form).toContain(
      `Testing and validation (held out): ${integer(held["documents"])} documents, ${integer(held["tokens"])} tokens`,
    );
  });

  it("of every step are those of the rejects and of what came through", async () => {
    const dropped = await rows(
      `SELECT step, reason AS name, count(*) AS documents FROM '${path.join(documents, "../rejects")}/*.parquet' GROUP BY ALL ORDER BY ALL`,
    );
    const { steps } = await portalJson();
    const printed = steps.flatMap(({ step, reasons }) =>
      reasons.map(({ name, documents: number }) => ({ step, name, documents: number })),
    );
    const key = (row: Row): string =>
      `${String(row["step"])} ${String(row["name"])} ${Number(row["documents"])}`;
    expect(printed.map(key).sort()).toEqual(dropped.map(key).sort());
    for (const { step, in: came, out, reasons } of steps) {
      expect(came! - reasons.reduce((sum, reason) => sum + reason.documents, 0), step).toBe(out);
      expect(form).toContain(`kept ${integer(out)} of ${integer(came)} documents`);
    }
    const all = await count(`SELECT count(*) AS n FROM '${documents}/*.parquet'`);
    expect(steps.at(-1)!.out).toBe(all["n"]);
  });

  it("of the conversations are those of their files", async () => {
    const { dir: at } = await artifact("conversations", "conversations");
    const lines = async (name: string): Promise<number> =>
      (await readFile(path.join(at, name), "utf8")).trimEnd().split("\n").length;
    const [train, heldout] = [await lines("train.jsonl"), await lines("heldout.jsonl")];
    expect(summary).toContain(`${integer(train)} short conversations for fine-tuning`);
    expect(form).toMatch(new RegExp(`Fine-tuning: ${integer(train)} conversations.*; ${heldout} held out`));
    const { tokenizer } = await loadTokenizer((await artifact("tokenizer", "train-tokenizer")).dir);
    const text = (await readFile(path.join(at, "train.jsonl"), "utf8")).trimEnd().split("\n");
    const size = text.reduce((sum, line) => {
      const { messages } = JSON.parse(line) as { messages: ChatMessage[] };
      return sum + renderChat(tokenizer, messages).ids.length;
    }, 0);
    expect(summary).toContain(`${integer(train)} conversations for fine-tuning: ${integer(size)} tokens`);
  });

  it("of domains are those of the addresses, by the public suffix list", async () => {
    const release = await artifact("release", "release");
    const csv = await readFile(path.join(release.dir, "legal/domains.csv"), "utf8");
    const lines = csv.trimEnd().split("\n").slice(1);
    expect(lines.length).toBeGreaterThan(0);
    for (const [index, line] of lines.entries()) {
      const [rank, domain, bytes, number, size] = line.split(",");
      expect(rank).toBe(String(index + 1));
      expect(getDomain(domain!)).toBe(domain);
      const row = await count(
        `SELECT sum(strlen(d.text)) AS bytes, count(*) AS documents, sum(t.length) AS tokens
         FROM '${documents}/train-*.parquet' d JOIN '${tokens}' t ON t.id = d.id
         WHERE d.url LIKE '%${domain}/%'`,
      );
      expect([bytes, number, size].map(Number)).toEqual([row["bytes"], row["documents"], row["tokens"]]);
    }
  });

  it("earn every point that this recipe's records can, and say the rest", async () => {
    const { grade } = (await ask("release")) as {
      grade: { criteria: { by: string; met: boolean; note: string }[] };
    };
    const missed = grade.criteria.filter(({ by, met }) => by === "facts" && !met).map(({ note }) => note);
    expect(missed).toEqual(["not recorded: the period of 2 of 2 sources"]);
  });
});

describe("the provider's form", () => {
  it("changes the papers and not the weights", async () => {
    await ask("provider", "--set", "name=Example Laboratory", "contact=lab@example.org", "codeOfPractice=no");
    const { ran } = (await ask("build", recipe)) as { ran: string[] };
    expect(ran).toEqual(["release"]);
    const release = (await openStore(store()).list()).filter(({ kind }) => kind === "release");
    const papers = await Promise.all(
      release.map(({ dir: at }) =>
        readFile(path.join(at, "legal/Public_Summary_of_Training_Content.md"), "utf8"),
      ),
    );
    expect(papers.some((text) => /Example Laboratory[^]*Signatory[^\n]*☒ No/.test(text))).toBe(true);
  });

  it("takes hours and energy from what the training sessions recorded, which no artifact is made from", async () => {
    const { hardware } = (await ask("provider", "--measure", "--threads", "1")) as {
      hardware: Record<string, number>;
    };
    expect(hardware["units"]).toBe(1);
    expect(hardware["hours"]).toBeGreaterThan(0);
    expect(hardware["watts"] ?? hardware["measuredKilowattHours"]).toBeGreaterThan(0);
    expect(await readFile(path.join(store(), "ledger/facts.jsonl"), "utf8")).toContain('"kind":"measured"');
    const { dir: at } = await artifact("release", "release");
    expect(await readFile(path.join(at, "legal/facts.jsonl"), "utf8")).not.toContain('"kind":"measured"');
  });

  it("refuses an answer of the wrong kind and a question it does not have", async () => {
    expect(await refused("provider", "--set", "placementDate=tomorrow")).toContain("CLI_PROVIDER");
    expect(await refused("provider", "--set", "nane=x")).toContain("Did you mean name?");
  });
});

interface Added {
  readonly id: string;
  readonly folder: string;
  readonly list: string;
  readonly effects: readonly { documents: number; tokens: number; firstStep: number | null; steps: number }[];
}

describe("a request", () => {
  it("is followed to the documents, tokens and steps it concerns, as a count of one's own finds them", async () => {
    const { effects } = (await ask("optout", "add", "domain", "ohchr.org")) as Added;
    const documents = (await artifact("documents", "clean")).dir;
    const exposure = path.join((await artifact("weights", "pretrain")).dir, "exposure.parquet");
    const tokens = path.join((await artifact("tokens", "tokenize")).dir, "documents.parquet");
    const row = await count(
      `WITH hit AS (SELECT id FROM '${documents}/documents/train-*.parquet' WHERE url LIKE '%ohchr.org/%')
       SELECT (SELECT count(*) FROM hit) AS documents, count(DISTINCT step) AS steps, min(step) AS first,
         (SELECT sum(strlen(text)) FROM '${documents}/documents/train-*.parquet' WHERE id IN (SELECT id FROM hit)) AS bytes,
         (SELECT sum(length) FROM '${tokens}' WHERE id IN (SELECT id FROM hit)) AS tokens
       FROM '${exposure}' WHERE document IN (SELECT id FROM hit)`,
    );
    expect(effects).toEqual([
      expect.objectContaining({
        documents: row["documents"],
        bytes: row["bytes"],
        tokens: row["tokens"],
        steps: row["steps"],
        firstStep: row["first"],
      }),
    ]);
  });

  it("about a passage can be followed to its tokens and to the steps that read them", async () => {
    const exposure = path.join((await artifact("weights", "pretrain")).dir, "exposure.parquet");
    const documents = path.join((await artifact("documents", "clean")).dir, "documents");
    const [read] = await rows(
      `SELECT d.id, replace(substr(d.text, 1, 40), chr(10), ' ') = substr(d.text, 1, 40) AS plain, substr(d.text, 1, 40) AS passage
       FROM '${exposure}' e JOIN '${documents}/train-*.parquet' d ON d.id = e.document
       WHERE e.start = 0 AND plain AND length(d.text) > 80 ORDER BY e.step, d.id LIMIT 1`,
    );
    const found = (await ask("trace", "text", String(read!["passage"]).trim())) as {
      documents: { id: string; places: { from: number; to: number; steps: number[] }[] }[];
    };
    const { id, places } = found.documents.find((one) => one.id === read!["id"])!;
    const [{ from, to, steps }] = places as [(typeof places)[number]];
    expect(to).toBeGreaterThan(from);
    const seen = await rows(
      `SELECT DISTINCT step FROM '${exposure}' WHERE document = '${id}' AND start < ${to} AND start + length > ${from} ORDER BY step`,
    );
    expect(steps).toEqual(seen.map(({ step }) => Number(step)));
    expect(steps.length).toBeGreaterThan(0);
  });

  it("keeps no copy of the passage it is about, only hashes", async () => {
    const passage = "the firn will become ice when enough years";
    const { id, folder, list, effects } = (await ask("optout", "add", "text", passage)) as Added;
    expect(effects[0]).toMatchObject({ tokens: expect.any(Number) as number });
    for (const file of [
      list,
      path.join(folder, "receipt.json"),
      path.join(folder, "letter.md"),
      path.join(store(), "ledger/facts.jsonl"),
    ]) {
      const text = await readFile(file, "utf8");
      expect(text).toContain(id);
      expect(text).not.toContain("become ice when");
    }
  });

  it("keeps the model from saying its words when asked to, until it is refused", async () => {
    const passage = "the firn will become ice when enough years";
    const filter = path.join(store(), "requests", "output-filter.json");
    const windows = async (): Promise<number> =>
      (await readOutputFilter(filter)).entries.reduce((sum, { hashes }) => sum + hashes.length, 0);
    const said = (await ask("optout", "add", "text", passage, "--output")) as Added;
    expect(said).toMatchObject({ outputFilter: { version: 1, passages: 1, windows: 1, file: filter } });
    expect(await readFile(filter, "utf8")).not.toContain("become");
    const letter = await readFile(path.join(said.folder, "letter.md"), "utf8");
    expect(letter).toMatch(/output filter/i);
    // A domain stands for the texts of its documents.
    const site = (await ask("optout", "add", "domain", "ohchr.org", "--everything", "--output")) as Added;
    expect(await windows()).toBeGreaterThan(100);
    await ask("optout", "decide", site.id, "refused");
    expect(await windows()).toBe(1);
    expect(await refused("optout", "add", "text", "unusually", "--output")).toContain(
      "ARTIFACT_FILTER_PASSAGE",
    );
    await ask("optout", "decide", said.id, "refused");
    expect(await windows()).toBe(0);
  });

  it("is left out by the next build that reads the list, and says so in its trace", async () => {
    const { list } = (await ask(
      "optout",
      "add",
      "text",
      "the firn will become ice when enough years",
    )) as Added;
    const next = await writeTinyRecipe(dir, (text) =>
      text.replace(
        "documents: { seed: 1 }",
        `documents: { seed: 1, optOut: { requests: ${JSON.stringify(list)} } }`,
      ),
    );
    await ask("build", next, "--to", "documents");
    const built = (await openStore(store()).list()).filter(({ manifest }) => manifest.stage === "clean");
    const held = await Promise.all(
      built.map(({ dir: at }) =>
        count(
          `SELECT count(*) AS n FROM '${at}/documents/*.parquet' WHERE text LIKE '%firn will become ice%'`,
        ),
      ),
    );
    expect(new Set(held.map(({ n }) => n))).toEqual(new Set([0, 1]));
    await writeTinyRecipe(dir);
  });

  it("that names nothing is recorded for the future; one that names everybody's text is refused", async () => {
    const { effects } = (await ask("optout", "add", "domain", "nowhere.example.org")) as Added;
    expect(effects[0]).toMatchObject({ documents: 0, firstStep: null });
    const { out } = await firn("optout", "add", "person", "Nobody Whosoever", "--store", store());
    expect(out).toContain("Nothing that was kept or dropped here is concerned.");
    expect(out).toContain("Only its hash is on record");
    expect(await refused("optout", "add", "domain", "co.uk")).toContain("LEDGER_REQUEST");
    expect(await refused("optout", "add", "text", "the")).toContain("LEDGER_REQUEST");
    expect(await refused("optout", "add", "url", "https://example.com")).toContain("LEDGER_REQUEST");
    expect(await refused("optout", "add", "hash", "abc")).toContain("LEDGER_REQUEST");
    expect(await refused("optout", "add", "doman", "example.com")).toContain(
      "Did you mean `firn optout add domain`?",
    );
  });

  it("is listed with its clock, and closed by a decision that the letter tells", async () => {
    const { id, folder } = (await ask(
      "optout",
      "add",
      "domain",
      "example.com",
      "--days",
      "10",
      "--contact",
      "somebody@example.com",
    )) as Added;
    const { requests } = (await ask("optout", "list", "--domain", "www.example.com")) as {
      requests: { id: string; clock: { state: string; days: number } }[];
    };
    expect(requests).toMatchObject([{ id, clock: { state: "open", days: 9 } }]);
    expect(await readFile(path.join(store(), "ledger/facts.jsonl"), "utf8")).not.toContain("somebody@");
    expect(await readFile(path.join(folder, "receipt.json"), "utf8")).toContain("somebody@example.com");
    await ask("optout", "decide", id, "refused", "--why", "It is not yours.");
    expect(await readFile(path.join(folder, "letter.md"), "utf8")).toContain(
      "It was refused. It is not yours.",
    );
    expect(await readFile(path.join(store(), "requests/requests.jsonl"), "utf8")).not.toContain(
      '"example.com"',
    );
  });
});

describe("firn release", () => {
  it("publishes signed copies that verify, never over each other, and tells of each in the feed", async () => {
    const key = path.join(dir, "provider.key");
    const out = (name: string): string => path.join(dir, name);
    await ask("release", (await artifact("release", "release")).dir, "--out", out("first"), "--key", key);
    expect(await refused("release", "--out", out("first"))).toContain("RELEASE_TARGET");
    await ask("release", (await artifact("release", "release")).dir, "--out", out("second"), "--key", key);
    expect(
      await ask("verify", out("second"), "--public-key", path.join(out("first"), "model.pub")),
    ).toMatchObject({
      signature: "named",
    });
    const feed = await readFile(path.join(out("second"), "legal/changes.atom"), "utf8");
    expect(feed.match(/<entry>/g)).toHaveLength(2);
    await appendFile(path.join(out("second"), "legal/Copyright_Policy.md"), " ");
    expect(await refused("verify", out("second"))).toMatch(
      /RELEASE_CHANGED[^]*Copyright_Policy\.md was changed/,
    );
  });
});

describe("firn verify", () => {
  it("passes the store as it was built, and names a changed file and a broken line of the ledger", async () => {
    expect(await ask("verify")).toMatchObject({ backwards: null });
    const ledger = path.join(store(), "ledger/facts.jsonl");
    const whole = await readFile(ledger, "utf8");
    const lines = whole.trimEnd().split("\n");
    const broken: readonly (readonly [number, string[]])[] = [
      [5, lines.filter((_, index) => index !== 4)],
      [7, [...lines.slice(0, 6), lines[7]!, lines[6]!, ...lines.slice(8)]],
      [3, lines.map((line, index) => (index === 2 ? line.replace(/"attempt":\d/, '"attempt":9') : line))],
    ];
    for (const [line, text] of broken) {
      await writeFile(ledger, `${text.join("\n")}\n`);
      expect(await refused("verify")).toMatch(new RegExp(`LEDGER_BROKEN[^]*line ${line} `));
    }
    await writeFile(ledger, whole);
    const { seq, hash } = JSON.parse(lines.at(-1)!) as { seq: number; hash: string };
    const late = {
      seq: seq + 1,
      time: "2999-01-01T00:00:00.000Z",
      kind: "request",
      stage: "",
      fingerprint: "",
      attempt: 0,
      data: {},
      previous: hash,
    };
    await writeFile(ledger, `${whole}${canonicalJson({ ...late, hash: sha256(canonicalJson(late)) })}\n`);
    expect((await firn("verify", "--store", store())).out).toContain(
      "2999-01-01T00:00:00.000Z, which has not come yet",
    );
    // A ledger that ends too early still has a whole chain; the artifacts and whoever has a published copy know better.
    const done = lines.findLastIndex((line) => line.includes('"kind":"stage.done"'));
    const start = lines.findLastIndex((line, index) => index < done && line.includes('"kind":"stage.start"'));
    await writeFile(ledger, `${lines.slice(0, start).join("\n")}\n`);
    expect(await refused("verify")).toMatch(/LEDGER_INCOMPLETE[^]*lines at its end were taken away/);
    const published = await firn("verify", path.join(dir, "first"), "--store", store());
    expect(published.out).toMatch(
      /does not hold: it is another store's, or lines at its end were taken away/,
    );
    await writeFile(ledger, whole);
    expect((await firn("verify", path.join(dir, "first"), "--store", store())).out).toMatch(
      /which the ledger in .* holds/,
    );
    const tokenizer = (await artifact("tokenizer", "train-tokenizer")).dir;
    const manifest = path.join(tokenizer, "manifest.json");
    const written = await readFile(manifest, "utf8");
    await writeFile(manifest, written.replace('"summary"', ' "summary"'));
    expect(await refused("verify")).toMatch(/ARTIFACT_EDITED[^]*manifest that the ledger recorded/);
    await writeFile(manifest, written);
    await appendFile(path.join(tokenizer, "tokenizer.json"), " ");
    expect(await refused("verify")).toMatch(/ARTIFACT_EDITED[^]*tokenizer\.json/);
  });
});
