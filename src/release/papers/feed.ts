/**
 * @file `changes.atom`: every publication of a model's papers as an Atom feed (RFC 4287), so that rights holders are told
 * of changes without asking (Code of Practice, copyright chapter, measure 1.3(4)).
 */
import { escapeHtml } from "./render-html.ts";

/** One publication, as the ledger recorded it. */
export interface Publication {
  readonly name: string;
  readonly version: string;
  /** ISO 8601. */
  readonly time: string;
  /** SHA-256 of the release's `SHA256SUMS`. */
  readonly checksums: string;
}

export const FEED_FILE = "changes.atom";

function entry({ name, version, time, checksums }: Publication, website: string | undefined): string {
  const link = website === undefined ? "" : `\n    <link href="${escapeHtml(website)}"/>`;
  return `  <entry>
    <id>urn:sha256:${checksums}</id>
    <title>${escapeHtml(`${name} ${version}: papers published`)}</title>
    <updated>${time}</updated>${link}
    <summary>${escapeHtml(`Public Summary of Training Content, copyright policy and the other papers of ${name} ${version}. SHA-256 of its list of checksums: ${checksums}.`)}</summary>
  </entry>`;
}

/** The feed, newest first; at least one publication. */
export function changesFeed(
  publications: readonly Publication[],
  author: string | undefined,
  website: string | undefined,
): string {
  const newest = [...publications].sort((a, b) => (a.time < b.time ? 1 : -1));
  const { name, time } = newest[0]!;
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <id>urn:firn:${escapeHtml(name)}:papers</id>
  <title>${escapeHtml(`Papers of ${name}`)}</title>
  <updated>${time}</updated>
  <author><name>${escapeHtml(author ?? "not recorded")}</name></author>
${newest.map((one) => entry(one, website)).join("\n")}
</feed>
`;
}
