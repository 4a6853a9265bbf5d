/** @file `firn optout add`: takes a request, computes what it concerns, records it, and writes receipt and letter. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { z } from "zod";
import { writeFileAtomic, writeJsonAtomic } from "../../artifacts/index.ts";
import { FirnError, formatDuration, formatInteger, nearestName } from "../../core/index.ts";
import {
  collectRequests,
  concernsNothing,
  isKeptAsHash,
  Ledger,
  normaliseSubject,
  type OpenRequest,
  recordedSubject,
  refuseEverything,
  REQUEST_KINDS,
  requestId,
  requestLetter,
  type RequestSubject,
} from "../../ledger/index.ts";
import { signStatement } from "../../release/index.ts";
import type { CommandCall } from "../command.ts";
import { integerOption, parseOptions, storeOption } from "../options.ts";
import { filterRequest, outputFilterPath, passagesToFilter } from "../output-filter.ts";
import { effectsOf, requestListPath, writeRequestList } from "../requests.ts";
import { readOrMakeKey } from "../signing-key.ts";

const schema = z.object({
  store: storeOption,
  contact: z.string().min(1).max(500).optional(),
  /** The month that data protection law gives (Regulation (EU) 2016/679, Art. 12(3)). */
  output: z.boolean().default(false),
  days: integerOption(1, 365).default(30),
  /** The request is meant although it names every document. */
  everything: z.boolean().default(false),
});

function readSubject(words: readonly (string | undefined)[]): RequestSubject {
  const [name = "", ...rest] = words;
  const kind = REQUEST_KINDS.find((known) => known === name);
  const value = rest.filter((word) => word !== undefined).join(" ");
  if (kind !== undefined && value !== "") return normaliseSubject({ kind, value });
  const near = nearestName(name, REQUEST_KINDS);
  throw new FirnError("CLI_USAGE", {
    expected: `one of ${REQUEST_KINDS.join(", ")} and what it is`,
    got: words.filter((word) => word !== undefined).join(" ") || "nothing",
    next:
      kind === undefined && near !== undefined
        ? `Did you mean \`firn optout add ${near}\`?`
        : "For example `firn optout add domain example.com`.",
  });
}

function printEffect(call: CommandCall, request: OpenRequest): void {
  const print = (text: string): void => call.terminal.print(text);
  if (request.effects.length === 0)
    print("No model has been trained in this store; the request holds for the next.");
  else if (concernsNothing(request.effects)) {
    print("Nothing that was kept or dropped here is concerned.");
    if (isKeptAsHash(request.kind))
      print(
        "Only its hash is on record, by which no later corpus can be searched: ask again after the next build, or name the domain or address.",
      );
  }
  for (const {
    run,
    documents,
    heldout,
    tokens,
    steps,
    firstStep,
    dropped,
    releases,
    retrain,
  } of request.effects) {
    print(
      `Run ${run.slice(0, 12)}: ${formatInteger(documents)} training documents of ${formatInteger(tokens)} tokens, ${formatInteger(heldout)} held out; ` +
        `${formatInteger(dropped.reduce((sum, group) => sum + group.documents, 0))} had been dropped before`,
    );
    if (firstStep !== null)
      print(`  seen in ${formatInteger(steps)} steps, first in step ${formatInteger(firstStep)}`);
    if (releases.length > 0) print(`  released as ${releases.map(({ name }) => name).join(", ")}`);
    if (retrain !== null)
      print(
        `  again from step ${formatInteger(retrain.fromStep)}: ${formatInteger(retrain.steps)} steps, ${retrain.flop.toExponential(1)} FLOP${retrain.seconds === null ? "" : `, about ${formatDuration(retrain.seconds)}`}`,
      );
  }
}

export async function runOptoutAdd(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const subject = readSubject(call.arguments.slice(1));
  const ledger = Ledger.open(options.store, call.report);
  const { effects, documents } = await effectsOf(options.store, ledger, subject);
  if (!options.everything) refuseEverything(effects);
  const passages = options.output ? await passagesToFilter(options.store, subject, documents) : undefined;
  const now = new Date();
  const received = now.toISOString();
  const salt = randomBytes(16).toString("hex");
  const record = {
    id: requestId(received, salt),
    kind: subject.kind,
    subject: recordedSubject(subject, salt),
    received,
    deadline: new Date(now.getTime() + options.days * 86_400_000).toISOString(),
    documents,
    effects,
  };
  const fact = ledger.append({ kind: "request", stage: "", fingerprint: "", attempt: 0, data: record });
  const filtered =
    passages === undefined ? undefined : await filterRequest(options.store, ledger, record.id, passages);
  if (filtered !== undefined) {
    const data = { id: record.id, decision: "output-filter", why: null };
    ledger.append({ kind: "request.decision", stage: "", fingerprint: "", attempt: 0, data });
  }
  const request = (await collectRequests(ledger.facts())).find(({ id }) => id === record.id)!;
  const listed = await writeRequestList(options.store, ledger);
  const folder = path.join(options.store, "requests", record.id);
  const key = await readOrMakeKey(path.join(options.store, "keys", "receipts.pem"), call.report);
  const receipt = signStatement(
    "application/vnd.firn.receipt+json",
    { ...record, salt, contact: options.contact ?? null, ledgerLine: fact.hash },
    key,
  );
  await writeJsonAtomic(path.join(folder, "receipt.json"), receipt);
  await writeFileAtomic(path.join(folder, "letter.md"), requestLetter(request, fact.hash));
  if (call.json) {
    call.printJson({
      ...record,
      fact: fact.hash,
      folder,
      list: requestListPath(options.store),
      outputFilter: filtered === undefined ? null : { ...filtered, file: outputFilterPath(options.store) },
    });
    return;
  }
  call.terminal.print(`Request ${record.id}, to be answered by ${record.deadline.slice(0, 10)}`);
  printEffect(call, request);
  if (filtered !== undefined)
    call.terminal.print(
      `Output filter: version ${filtered.version} keeps ${formatInteger(filtered.windows)} windows of ${formatInteger(filtered.passages)} passages back, from the next start of \`firn serve\``,
    );
  call.terminal.print(`\nReceipt and letter: ${folder}`);
  if (concernsNothing(effects) && isKeptAsHash(subject.kind)) return;
  call.terminal.print(
    `The next build leaves it out when its recipe says documents.optOut.requests: ${requestListPath(options.store)} (${formatInteger(listed)} lines)`,
  );
}
