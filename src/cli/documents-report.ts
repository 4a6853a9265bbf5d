/** @file The report on a documents artifact as text: the funnel, languages, sites, licences, examples of both sides. */
import { z } from "zod";
import type { Artifact, DocumentsReport, KeptAndDropped } from "../artifacts/index.ts";
import { formatBytes, formatInteger, formatPercent, formatTable } from "../core/index.ts";

const ROWS = 15;
const BAR = 30;

const summarySchema = z.object({
  steps: z.array(
    z.object({
      step: z.string(),
      in: z.number(),
      out: z.number(),
      reasons: z.record(z.string(), z.number()),
    }),
  ),
});

const oneLine = (text: string, characters: number): string => {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > characters ? `${line.slice(0, characters - 1)}…` : line;
};

/** Every step with what came in, as a bar, and why the rest did not go on. */
function funnel(artifact: Artifact, report: DocumentsReport): string[] {
  const parsed = summarySchema.safeParse(artifact.manifest.summary);
  const unread = report.reasons.filter(({ step }) => step === "extract");
  const lines = unread.map(({ reason, documents }) => `  not read: ${reason} ${formatInteger(documents)}`);
  const most = Math.max(1, ...(parsed.data?.steps ?? []).map((step) => step.in));
  for (const { step, in: entered, out, reasons } of parsed.data?.steps ?? []) {
    const width = (count: number): number => Math.round((count / most) * BAR);
    const bar = `${"█".repeat(width(out))}${"░".repeat(Math.max(0, width(entered) - width(out)))}`.padEnd(
      BAR,
    );
    const dropped = Object.entries(reasons)
      .sort(([, a], [, b]) => b - a)
      .map(([reason, count]) => `${reason} ${formatInteger(count)}`);
    lines.push(`  ${step.padEnd(16)} ${bar} ${formatInteger(out).padStart(9)}  ${dropped.join(", ")}`);
  }
  return lines;
}

/** Why most of a language's documents were dropped. */
function mainReason(report: DocumentsReport, language: string): string {
  const most = report.reasons.reduce<{ reason: string; documents: number }>(
    (best, { step, reason, languages }) => {
      const documents = languages[language] ?? 0;
      return documents > best.documents ? { reason: `${step}: ${reason}`, documents } : best;
    },
    { reason: "", documents: 0 },
  );
  return most.documents === 0 ? "" : `${most.reason} ${formatInteger(most.documents)}`;
}

function names(title: string, rows: readonly KeptAndDropped[], because?: (name: string) => string): string[] {
  if (rows.length === 0) return [];
  const shown = rows
    .slice(0, ROWS)
    .map(({ name, kept, dropped }) => [
      name,
      formatInteger(kept.documents),
      formatBytes(kept.bytes),
      formatInteger(dropped.documents),
      formatPercent(kept.documents / Math.max(1, kept.documents + dropped.documents)),
      ...(because === undefined ? [] : [because(name)]),
    ]);
  const more = rows.length > ROWS ? [`and ${formatInteger(rows.length - ROWS)} more`] : [];
  const head = [title, "kept", "text", "dropped", "share kept"];
  return ["", formatTable([...head, ...(because === undefined ? [] : ["most for"])], shown), ...more];
}

/** The lines of the report. */
export function documentsReportLines(artifact: Artifact, report: DocumentsReport): string[] {
  const { train, heldout, dropped } = report;
  return [
    `${formatInteger(train.documents)} documents to train on (${formatBytes(train.bytes)}), ${formatInteger(heldout.documents)} held out (${formatBytes(heldout.bytes)}), ` +
      `${formatInteger(dropped.documents)} dropped (${formatBytes(dropped.bytes)})`,
    "",
    ...funnel(artifact, report),
    ...names("language", report.languages, (name) => mainReason(report, name)),
    ...names("site", report.domains),
    ...names("licence", report.licences),
    "",
    "kept, for example",
    ...report.keptExamples.flatMap(({ id, language, text }) => [
      `  ${id} [${language ?? "–"}]`,
      `    ${oneLine(text, 160)}`,
    ]),
    "",
    "dropped, for example",
    ...report.rejectedExamples.flatMap(({ id, step, reason, detail, text, url }) => [
      `  ${url ?? id}`,
      `    ${step}: ${reason}${detail === null ? "" : ` (${oneLine(detail, 100)})`}`,
      ...(text === "" ? [] : [`    ${oneLine(text, 160)}`]),
    ]),
  ];
}
