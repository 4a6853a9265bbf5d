/**
 * @file What sites said about crawling and training on one day: a snapshot file, one JSON line per host, written by
 * `firn optout fetch` and kept as evidence with every set of documents that it decided about. It is read by host, so
 * memory holds one number per host and the files of the hosts last asked for.
 */
import { createReadStream, openSync, readSync } from "node:fs";
import { z } from "zod";
import { assert, describeError, FirnError } from "../../core/index.ts";
import { RobotsFile } from "./robots.ts";
import { AiText, TdmReservations } from "./site-files.ts";

const MAX_TEXT = 520 * 1024;

const fetched = z.union([
  z.strictObject({ status: z.int().min(100).max(599), text: z.string().max(MAX_TEXT).nullable() }),
  z.strictObject({ error: z.string().max(500) }),
]);

export const siteRecordSchema = z.strictObject({
  /** Lower-case host, with its port where it is not the usual one. */
  host: z.string().min(1).max(300),
  /** When it was fetched, ISO 8601. */
  date: z.iso.datetime(),
  robots: fetched,
  aiText: fetched.optional(),
  tdmrep: fetched.optional(),
});

/** One line of a snapshot: what a host answered. */
export type SiteRecord = z.infer<typeof siteRecordSchema>;

/** The files of a host, read. */
export interface Site {
  readonly date: string;
  /** `undefined` when the host has none, or answered with something else. */
  readonly robots: RobotsFile | undefined;
  readonly aiText: AiText | undefined;
  readonly tdm: TdmReservations | undefined;
  /** True when robots.txt could not be had for a reason on the server's side (no answer, 5xx). */
  readonly unreachable: boolean;
}

function textOf(file: SiteRecord["robots"] | undefined): string | undefined {
  return file !== undefined && "status" in file && file.status >= 200 && file.status < 300
    ? (file.text ?? undefined)
    : undefined;
}

function openSite(record: SiteRecord): Site {
  const robots = textOf(record.robots);
  const aiText = textOf(record.aiText);
  const tdm = textOf(record.tdmrep);
  return {
    date: record.date,
    robots: robots === undefined ? undefined : new RobotsFile(robots),
    aiText: aiText === undefined ? undefined : new AiText(aiText),
    tdm: tdm === undefined ? undefined : new TdmReservations(tdm),
    unreachable: "error" in record.robots || record.robots.status >= 500,
  };
}

/** Hosts whose files are kept parsed (the original keeps as many). */
const CACHED_SITES = 8192;

/** Longest line: three files at their limit, every character escaped. */
const MAX_LINE_BYTES = 3 * 6 * MAX_TEXT;

function broken(path: string, line: number, got: string): FirnError {
  return new FirnError("DATA_OPTOUT_SNAPSHOT", {
    expected: "one JSON record per host, as `firn optout fetch` writes them",
    got,
    where: `${path}:${line}`,
    next: "Remove the line, or fetch the snapshot again: `firn optout fetch`.",
  });
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

/** The lines of a file with the place of each. */
async function* readLines(
  path: string,
): AsyncGenerator<Place & { text: string; line: number }, void, undefined> {
  let parts: Buffer[] = [];
  let offset = 0;
  let length = 0;
  let line = 0;
  const cut = (): Place & { text: string; line: number } => {
    line += 1;
    const found = { offset, length, line, text: Buffer.concat(parts).toString() };
    offset += length + 1;
    length = 0;
    parts = [];
    return found;
  };
  const keep = (part: Buffer): void => {
    length += part.length;
    if (length > MAX_LINE_BYTES) throw broken(path, line + 1, `a line of more than ${MAX_LINE_BYTES} bytes`);
    parts.push(part);
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
    const bytes = chunk as Buffer;
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      keep(bytes.subarray(from, end));
      yield cut();
      from = end + 1;
    }
    keep(bytes.subarray(from));
  }
  if (length > 0) yield cut();
}

function parseRecord(text: string): SiteRecord | string {
  try {
    const parsed = siteRecordSchema.safeParse(JSON.parse(text));
    return parsed.success
      ? parsed.data
      : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)[0]!;
  } catch (error) {
    return describeError(error);
  }
}

/** All records of a snapshot file in their order; throws like `Snapshot.open`. */
export async function* readSnapshot(
  path: string,
): AsyncGenerator<Place & { record: SiteRecord }, void, undefined> {
  for await (const { text, line, offset, length } of readLines(path)) {
    if (text.trim() === "") continue;
    const record = parseRecord(text);
    if (typeof record === "string") throw broken(path, line, record);
    yield { record, offset, length };
  }
}

/** A snapshot, ready to be asked. */
export class Snapshot {
  /** Dates of the oldest and newest line; `null` for an empty file. */
  readonly period: { readonly from: string; readonly to: string } | null;
  readonly #file: number;
  readonly #places: ReadonlyMap<string, Place>;
  readonly #sites = new Map<string, Site>();

  private constructor(file: number, places: ReadonlyMap<string, Place>, period: Snapshot["period"]) {
    this.#file = file;
    this.#places = places;
    this.period = period;
  }

  get hosts(): number {
    return this.#places.size;
  }

  /**
   * Reads the whole file once and remembers where each host lies. Of two lines for one host the later counts. The file
   * stays open for the life of the process.
   *
   * @throws FirnError `DATA_OPTOUT_SNAPSHOT` naming the first line that is not a site's record
   */
  static async open(path: string): Promise<Snapshot> {
    const places = new Map<string, Place>();
    let from: string | undefined;
    let to: string | undefined;
    for await (const { record, offset, length } of readSnapshot(path)) {
      places.set(record.host, { offset, length });
      from = from === undefined || record.date < from ? record.date : from;
      to = to === undefined || record.date > to ? record.date : to;
    }
    const period = from === undefined || to === undefined ? null : { from, to };
    return new Snapshot(openSync(path, "r"), places, period);
  }

  /** What `host` said; `undefined` when the snapshot does not know it. */
  site(host: string): Site | undefined {
    const known = this.#sites.get(host);
    if (known !== undefined) return known;
    const place = this.#places.get(host);
    if (place === undefined) return undefined;
    const bytes = Buffer.alloc(place.length);
    const read = readSync(this.#file, bytes, 0, place.length, place.offset);
    const record = parseRecord(bytes.subarray(0, read).toString());
    assert(typeof record !== "string", "a snapshot does not change while it is read");
    const site = openSite(record);
    const oldest = this.#sites.keys().next();
    if (this.#sites.size >= CACHED_SITES && oldest.done !== true) this.#sites.delete(oldest.value);
    this.#sites.set(host, site);
    return site;
  }
}
