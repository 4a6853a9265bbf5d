/** @file `firn verify`: the ledger's chain and every artifact of a store, or one release, offline. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { openStore } from "../../artifacts/index.ts";
import { formatBytes, formatInteger } from "../../core/index.ts";
import { verifyLedger } from "../../ledger/index.ts";
import { checkStatement, verifyRelease } from "../../release/index.ts";
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

async function verifyStore(call: CommandCall, storeDir: string): Promise<void> {
  const { facts, head, backwards } = await verifyLedger(storeDir);
  const store = openStore(storeDir);
  const artifacts = await store.list();
  const task = call.report.task("artifacts", artifacts.length, "artifacts");
  for (const [index, artifact] of artifacts.entries()) {
    call.signal.throwIfAborted();
    await store.verify(artifact, { deep: true });
    task.update(index + 1, path.basename(artifact.dir));
  }
  task.finish("every file is as its manifest says");
  if (call.json) {
    call.printJson({ facts, head, backwards, artifacts: artifacts.length });
    return;
  }
  call.terminal.print(`${formatInteger(facts)} facts, an unbroken chain; the last is ${head}`);
  if (backwards !== null) {
    call.terminal.print(
      `The clock went backwards before line ${backwards}: the order of the facts is certain, their times are not.`,
    );
  }
  call.terminal.print(`${formatInteger(artifacts.length)} artifacts, each file as its manifest says`);
}

async function verifyOne(call: CommandCall, dir: string, keyFile: string | undefined): Promise<void> {
  const pem = keyFile === undefined ? undefined : await readFile(keyFile, "utf8");
  const verdict = await verifyRelease(dir, pem);
  if (call.json) {
    call.printJson({ ...verdict, key: verdict.key ?? null });
    return;
  }
  const { files, bytes, facts, signature, key } = verdict;
  call.terminal.print(
    `${formatInteger(files)} files, ${formatBytes(bytes)}: weights and papers as published`,
  );
  call.terminal.print(`${formatInteger(facts)} cited facts, each found and unaltered`);
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
  if (await isFolder(name)) return verifyOne(call, path.resolve(name), publicKey);
  for (const artifact of await findArtifacts(openStore(store), name)) {
    if (artifact.kind === "release") await verifyOne(call, artifact.dir, publicKey);
    else {
      await openStore(store).verify(artifact, { deep: true });
      call.terminal.print(`${path.basename(artifact.dir)}: every file as its manifest says`);
    }
  }
}
