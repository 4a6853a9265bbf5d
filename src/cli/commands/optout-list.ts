/** @file `firn optout list` and `firn optout decide`: the requests of a store, their clocks, and what was decided. */
import path from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../artifacts/index.ts";
import { FirnError, formatBytes, formatInteger, formatTable, groupBy } from "../../core/index.ts";
import {
  collectRequests,
  Ledger,
  type OpenRequest,
  REQUEST_DECISIONS,
  requestClock,
  requestLetter,
} from "../../ledger/index.ts";
import type { CommandCall } from "../command.ts";
import { parseOptions, storeOption } from "../options.ts";
import { unfilterRequest } from "../output-filter.ts";
import { type RefusedGroup, refusedDocuments } from "../refused-documents.ts";
import { touchesDomain, writeRequestList } from "../requests.ts";

const listSchema = z.object({ store: storeOption, domain: z.string().min(1).max(300).optional() });
const decideSchema = z.object({ store: storeOption, why: z.string().min(1).max(2000).optional() });

function clockText(request: OpenRequest, now: Date): string {
  const clock = requestClock(request, now);
  switch (clock.state) {
    case "decided":
      return request.decisions.map(({ decision }) => decision).join(", ");
    case "open":
      return `open, ${clock.days} days left`;
    case "overdue":
      return `overdue since ${clock.days} days`;
    case "clock-behind":
      return "open; this machine's clock stands before the request";
  }
}

/** Refusals beyond this many are counted together. */
const SHOWN = 20;

function printRefused(call: CommandCall, domain: string, refused: readonly RefusedGroup[]): void {
  if (refused.length === 0) {
    call.terminal.print(`No corpus of this store left out a document of ${domain} because of an opt-out.`);
    return;
  }
  for (const [corpus, groups] of groupBy(refused, (group) => group.corpus)) {
    const { built } = groups[0]!;
    call.terminal.print(
      `Left out of documents ${corpus.slice(0, 12)}${built === null ? "" : `, built ${built.slice(0, 10)}`}:`,
    );
    const rows = groups
      .slice(0, SHOWN)
      .map(({ reason, evidence, documents, bytes, tokens }) => [
        reason,
        formatInteger(documents),
        formatBytes(bytes),
        tokens === null ? "-" : formatInteger(tokens),
        evidence.slice(0, 160),
      ]);
    call.terminal.print(formatTable(["signal", "documents", "text", "tokens", "evidence"], rows));
    if (groups.length > SHOWN)
      call.terminal.print(
        `… and ${formatInteger(groups.length - SHOWN)} more refusals; --json has them all.`,
      );
  }
}

export async function runOptoutList(call: CommandCall): Promise<void> {
  const { store, domain } = parseOptions(listSchema, call);
  const now = new Date();
  const all = await collectRequests(Ledger.open(store, call.report).facts());
  const requests =
    domain === undefined ? all : all.filter((request) => touchesDomain(request, domain.toLowerCase()));
  const refused =
    domain === undefined
      ? []
      : await refusedDocuments(store, Ledger.open(store, call.report), domain.toLowerCase());
  if (call.json) {
    call.printJson({
      ...(domain === undefined ? {} : { refused: refused as never }),
      requests: requests.map((request) => ({
        ...request,
        clock: { ...requestClock(request, now) },
      })) as never,
    });
    return;
  }
  if (domain !== undefined) printRefused(call, domain, refused);
  if (requests.length === 0) {
    call.terminal.print(domain === undefined ? "No request has come." : `No request names ${domain}.`);
    return;
  }
  const rows = requests.map((request) => [
    request.id,
    request.kind,
    request.kind === "text" || request.kind === "person"
      ? `sha256 ${request.subject.slice(0, 12)}`
      : request.subject,
    formatInteger(request.effects.reduce((sum, { documents, heldout }) => sum + documents + heldout, 0)),
    clockText(request, now),
  ]);
  call.terminal.print(formatTable(["request", "kind", "what", "documents", "state"], rows));
}

export async function runOptoutDecide(call: CommandCall): Promise<void> {
  const { store, why } = parseOptions(decideSchema, call);
  const [, id, word] = call.arguments;
  const decision = REQUEST_DECISIONS.find((known) => known === word);
  const ledger = Ledger.open(store, call.report);
  const requests = await collectRequests(ledger.facts());
  if (decision === undefined || !requests.some((request) => request.id === id)) {
    throw new FirnError("CLI_USAGE", {
      expected: `the id of a request and one of ${REQUEST_DECISIONS.join(", ")}`,
      got: `${id ?? "nothing"} ${word ?? ""}`.trim(),
      next: "`firn optout list` shows the requests.",
    });
  }
  const data = { id: id!, decision, why: why ?? null };
  const fact = ledger.append({ kind: "request.decision", stage: "", fingerprint: "", attempt: 0, data });
  await writeRequestList(store, ledger);
  if (decision === "refused") await unfilterRequest(store, ledger, data.id);
  const request = (await collectRequests(ledger.facts())).find((one) => one.id === id)!;
  const letter = path.join(store, "requests", request.id, "letter.md");
  await writeFileAtomic(letter, requestLetter(request, fact.hash));
  if (call.json) call.printJson({ ...data, fact: fact.hash, letter });
  else call.terminal.print(`Recorded; the letter says so: ${letter}`);
}
