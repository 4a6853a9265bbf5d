/** @file One measurement of `pages`: an archive to documents in this process; prints one JSON line. */
import { join } from "node:path";
import { silentReporter } from "../src/core/index.ts";
import {
  acquireSource,
  cleanConfigSchema,
  cleanDocuments,
  extractDocuments,
  resolveSource,
  sourceSpecSchema,
} from "../src/data/index.ts";

const [path, scratch] = process.argv.slice(2) as [string, string];
const work = {
  report: silentReporter,
  signal: new AbortController().signal,
  fact: () => undefined,
  workers: 1,
  threads: 1,
};
const spent = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const spec = sourceSpecSchema.parse({
  id: "pages",
  // One language declared for all: what is measured is extraction and filters, as the peer is without a language step.
  reader: { type: "warc", path },
  language: "eng",
  licence: "CC0-1.0",
  category: "crawled",
});
const start = spent();
const source = await resolveSource(spec, scratch);
const dir = join(scratch, "source");
await acquireSource(source, dir, work);
const { documents } = await extractDocuments(source, dir, work);
const extractSeconds = spent() - start;
const summary = await cleanDocuments(
  [dir],
  cleanConfigSchema.parse({ seed: 1 }),
  join(scratch, "documents"),
  work,
);
console.log(
  JSON.stringify({
    seconds: spent() - start,
    extracted: documents,
    kept: summary.train.documents + summary.heldout.documents,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    extractSeconds,
  }),
);
