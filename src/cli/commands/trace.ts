/** @file `firn trace`: from a training step to its documents; from documents, texts, sites and licences to the steps. */
import { z } from "zod";
import { type Artifact, openStore, type Store } from "../../artifacts/index.ts";
import {
  FirnError,
  formatBytes,
  formatInteger,
  formatTable,
  type Json,
  nearestName,
} from "../../core/index.ts";
import {
  buildTraceIndex,
  type DocumentTrace,
  type GroupTrace,
  indexBytes,
  openRunTrace,
  type RunTables,
  type RunTrace,
} from "../../ledger/index.ts";
import { loadTokenizer } from "../../tokenizer/index.ts";
import type { CommandCall } from "../command.ts";
import { findArtifacts, inputOf, newestOfStage } from "../find-artifact.ts";
import { type DocumentPlaces, type PassagePlace, passagePlaces } from "../passage-places.ts";
import { traceIndexDir } from "../release-run.ts";
import { openRun } from "../run-tables.ts";
import { parseOptions, storeOption } from "../options.ts";

const SUBJECTS = ["step", "document", "text", "domain", "url", "licence"] as const;
type Subject = (typeof SUBJECTS)[number];

const schema = z.object({ store: storeOption, weights: z.string().min(1).optional() });

async function pretrainedWeights(store: Store, name: string | undefined): Promise<Artifact> {
  if (name === undefined)
    return newestOfStage(store, "pretrain", "Build a recipe first: `npx firn build nano`.");
  const found = (await findArtifacts(store, name)).filter(({ manifest }) => manifest.stage === "pretrain");
  if (found.length === 1) return found[0]!;
  throw new FirnError("CLI_NO_ARTIFACT", {
    expected: "one artifact of pretrained weights",
    got: `${found.length} called ${name}`,
    where: store.dir,
    next: "`firn show weights` lists them with their fingerprints.",
  });
}

function readSubject(word: string): Subject {
  const subject = SUBJECTS.find((name) => name === word);
  if (subject !== undefined) return subject;
  const near = nearestName(word, SUBJECTS);
  throw new FirnError("CLI_USAGE", {
    expected: `one of ${SUBJECTS.join(", ")}, index`,
    got: word,
    next: near === undefined ? "Run `firn trace --help`." : `Did you mean \`firn trace ${near}\`?`,
  });
}

function readStep(word: string): number {
  if (/^\d{1,9}$/.test(word)) return Number(word);
  throw new FirnError("CLI_USAGE", {
    expected: "the number of a training step",
    got: word,
    next: "Steps are counted from 1, e.g. `firn trace step 17`.",
  });
}

const orDash = (value: string | null): string => value ?? "–";
/** Finds a passage among the tokens of documents. */
type FindPlaces = (
  text: string,
  documents: readonly DocumentTrace[],
) => Promise<ReadonlyMap<string, DocumentPlaces>>;

const quote = (text: string): string => text.replaceAll(/\s+/g, " ");

/** Steps as ranges are rare; the first dozen and a count say enough. */
function listSteps(steps: readonly number[]): string {
  const unique = [...new Set(steps)];
  const shown = unique.slice(0, 12).join(", ");
  return unique.length > 12 ? `${shown} and ${formatInteger(unique.length - 12)} more` : shown;
}

async function answerStep(line: RunTrace, word: string): Promise<{ text: string; json: Json }> {
  const traced = await line.step(readStep(word));
  const rows = traced.documents.map(({ row, document, start, length, source, language, licence }) => [
    String(row),
    document,
    formatInteger(start),
    formatInteger(length),
    orDash(source),
    orDash(language),
    orDash(licence),
  ]);
  const header = ["row", "document", "from token", "tokens", "source", "language", "licence"];
  return {
    text: `Training step ${traced.step}: ${formatInteger(rows.length)} pieces of documents\n${formatTable(header, rows)}`,
    json: { step: traced.step, documents: traced.documents.map((document) => ({ ...document })) },
  };
}

async function answerDocument(line: RunTrace, id: string): Promise<{ text: string; json: Json }> {
  const { document, reject, exposures } = await line.document(id);
  const steps = exposures.map(({ step }) => step);
  const tokens = exposures.reduce((sum, { length }) => sum + length, 0);
  const lines = [id];
  if (document !== undefined) {
    lines.push(
      `  kept for ${document.split === "train" ? "training" : "evaluation only (held out)"}: ${formatBytes(document.bytes)}, ` +
        `source ${orDash(document.source)}, language ${orDash(document.language)}, licence ${orDash(document.licence)}`,
    );
    lines.push(
      exposures.length === 0
        ? "  no training step saw it"
        : `  seen ${formatInteger(exposures.length)} times (${formatInteger(tokens)} tokens) in steps ${listSteps(steps)}`,
    );
  }
  if (reject !== undefined) lines.push(`  dropped by step ${reject.step}: ${reject.reason}`);
  return {
    text: lines.join("\n"),
    json: {
      id,
      document: document === undefined ? null : { ...document },
      reject: reject === undefined ? null : { ...reject },
      exposures: exposures.map((exposure) => ({ ...exposure })),
    },
  };
}

/** `tokens 12–15 of 90, read in steps 3, 8`. */
function placeText({ from, to, steps }: PassagePlace, tokens: number): string {
  const read = steps.length === 0 ? "read in no step" : `read in steps ${listSteps(steps)}`;
  return `tokens ${formatInteger(from)}–${formatInteger(to - 1)} of ${formatInteger(tokens)}, ${read}`;
}

async function answerText(
  line: RunTrace,
  text: string,
  places: FindPlaces,
): Promise<{ text: string; json: Json }> {
  const found = await line.text(text);
  const traced: DocumentTrace[] = [];
  for (const { id } of found.documents) traced.push(await line.document(id));
  const placed = await places(text, traced);
  const lines = [`"${text}" stands in ${formatInteger(found.keptCount)} documents that were kept`];
  for (const { id, split, excerpt } of found.documents) {
    lines.push(`  ${id} (${split})`, `    … ${quote(excerpt)} …`);
    const { tokens = 0, places: ranges = [] } = placed.get(id) ?? {};
    for (const range of ranges) lines.push(`    ${placeText(range, tokens)}`);
  }
  if (found.keptCount > found.documents.length)
    lines.push(`  and ${formatInteger(found.keptCount - found.documents.length)} more`);
  lines.push(`and in ${formatInteger(found.rejectedCount)} that were dropped`);
  for (const { id, step, reason } of found.rejects) lines.push(`  ${id} (${step}: ${reason})`);
  return {
    text: lines.join("\n"),
    json: {
      text,
      kept: found.keptCount,
      dropped: found.rejectedCount,
      documents: found.documents.map((document) => {
        const { tokens = null, places: ranges = [] } = placed.get(document.id) ?? {};
        return { ...document, tokens, places: ranges.map((range) => ({ ...range })) };
      }),
      rejects: found.rejects.map((reject) => ({ ...reject })),
    },
  };
}

/** What became of a group of documents, under its name. */
function answerGroup(
  kind: "domain" | "url" | "licence",
  name: string,
  { kept, dropped, seen }: GroupTrace,
): { text: string; json: Json } {
  const lines = [name];
  for (const group of kept) {
    lines.push(
      `  kept (${group.split}): ${formatInteger(group.documents)} documents, ${formatBytes(group.bytes)}, source ${orDash(group.source)}, licence ${orDash(group.licence)}`,
    );
  }
  for (const group of dropped) {
    lines.push(`  dropped by ${group.step} (${group.reason}): ${formatInteger(group.documents)} documents`);
  }
  if (seen !== undefined)
    lines.push(
      `  training saw ${formatInteger(seen.tokens)} tokens of it in ${formatInteger(seen.steps)} steps`,
    );
  if (kept.length === 0 && dropped.length === 0) lines.push("  no document comes from there");
  return {
    text: lines.join("\n"),
    json: {
      [kind]: name,
      kept: kept.map((group) => ({ ...group })),
      dropped: dropped.map((group) => ({ ...group })),
      seen: seen === undefined ? null : { ...seen },
    },
  };
}

async function answerDomain(line: RunTrace, name: string): Promise<{ text: string; json: Json }> {
  const traced = await line.domain(name);
  return answerGroup("domain", traced.domain, traced);
}

async function answerUrl(line: RunTrace, url: string): Promise<{ text: string; json: Json }> {
  return answerGroup("url", url, await line.url(url));
}

async function answerLicence(line: RunTrace, licence: string): Promise<{ text: string; json: Json }> {
  return answerGroup("licence", licence, await line.licence(licence));
}

/** Builds the index that the other questions then use. */
async function buildIndex(call: CommandCall, tables: RunTables, dir: string): Promise<void> {
  const index = await buildTraceIndex(tables, dir, call);
  const bytes = await indexBytes(dir);
  if (call.json) {
    call.printJson({ dir, documents: index.documents, textBytes: index.textBytes, ...bytes });
    return;
  }
  call.terminal.print(
    `${formatInteger(index.documents)} documents, ${formatBytes(index.textBytes)} of text: index of ${formatBytes(bytes.tables + bytes.passages)} in ${dir}`,
  );
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const words = call.arguments.slice(1).join(" ");
  const store = openStore(options.store);
  const weights = await pretrainedWeights(store, options.weights);
  const tables = await openRun(store, weights);
  const indexDir = traceIndexDir(store, weights);
  if (call.arguments[0] === "index") return buildIndex(call, tables, indexDir);
  const subject = readSubject(call.arguments[0]!);
  if (words === "") {
    throw new FirnError("CLI_USAGE", {
      expected: `a ${subject} to look for`,
      got: "nothing",
      next: "`firn trace --help` shows examples.",
    });
  }
  const line = await openRunTrace(tables, indexDir);
  const places: FindPlaces = async (passage, documents) => {
    const { tokenizer } = await loadTokenizer(
      (await inputOf(store, await inputOf(store, weights, "tokens"), "tokenizer")).dir,
    );
    return passagePlaces(passage, documents, tables.tokensParquet, tokenizer);
  };
  const answers: Record<
    Subject,
    (line: RunTrace, words: string, places: FindPlaces) => Promise<{ text: string; json: Json }>
  > = {
    step: answerStep,
    document: answerDocument,
    text: answerText,
    domain: answerDomain,
    url: answerUrl,
    licence: answerLicence,
  };
  const { text, json } = await answers[subject](line, words, places);
  if (call.json) call.printJson(json);
  else call.terminal.print(text);
}
