/** @file `firn release`: a release out of the store, into a folder that can be published, signed, and with its portal. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { type Artifact, openStore, weightsFiles } from "../../artifacts/index.ts";
import { FirnError, formatBytes, formatInteger, type Json } from "../../core/index.ts";
import { Ledger } from "../../ledger/index.ts";
import {
  changesFeed,
  gradeRelease,
  type Publication,
  publishRelease,
  recreateSummary,
  renderRecreation,
  renderGrade,
} from "../../release/index.ts";
import type { CommandCall } from "../command.ts";
import { findArtifacts, newestOfStage } from "../find-artifact.ts";
import { parseOptions, storeOption } from "../options.ts";
import { readOrMakeKey } from "../signing-key.ts";
import { siteFiles } from "../site-files.ts";

const schema = z.object({
  store: storeOption,
  out: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  manifest: z.string().min(1).optional(),
  site: z.boolean().default(false),
});

const summarySchema = z.object({ name: z.string(), version: z.string() });

async function find(call: CommandCall, storeDir: string): Promise<Artifact> {
  const store = openStore(storeDir);
  const [name] = call.arguments;
  if (name === undefined)
    return newestOfStage(store, "release", "Build a recipe first: `npx firn build nano`.");
  const found = (await findArtifacts(store, name)).filter(({ kind }) => kind === "release");
  if (found.length === 1) return found[0]!;
  throw new FirnError("CLI_NO_ARTIFACT", {
    expected: "one artifact of kind release",
    got: `${found.length} called ${name}`,
    where: store.dir,
    next: "`firn show release` lists them with their fingerprints.",
  });
}

/** Bytes of the safetensors files. */
async function weightsSize(dir: string): Promise<number> {
  const files = await weightsFiles(dir);
  const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(dir, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Papers are to be looked at again after six months (notice to the template, point 29). */
const MONTHS_BETWEEN_UPDATES = 6;

const publishedSchema = z.object({ name: z.string(), version: z.string(), checksums: z.string() });

/** Every publication under this name, oldest first, with the release it was of. */
async function publications(
  ledger: Ledger,
  name: string,
): Promise<(Publication & { readonly fingerprint: string })[]> {
  const found: (Publication & { readonly fingerprint: string })[] = [];
  for await (const { kind, data, fingerprint, time } of ledger.facts()) {
    const said = kind === "publish" ? publishedSchema.safeParse(data).data : undefined;
    if (said?.name === name) found.push({ ...said, time, fingerprint });
  }
  return found;
}

/** What the ledger says about earlier publications under this name: other papers, or papers that have grown old. */
async function publishedBefore(ledger: Ledger, artifact: Artifact): Promise<string[]> {
  const last = (await publications(ledger, summarySchema.parse(artifact.manifest.summary).name)).at(-1);
  if (last === undefined) return ["\nNot published from this store yet."];
  const due = new Date(last.time);
  due.setUTCMonth(due.getUTCMonth() + MONTHS_BETWEEN_UPDATES);
  return [
    `\nPublished last on ${last.time.slice(0, 10)}; its papers are due for another look on ${due.toISOString().slice(0, 10)}${due < new Date() ? ", which has passed" : ""}.`,
    ...(last.fingerprint === artifact.manifest.fingerprint
      ? []
      : ["The papers have changed since: publish them again, as a new version."]),
  ];
}

const portalSchema = z.object({
  provider: z.object({ name: z.string(), website: z.string().nullable() }).nullable(),
});

/** The feed of all publications, with the one that is being made. */
async function feedWith(ledger: Ledger, artifact: Artifact): Promise<string> {
  const { name, version, checksums } = publishedSchema.parse(artifact.manifest.summary);
  const portal = portalSchema.parse(
    JSON.parse(await readFile(path.join(artifact.dir, "legal", "portal.json"), "utf8")),
  );
  const now = { name, version, checksums, time: new Date().toISOString() };
  const before = await publications(ledger, name);
  return changesFeed([...before, now], portal.provider?.name, portal.provider?.website ?? undefined);
}

const paperSchema = z.object({
  file: z.string(),
  title: z.string(),
  template: z.object({ id: z.string(), sha256: z.string() }).optional(),
});

/** What was published of the papers, for the ledger: each with its checksum and form, and the facts they rest on. */
async function publishedPapers({
  dir,
  manifest,
}: Artifact): Promise<{ papers: Json; facts: string; url: string | null }> {
  const sums = new Map(manifest.files.map(({ path: name, sha256 }) => [name, sha256]));
  const names = [...sums.keys()].filter((name) => /^legal\/[^/]+\.json$/.test(name));
  const papers: Json[] = [];
  for (const name of names) {
    const paper = paperSchema.safeParse(JSON.parse(await readFile(path.join(dir, name), "utf8"))).data;
    if (paper !== undefined)
      papers.push({ title: paper.title, sha256: sums.get(name)!, template: paper.template ?? null });
  }
  const { provider } = portalSchema.parse(
    JSON.parse(await readFile(path.join(dir, "legal", "portal.json"), "utf8")),
  );
  return { papers, facts: sums.get("legal/facts.jsonl") ?? "", url: provider?.website ?? null };
}

/** Prints what a manifest of published facts gives, beside what was published. */
async function compare(call: CommandCall, file: string): Promise<void> {
  const recreated = recreateSummary(await readFile(file, "utf8"), file);
  if (call.json) call.printJson({ comparisons: [...recreated.comparisons] });
  else call.terminal.print(renderRecreation(recreated));
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  if (options.manifest !== undefined) return compare(call, options.manifest);
  const artifact = await find(call, options.store);
  await openStore(options.store).verify(artifact, { deep: true });
  const { name, version } = summarySchema.parse(artifact.manifest.summary);
  const grade = await gradeRelease(artifact.dir);
  const ledger = Ledger.open(options.store, call.report);
  if (options.out === undefined) {
    if (call.json) call.printJson({ release: artifact.dir, name, version, grade });
    else {
      const bytes = await weightsSize(artifact.dir);
      call.terminal.print(`${name} ${version}: ${artifact.dir} (weights ${formatBytes(bytes)})\n`);
      call.terminal.print(renderGrade(grade));
      for (const line of await publishedBefore(ledger, artifact)) call.terminal.print(line);
      call.terminal.print("\nPublish it: npx firn release --out <folder> --key <file>");
    }
    return;
  }
  const work = {
    report: call.report,
    signal: call.signal,
    fact: () => undefined,
    workers: 1,
    threads: 1,
  };
  const published = await publishRelease(
    {
      releaseDir: artifact.dir,
      dir: path.resolve(options.out),
      name,
      feed: await feedWith(ledger, artifact),
      ledger: { facts: ledger.length, head: ledger.head },
      ...(options.site
        ? {
            extra: await siteFiles(
              `${name} ${version}: what it is made of`,
              `Training data, refusals and legal papers of the language model ${name} ${version}, with the Public Summary of Training Content.`,
            ),
          }
        : {}),
      ...(options.key === undefined ? {} : { signingKey: await readOrMakeKey(options.key, call.report) }),
    },
    work,
  );
  const fact = ledger.append({
    kind: "publish",
    stage: "",
    fingerprint: artifact.manifest.fingerprint,
    attempt: 0,
    data: { name, version, ...published, ...(await publishedPapers(artifact)) },
  });
  if (call.json) call.printJson({ out: path.resolve(options.out), ...published, fact: fact.hash });
  else {
    call.terminal.print(
      `${name} ${version}: ${formatInteger(published.files)} files, ${formatBytes(published.bytes)} in ${options.out}${published.signed ? ", signed" : ", not signed (--key signs it)"}`,
    );
    call.terminal.print(`Check it anywhere: npx firn verify ${options.out}`);
  }
}
