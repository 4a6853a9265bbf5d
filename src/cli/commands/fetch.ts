/** @file `firn fetch`: files from elsewhere, and the lines by which a recipe pins them. */
import { stringify } from "yaml";
import { z } from "zod";
import { formatBytes, formatInteger } from "../../core/index.ts";
import { pinAddress, type PinnedAddress, remoteAccess } from "../../data/index.ts";
import type { CommandCall } from "../command.ts";
import { parseOptions } from "../options.ts";

const schema = z.object({ downloads: z.string().min(1).optional() });

/** `hf://owner/My_Texts@…` → `my-texts`. */
function idOf(address: string): string {
  const path = address.replace(/^[a-z0-9]+:\/\//, "").replace(/[?#@].*$/s, "");
  const last = path.split("/").findLast((part) => part !== "" && !/[*?]/.test(part)) ?? "";
  const id = last
    .replace(/\..*$/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return id === "" ? "texts" : id.slice(0, 63);
}

/** SPDX names of what cards on the Hub say in their own spelling; what SPDX does not know is left to the reader. */
const SPDX: Readonly<Record<string, string>> = {
  "apache-2.0": "Apache-2.0",
  mit: "MIT",
  "odc-by": "ODC-By-1.0",
  "cc0-1.0": "CC0-1.0",
  "cc-by-4.0": "CC-BY-4.0",
  "cc-by-sa-3.0": "CC-BY-SA-3.0",
  "cc-by-sa-4.0": "CC-BY-SA-4.0",
  "cc-by-nc-4.0": "CC-BY-NC-4.0",
  "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
  "gpl-3.0": "GPL-3.0-only",
};

/** A source as a recipe has it; what only people know is left for them to write. */
function stanza({ address, reader, licence, files, needsChecksums }: PinnedAddress): string {
  const known = Object.hasOwn(SPDX, licence ?? "") ? SPDX[licence ?? ""] : undefined;
  const source = {
    id: idOf(address),
    reader: { type: reader, path: address },
    licence: known ?? "LicenseRef-…",
    category: "public-dataset",
    ...(needsChecksums
      ? { checksums: Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256])) }
      : {}),
  };
  const said = licence === null ? "nobody has said it: look it up" : `its card says "${licence}"`;
  return stringify([source], { lineWidth: 0 }).replace(/^( *licence: .*)$/m, `$1 # ${said}`);
}

export async function run(call: CommandCall): Promise<void> {
  const { downloads } = parseOptions(schema, call);
  const from = remoteAccess(process.env, call.signal);
  const access = downloads === undefined ? from : { ...from, downloadsDir: downloads };
  const work = { report: call.report, signal: call.signal, fact: () => undefined, workers: 1, threads: 1 };
  const pinned: PinnedAddress[] = [];
  for (const address of call.arguments) {
    if (address !== undefined) pinned.push(await pinAddress(address, access, work));
  }
  if (call.json) {
    const plain = pinned.map(({ files, ...rest }) => ({
      ...rest,
      files: files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
    }));
    call.printJson({ downloads: access.downloadsDir, sources: plain });
    return;
  }
  for (const one of pinned) {
    const bytes = one.files.reduce((sum, file) => sum + file.bytes, 0);
    call.terminal.print(
      `${formatInteger(one.files.length)} files, ${formatBytes(bytes)}. For the recipe, under sources:\n`,
    );
    call.terminal.print(stanza(one));
  }
}
