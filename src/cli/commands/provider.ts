/** @file `firn provider`: asks once what only people know about a model, and records it in the ledger. */
import { createInterface } from "node:readline/promises";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { canonicalJson, describeError, FirnError, type Json } from "../../core/index.ts";
import { Ledger } from "../../ledger/index.ts";
import { providerProfileSchema } from "../../release/index.ts";
import type { CommandCall } from "../command.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { measuredHardware } from "../measured-hardware.ts";
import { parseOptions, storeOption } from "../options.ts";
import { recordedProvider } from "../provider-profile.ts";
import { PROVIDER_QUESTIONS, type Question, withAnswer } from "../provider-questions.ts";

const schema = z.object({
  store: storeOption,
  set: z.array(z.string().regex(/^[\w.]+=/, "key=value")).default([]),
  file: z.string().min(1).optional(),
  measure: z.boolean().default(false),
  threads: machineOptions.threads,
});

type Profile = Record<string, unknown>;

function valueOf(profile: Profile, { key }: Question): string {
  const [first = "", second] = key.split(".");
  const outer = profile[first];
  const value = second === undefined ? outer : (outer as Profile | undefined)?.[second];
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.join("; ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Asks every question; an empty answer keeps what is there, the end of input (Ctrl-D) ends the form. */
async function askAll(call: CommandCall, start: Profile): Promise<Profile> {
  const { terminal, signal } = call;
  const input = createInterface({ input: process.stdin, terminal: false });
  const onAbort = (): void => input.close();
  signal.addEventListener("abort", onAbort, { once: true });
  const lines = input[Symbol.asyncIterator]();
  let profile = start;
  let part = "";
  terminal.writeStatus(
    "Enter keeps the answer in brackets, a single hyphen takes it back. Ctrl-D ends the form, Ctrl-C records nothing.\n",
  );
  try {
    for (let at = 0; at < PROVIDER_QUESTIONS.length; ) {
      const question = PROVIDER_QUESTIONS[at]!;
      if (question.part !== part) terminal.writeStatus(`\n${terminal.style("bold", question.part)}\n`);
      part = question.part;
      terminal.writeStatus(promptOf(question, valueOf(profile, question)));
      const line = await lines.next();
      signal.throwIfAborted();
      if (line.done === true) break;
      try {
        profile = answered(profile, question, line.value.trim());
        at += 1;
      } catch (error) {
        if (!(error instanceof FirnError)) throw error;
        terminal.writeStatus(`    Expected ${error.parts.expected}. ${error.parts.next}\n`);
      }
    }
    terminal.writeStatus("\n");
    return profile;
  } finally {
    signal.removeEventListener("abort", onAbort);
    input.close();
  }
}

function promptOf({ ask, kind }: Question, before: string): string {
  return `  ${ask}${kind === "yes-no" ? " (yes/no)" : ""}${before === "" ? "" : ` [${before}]`}: `;
}

/** The profile after one line of the form. */
function answered(profile: Profile, { key }: Question, line: string): Profile {
  if (line === "") return profile;
  return withAnswer(profile, key, line === "-" ? "" : line);
}

async function readProfile(file: string): Promise<Profile> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new FirnError("CLI_PROVIDER", {
      expected: "a JSON file with the answers",
      got: describeError(cause),
      where: file,
      next: "`firn provider --json` prints such a file.",
      cause,
    });
  }
  const parsed = providerProfileSchema.partial().safeParse(value);
  if (parsed.success) return { ...parsed.data };
  const issue = parsed.error.issues[0]!;
  throw new FirnError("CLI_PROVIDER", {
    expected: "answers of the provider's form",
    got: `${issue.path.join(".")}: ${issue.message}`,
    where: file,
    next: "Correct it; `firn provider --json` prints the answers on record.",
  });
}

function show(call: CommandCall, profile: Profile): void {
  if (call.json) {
    call.printJson(JSON.parse(JSON.stringify(profile)) as Json);
    return;
  }
  let part = "";
  for (const question of PROVIDER_QUESTIONS) {
    if (question.part !== part) call.terminal.print(`${part === "" ? "" : "\n"}${question.part}`);
    part = question.part;
    call.terminal.print(`  ${question.key.padEnd(34)} ${valueOf(profile, question) || "–"}`);
  }
}

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const ledger = Ledger.open(options.store, call.report);
  const before: Profile = { ...(await recordedProvider(ledger)) };
  let profile: Profile =
    options.file === undefined ? before : { ...before, ...(await readProfile(options.file)) };
  for (const pair of options.set) {
    const at = pair.indexOf("=");
    profile = withAnswer(profile, pair.slice(0, at), pair.slice(at + 1));
  }
  if (options.measure) {
    const { threads } = machineUse(options);
    const hardware = await measuredHardware(options.store, ledger, threads);
    profile = { ...profile, hardware: { ...(profile["hardware"] as object | undefined), ...hardware } };
  }
  const asked = options.set.length === 0 && options.file === undefined && !options.measure;
  if (asked && call.terminal.interactive && !call.json) profile = await askAll(call, profile);
  const clean = JSON.parse(JSON.stringify(profile)) as Record<string, Json>;
  if (canonicalJson(clean) !== canonicalJson(JSON.parse(JSON.stringify(before)))) {
    const whole = providerProfileSchema.safeParse(clean);
    if (!whole.success) {
      throw new FirnError("CLI_PROVIDER", {
        expected: "a provider with a name, and all answers about a device together",
        got: whole.error.issues.map(({ path }) => path.join(".")).join(", "),
        next: "For example `firn provider --set name='Example Laboratory'`.",
      });
    }
    const data = JSON.parse(JSON.stringify(whole.data)) as Json;
    ledger.append({ kind: "provider", stage: "", fingerprint: "", attempt: 0, data });
    call.report.line("Recorded. The next build prints its papers with it; weights are not trained again.");
  }
  show(call, clean);
}
