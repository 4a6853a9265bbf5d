/** @file Which files a reader takes out of a folder, a repository or a bucket, by the ending of their names. */

const PACKED = ["", ".gz", ".zst"];

/** Lower-case endings by reader. */
export const ENDINGS: Readonly<Record<"parquet" | "jsonl" | "warc" | "folder", readonly string[]>> = {
  parquet: [".parquet"],
  jsonl: [".jsonl", ".ndjson"].flatMap((ending) => PACKED.map((packed) => ending + packed)),
  warc: [".warc", ".warc.gz", ".wet", ".wet.gz"],
  folder: [".txt", ".md", ".html", ".htm"],
};

/** Whether a name ends in one of `endings`, whatever the case of its letters. */
export function endsWithAny(endings: readonly string[]): (name: string) => boolean {
  return (name) => endings.some((ending) => name.toLowerCase().endsWith(ending));
}
