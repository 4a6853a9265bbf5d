/** @file `firn trace`: from a training step to its documents, and from a document, a text or a domain to the steps. */
import path from "node:path";
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
import { traceDocument, traceDomain, traceStep, traceText } from "../../ledger/index.ts";
import type { CommandCall } from "../command.ts";
import { findArtifacts, inputOf, newestOfStage } from "../find-artifact.ts";
import { parseOptions, storeOption } from "../options.ts";

const SUBJECTS = ["step", "document", "text", "domain"] as const;
type Subject = (typeof SUBJECTS)[number];

const schema = z.object({ store: storeOption, weights: z.string().min(1).optional() });

/** Where the tables lie that a question is answered from. */
interface Line {
  readonly exposureParquet: string;
  readonly documentsGlob: string;
  readonly rejectsGlob: string;
}

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

/** The tables of the line that ends in `weights`; each artifact is checked against its checksums first. */
async function openLine(store: Store, weights: Artifact): Promise<Line> {
  const tokens = await inputOf(store, weights, "tokens");
  const documents = await inputOf(store, tokens, "documents");
  for (const artifact of [weights, documents]) await store.verify(artifact);
  const glob = (...parts: string[]): string => path.join(documents.dir, ...parts);
  return {
    exposureParquet: path.join(weights.dir, "exposure.parquet"),
    documentsGlob: glob("documents", "*.parquet"),
    rejectsGlob: glob("rejects", "*.parquet"),
  };
}

function readSubject(word: string): Subject {
  const subject = SUBJECTS.find((name) => name === word);
  if (subject !== undefined) return subject;
  const near = nearestName(word, SUBJECTS);
  throw new FirnError("CLI_USAGE", {
    expected: `one of ${SUBJECTS.join(", ")}`,
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
const quote = (text: string): string => text.replaceAll(/\s+/g, " ");

/** Steps as ranges are rare; the first dozen and a count say enough. */
function listSteps(steps: readonly number[]): string {
  const unique = [...new Set(steps)];
  const shown = unique.slice(0, 12).join(", ");
  return unique.length > 12 ? `${shown} and ${formatInteger(unique.length - 12)} more` : shown;
}

async function answerStep(line: Line, word: string): Promise<{ text: string; json: Json }> {
  const traced = await traceStep({ ...line, step: readStep(word) });
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

async function answerDocument(line: Line, id: string): Promise<{ text: string; json: Json }> {
  const { document, reject, exposures } = await traceDocument({ ...line, id });
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

async function answerText(line: Line, text: string): Promise<{ text: string; json: Json }> {
  const found = await traceText({ ...line, text });
  const lines = [`"${text}" stands in ${formatInteger(found.keptCount)} documents that were kept`];
  for (const { id, split, excerpt } of found.documents) {
    const { exposures } = await traceDocument({ ...line, id });
    const seen =
      exposures.length === 0 ? "seen by no step" : `steps ${listSteps(exposures.map(({ step }) => step))}`;
    lines.push(`  ${id} (${split}; ${seen})`, `    … ${quote(excerpt)} …`);
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
      documents: found.documents.map((document) => ({ ...document })),
      rejects: found.rejects.map((reject) => ({ ...reject })),
    },
  };
}

async function answerDomain(line: Line, name: string): Promise<{ text: string; json: Json }> {
  const { domain, kept, dropped, seen } = await traceDomain({ ...line, domain: name });
  const lines = [domain];
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
      domain,
      kept: kept.map((group) => ({ ...group })),
      dropped: dropped.map((group) => ({ ...group })),
      seen: seen === undefined ? null : { ...seen },
    },
  };
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const subject = readSubject(call.arguments[0]!);
  const words = call.arguments.slice(1).join(" ");
  const store = openStore(options.store);
  const line = await openLine(store, await pretrainedWeights(store, options.weights));
  const answers: Record<Subject, (line: Line, words: string) => Promise<{ text: string; json: Json }>> = {
    step: answerStep,
    document: answerDocument,
    text: answerText,
    domain: answerDomain,
  };
  const { text, json } = await answers[subject](line, words);
  if (call.json) call.printJson(json);
  else call.terminal.print(text);
}
