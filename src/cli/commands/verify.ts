/** @file `firn verify`: the ledger's chain and every artifact of a store, or one release, offline. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { type Artifact, MANIFEST_FILE, openStore } from "../../artifacts/index.ts";
import { FirnError, formatBytes, formatInteger, sha256 } from "../../core/index.ts";
import { type LedgerVerdict, verifyLedger } from "../../ledger/index.ts";
import { checkStatement, type ReleaseLedger, verifyRelease } from "../../release/index.ts";
import type { CommandCall } from "../command.ts";
import { findArtifacts } from "../find-artifact.ts";
import { parseOptions, storeOption } from "../options.ts";

const schema = z.object({ store: storeOption, publicKey: z.string().min(1).optional() });

async function isFolder(name: string): Promise<boolean> {
  return stat(name).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** An artifact whose manifest is not the one that the ledger recorded, or about which the ledger says nothing. */
async function checkAgainstLedger(
  artifact: Artifact,
  ledger: LedgerVerdict,
  ledgerPath: string,
): Promise<void> {
  const recorded = ledger.manifests.get(artifact.manifest.fingerprint);
  if (recorded === undefined) {
    throw new FirnError("LEDGER_INCOMPLETE", {
      expected: `the fact that ${path.basename(artifact.dir)} was finished`,
      got: `a ledger of ${ledger.facts} facts without it: lines at its end were taken away, or the artifact was copied here`,
      where: ledgerPath,
      next: "Put the whole ledger back from a copy. If the artifact came from another store, copy its ledger too, or build it here.",
    });
  }
  if (recorded === null || recorded === sha256(await readFile(path.join(artifact.dir, MANIFEST_FILE))))
    return;
  throw new FirnError("ARTIFACT_EDITED", {
    expected: "the manifest that the ledger recorded",
    got: `a ${MANIFEST_FILE} that was changed`,
    where: artifact.dir,
    next: "Put the original back, or remove the folder and run the build again.",
  });
}

/** What the clock did, in words; the order of the facts is certain all the same. */
function clockLines({ backwards, latest, facts }: LedgerVerdict, now: Date): string[] {
  return [
    ...(backwards === null
      ? []
      : [
          `The clock went backwards before line ${backwards}: the order of the facts is certain, their times are not.`,
        ]),
    ...(latest !== null && Date.parse(latest) > now.getTime()
      ? [
          `The newest of ${formatInteger(facts)} facts is of ${latest}, which has not come yet by this machine's clock: one of the two clocks is wrong.`,
        ]
      : []),
  ];
}

async function verifyStore(call: CommandCall, storeDir: string): Promise<void> {
  const ledger = await verifyLedger(storeDir);
  const store = openStore(storeDir);
  const artifacts = await store.list();
  const task = call.report.task("artifacts", artifacts.length, "artifacts");
  for (const [index, artifact] of artifacts.entries()) {
    call.signal.throwIfAborted();
    await store.verify(artifact, { deep: true });
    await checkAgainstLedger(artifact, ledger, path.join(store.dir, "ledger", "facts.jsonl"));
    task.update(index + 1, path.basename(artifact.dir));
  }
  task.finish("every file is as its manifest says, every manifest as the ledger recorded it");
  const { facts, head, backwards, latest } = ledger;
  if (call.json) {
    call.printJson({ facts, head, backwards, latest, artifacts: artifacts.length });
    return;
  }
  call.terminal.print(`${formatInteger(facts)} facts, an unbroken chain; the last is ${head}`);
  for (const line of clockLines(ledger, new Date())) call.terminal.print(line);
  call.terminal.print(
    `${formatInteger(artifacts.length)} artifacts: each file as its manifest says, each manifest as the ledger recorded it`,
  );
}

/** Whether the store at hand still holds the ledger that a published release was printed from. */
async function ledgerLine(storeDir: string, { head, facts }: ReleaseLedger): Promise<string> {
  const start = `It was published after fact ${formatInteger(facts)} of a ledger, ${head.slice(0, 12)}`;
  const { holds, facts: here } = await verifyLedger(storeDir, head);
  if (here === 0) return `${start}; whoever has that ledger can check it.`;
  return holds
    ? `${start}, which the ledger in ${storeDir} holds.`
    : `${start}, which the ledger in ${storeDir} does not hold: it is another store's, or lines at its end were taken away.`;
}

async function verifyOne(
  call: CommandCall,
  dir: string,
  keyFile: string | undefined,
  storeDir: string,
): Promise<void> {
  const pem = keyFile === undefined ? undefined : await readFile(keyFile, "utf8");
  const verdict = await verifyRelease(dir, pem);
  if (call.json) {
    call.printJson({ ...verdict, key: verdict.key ?? null, ledger: verdict.ledger ?? null });
    return;
  }
  const { files, bytes, facts, signature, key, ledger } = verdict;
  call.terminal.print(
    `${formatInteger(files)} files, ${formatBytes(bytes)}: weights and papers as published`,
  );
  call.terminal.print(`${formatInteger(facts)} cited facts, each found and unaltered`);
  if (ledger !== undefined) call.terminal.print(await ledgerLine(storeDir, ledger));
  if (signature === "none") call.terminal.print("Not signed: the checksums alone cannot say who made it.");
  else {
    call.terminal.print(`Signed by the key ${key ?? ""}`);
    if (signature === "enclosed")
      call.terminal.print(
        "That key came with the release: compare it with the one the provider publishes, or give it with --public-key.",
      );
  }
}

/** A receipt, or any other statement that `firn` signed. */
async function verifyReceipt(call: CommandCall, file: string, keyFile: string | undefined): Promise<void> {
  const pem = keyFile === undefined ? undefined : await readFile(keyFile, "utf8");
  const { statement, key } = checkStatement(await readFile(file, "utf8"), file, pem);
  if (call.json) {
    call.printJson({ statement, key });
    return;
  }
  call.terminal.print(
    `Signed by the key ${key}${pem === undefined ? ", which the file itself brings" : ""}:`,
  );
  call.terminal.print(JSON.stringify(statement, null, 2));
}

export async function run(call: CommandCall): Promise<void> {
  const { store, publicKey } = parseOptions(schema, call);
  const [name] = call.arguments;
  if (name === undefined) return verifyStore(call, store);
  if (name.endsWith(".json")) return verifyReceipt(call, name, publicKey);
  if (await isFolder(name)) return verifyOne(call, path.resolve(name), publicKey, store);
  for (const artifact of await findArtifacts(openStore(store), name)) {
    if (artifact.kind === "release") await verifyOne(call, artifact.dir, publicKey, store);
    else {
      await openStore(store).verify(artifact, { deep: true });
      call.terminal.print(`${path.basename(artifact.dir)}: every file as its manifest says`);
    }
  }
}
