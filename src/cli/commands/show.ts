/** @file `firn show`: what the store holds, and what is inside one artifact. Checks the files against their hashes. */
import path from "node:path";
import { z } from "zod";
import {
  type Artifact,
  openStore,
  openTokens,
  readConversations,
  readDocuments,
  readEvaluations,
  reportDocuments,
  summariseEvaluation,
  TensorFolder,
} from "../../artifacts/index.ts";
import { FirnError, formatBytes, formatInteger, formatTable, type Json } from "../../core/index.ts";
import { renderEvaluation } from "../../evaluate/index.ts";
import { verifyLedger } from "../../ledger/index.ts";
import { loadTokenizer } from "../../tokenizer/index.ts";
import type { CommandCall } from "../command.ts";
import { documentsReportLines } from "../documents-report.ts";
import { findArtifacts } from "../find-artifact.ts";
import { integerOption, parseOptions, storeOption } from "../options.ts";
import { reportTokenizers, type TokenizerReport, tokenizerReportLines } from "../tokenizer-report.ts";

const schema = z.object({
  store: storeOption,
  limit: integerOption(1, 1000).default(3),
  seed: integerOption(0, 2 ** 31).default(0),
  nextTo: z.string().min(1).optional(),
});

const totalBytes = ({ manifest }: Artifact): number =>
  manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
const oneLine = (text: string, characters: number): string => {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > characters ? `${line.slice(0, characters - 1)}…` : line;
};

function listing(artifacts: readonly Artifact[]): string {
  const rows = artifacts.map((artifact) => [
    artifact.kind,
    path.basename(artifact.dir),
    String(artifact.manifest.files.length),
    formatBytes(totalBytes(artifact)),
  ]);
  return formatTable(["kind", "artifact", "files", "size"], rows);
}

async function firstOf<T>(batches: AsyncIterable<readonly T[]>, limit: number): Promise<T[]> {
  const items: T[] = [];
  for await (const batch of batches) {
    items.push(...batch.slice(0, limit - items.length));
    if (items.length >= limit) break;
  }
  return items;
}

/** The first few things inside, in the words of its kind. */
async function peek({ kind, dir }: Artifact, limit: number): Promise<string[]> {
  switch (kind) {
    case "source": {
      const documents = await firstOf(readDocuments(dir, "raw"), limit);
      return documents.map(({ id, language, text }) => `${id} [${language ?? "–"}] ${oneLine(text, 100)}`);
    }
    case "tokenizer": {
      const { tokenizer } = await loadTokenizer(dir);
      const ids = tokenizer.encode("Die Sonne scheint hell am Himmel.");
      return [`${ids.map((id) => tokenizer.tokenText(id)).join("│")} (${ids.length} tokens)`];
    }
    case "tokens": {
      const tokens = await openTokens(dir, "train");
      const documents = (await tokens.documents()).slice(0, limit);
      return documents.map(({ id, offset, length }) => {
        const ids = [...tokens.ids.subarray(offset, offset + Math.min(length, 12))];
        return `${id}: ${formatInteger(length)} tokens: ${ids.join(" ")}${length > 12 ? " …" : ""}`;
      });
    }
    case "conversations": {
      const conversations = (await readConversations(dir, "train")).slice(0, limit);
      return conversations.map(({ messages }) =>
        messages.map(({ role, content }) => `${role}: ${content}`).join(" │ "),
      );
    }
    case "weights": {
      const file = await TensorFolder.open(dir);
      const tensors = [...file.tensors].map(
        ([name, { shape, dtype }]) => `${name} ${dtype} [${shape.join(", ")}]`,
      );
      await file.close();
      return [...tensors.slice(0, limit), `${tensors.length} tensors`];
    }
    case "documents":
    case "evaluations":
    case "release":
      return [];
  }
}

/** What an artifact is, and where. */
function heading({ manifest, dir }: Artifact): string[] {
  return [
    `${manifest.kind} ${path.basename(dir)} (stage ${manifest.stage}, version ${manifest.version}); files match their checksums`,
    `fingerprint ${manifest.fingerprint}`,
    dir,
  ];
}

async function details(artifact: Artifact, limit: number): Promise<string> {
  const { manifest } = artifact;
  const inputs = Object.entries(manifest.inputs).map(
    ([name, input]) => `  ${name}: ${input.kind}/${input.stage}-${input.fingerprint.slice(0, 12)}`,
  );
  const files = manifest.files
    .slice(0, 30)
    .map(({ path: file, bytes, sha256 }) => [file, formatBytes(bytes), sha256.slice(0, 16)]);
  const more = manifest.files.length - files.length;
  const inside = await peek(artifact, limit);
  return [
    ...heading(artifact),
    ...(inputs.length === 0 ? [] : ["", "made from", ...inputs]),
    "",
    "config",
    indent(manifest.config),
    "",
    "summary",
    indent(manifest.summary),
    "",
    formatTable(["file", "size", "sha256"], files),
    ...(more > 0 ? [`and ${formatInteger(more)} more`] : []),
    ...(inside.length === 0 ? [] : ["", "inside", ...inside.map((line) => `  ${line}`)]),
  ].join("\n");
}

/** JSON as people read it, long lists cut; the whole is in `manifest.json`. */
function indent(value: Json): string {
  const lines = JSON.stringify(value, null, 2).split("\n");
  const shown =
    lines.length > 40 ? [...lines.slice(0, 39), `… ${lines.length - 39} more lines in manifest.json`] : lines;
  return shown.map((line) => `  ${line}`).join("\n");
}

/** The folder's name says more than "tokenizer.json" does. */
function nameOf(place: string): string {
  const base = path.basename(place);
  return base === "tokenizer.json" ? path.basename(path.dirname(path.resolve(place))) : base;
}

/** The fairness of the tokenizer at `place`, next to that at `nextTo` if one is named. */
async function tokenizerReports(place: string, nextTo: string | undefined): Promise<TokenizerReport[]> {
  const places = nextTo === undefined ? [place] : [place, nextTo];
  const tokenizers = await Promise.all(
    places.map(async (one) => ({
      name: nameOf(one),
      tokenizer: (await loadTokenizer(one)).tokenizer,
    })),
  );
  return await reportTokenizers(tokenizers);
}

/** A tokenizer file from elsewhere, which is no artifact. */
async function showTokenizerFile(call: CommandCall, file: string, nextTo: string | undefined): Promise<void> {
  const reports = await tokenizerReports(file, nextTo);
  if (call.json) call.printJson(JSON.parse(JSON.stringify(reports)) as Json);
  else call.terminal.print(tokenizerReportLines(reports).join("\n"));
}

export async function run(call: CommandCall): Promise<void> {
  const { store: dir, limit, seed, nextTo } = parseOptions(schema, call);
  const store = openStore(dir);
  const name = call.arguments[0];
  if (name === "ledger") {
    const { facts, head } = await verifyLedger(store.dir);
    if (call.json) call.printJson({ facts, head });
    else call.terminal.print(`${formatInteger(facts)} facts, an unbroken chain; the last is ${head}`);
    return;
  }
  if (name?.endsWith(".json") === true) {
    await showTokenizerFile(call, name, nextTo);
    return;
  }
  const artifacts = await findArtifacts(store, name);
  if (artifacts.length === 0) {
    throw new FirnError("CLI_NO_ARTIFACT", {
      expected: "artifacts in the store",
      got: "none",
      where: store.dir,
      next: "Build a recipe first: `npx firn build nano`, or name another store with --store.",
    });
  }
  const one = artifacts.length === 1 ? artifacts[0] : undefined;
  if (one !== undefined) await store.verify(one, { deep: true });
  const documents =
    one?.kind === "documents" ? await reportDocuments(one.dir, { examples: limit, seed }) : undefined;
  if (call.json && one !== undefined && documents !== undefined) {
    const manifest = one.manifest as unknown as Json;
    call.printJson([{ dir: one.dir, manifest, report: JSON.parse(JSON.stringify(documents)) as Json }]);
    return;
  }
  if (one !== undefined && documents !== undefined) {
    call.terminal.print([...heading(one), "", ...documentsReportLines(one, documents)].join("\n"));
    return;
  }
  if (one?.kind === "evaluations" && !call.json) {
    // From the records, so that those of an older Firn can be read, too.
    const summary = summariseEvaluation(await readEvaluations(one.dir));
    call.terminal.print([...heading(one), "", renderEvaluation(summary)].join("\n"));
    return;
  }
  if (one?.kind === "tokenizer") {
    const reports = await tokenizerReports(one.dir, nextTo);
    const report = JSON.parse(JSON.stringify(reports)) as Json;
    if (call.json) call.printJson([{ dir: one.dir, manifest: one.manifest as unknown as Json, report }]);
    else call.terminal.print([await details(one, limit), "", ...tokenizerReportLines(reports)].join("\n"));
    return;
  }
  if (call.json) {
    call.printJson(
      artifacts.map((artifact) => ({ dir: artifact.dir, manifest: artifact.manifest as unknown as Json })),
    );
    return;
  }
  call.terminal.print(one === undefined ? listing(artifacts) : await details(one, limit));
}
