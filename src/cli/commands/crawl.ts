/** @file `firn crawl`: pages of a site into a web archive. */
import { z } from "zod";
import { formatBytes, formatInteger } from "../../core/index.ts";
import { crawlSites } from "../../data/index.ts";
import type { CommandCall } from "../command.ts";
import { ledgerWork } from "../ledger-work.ts";
import { integerOption, numberOption, parseOptions, storeOption } from "../options.ts";
import { packageVersion } from "../version.ts";

const schema = z.object({
  store: storeOption,
  to: z.string().min(1).default("crawl.warc.gz"),
  maxPages: integerOption(1, 10_000_000).default(1000),
  delay: numberOption(0, 3600).default(1),
  agent: z.string().min(1).max(300).default(`firn/${packageVersion()}`),
});

const MAX_PAGE_BYTES = 10_000_000;
const TIMEOUT_MS = 30_000;

export async function run(call: CommandCall): Promise<void> {
  const { store, to, maxPages, delay, agent } = parseOptions(schema, call);
  const work = ledgerWork(store, call);
  const options = {
    agent: "firn",
    userAgent: agent,
    maxPages,
    maxPageBytes: MAX_PAGE_BYTES,
    delayMs: delay * 1000,
    timeoutMs: TIMEOUT_MS,
    now: () => new Date(),
  };
  const starts = call.arguments.filter((url) => url !== undefined);
  const summary = await crawlSites(starts, to, options, work);
  if (call.json) call.printJson({ path: to, ...summary });
  else {
    call.terminal.print(
      `${to}: ${formatInteger(summary.pages)} pages, ${formatBytes(summary.bytes)}; ` +
        `${formatInteger(summary.barred)} kept from by robots.txt, ${formatInteger(summary.failed)} without answer`,
    );
  }
}
