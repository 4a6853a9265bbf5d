/** @file `firn optout fetch`: asks the hosts of the store's web documents, or those of a list, what they say. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { openStore, readDocumentFacts } from "../../artifacts/index.ts";
import { FirnError, formatBytes, formatInteger, formatTable } from "../../core/index.ts";
import { fetchSnapshot, rankHosts } from "../../data/index.ts";
import type { CommandCall } from "../command.ts";
import { ledgerWork } from "../ledger-work.ts";
import { integerOption, parseOptions, storeOption } from "../options.ts";
import { packageVersion } from "../version.ts";

const schema = z.object({
  store: storeOption,
  hosts: z.string().min(1).optional(),
  top: integerOption(1, 10_000_000).default(1000),
  parallel: integerOption(1, 256).default(16),
  agent: z
    .string()
    .min(1)
    .max(300)
    .default(`firn/${packageVersion()} (reads robots.txt, ai.txt and tdmrep.json once)`),
});

const TIMEOUT_MS = 20_000;

async function readHosts(path: string): Promise<string[]> {
  const lines = (await readFile(path, "utf8")).split(/\r?\n/).map((line) => line.trim().toLowerCase());
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/** The hosts of all web documents that the sources of the store hold. */
async function hostsOfStore(dir: string): Promise<{ host: string; bytes: number }[]> {
  const sources = (await openStore(dir).list()).filter(({ kind }) => kind === "source");
  return rankHosts(
    (async function* () {
      for (const source of sources) yield* readDocumentFacts(source.dir, "raw");
    })(),
  );
}

export async function runOptoutFetch(call: CommandCall): Promise<void> {
  const { store, hosts: list, top, parallel, agent } = parseOptions(schema, call);
  const path = call.arguments[1];
  if (path === undefined) {
    throw new FirnError("CLI_USAGE", {
      expected: "the file to write the snapshot to",
      got: "nothing",
      next: "For example `firn optout fetch ./optout-snapshot.jsonl`.",
    });
  }
  const ranked = list === undefined ? await hostsOfStore(store) : undefined;
  const hosts = (ranked?.map(({ host }) => host) ?? (await readHosts(list!))).slice(0, top);
  if (hosts.length === 0) {
    throw new FirnError("CLI_NO_ARTIFACT", {
      expected: "sources with web documents in the store, or hosts in a list",
      got: "none",
      where: list ?? store,
      next: "Build a recipe with web sources up to its documents first, or name hosts with --hosts.",
    });
  }
  if (ranked !== undefined) {
    const rows = ranked.slice(0, 10).map(({ host, bytes }) => [host, formatBytes(bytes)]);
    call.report.line(
      `${formatInteger(ranked.length)} hosts; most text from\n${formatTable(["host", "text"], rows)}`,
    );
  }
  const work = ledgerWork(store, call);
  const options = { userAgent: agent, timeoutMs: TIMEOUT_MS, parallel, now: () => new Date() };
  const summary = await fetchSnapshot(hosts, path, options, work);
  if (call.json) call.printJson({ path, ...summary });
  else {
    call.terminal.print(
      `${formatInteger(summary.answered)} hosts answered, ${formatInteger(summary.silent)} did not, ` +
        `${formatInteger(summary.known)} were known. Put \`documents: { optOut: { snapshot: ${path} } }\` into the recipe.`,
    );
  }
}
