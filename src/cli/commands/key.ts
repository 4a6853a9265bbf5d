/** @file `firn key`: who may use a served model. */
import { z } from "zod";
import { FirnError, formatInteger, formatTable, nearestName } from "../../core/index.ts";
import { type ApiKey, makeApiKey, readApiKeys, ROLES, writeApiKeys } from "../../serve/index.ts";
import { apiKeysPath } from "../api-keys-path.ts";
import type { CommandCall } from "../command.ts";
import { integerOption, parseOptions, storeOption } from "../options.ts";

const schema = z.object({
  store: storeOption,
  role: z.enum(ROLES).default("user"),
  days: integerOption(1, 3650).optional(),
  requestsPerMinute: integerOption(1, 1_000_000).optional(),
  tokensPerMinute: integerOption(1, 1_000_000_000).optional(),
});

function usage(expected: string, got: string): FirnError {
  return new FirnError("CLI_USAGE", {
    expected,
    got,
    next: "For example `firn key add library --days 365`.",
  });
}

async function add(call: CommandCall, name: string): Promise<void> {
  const options = parseOptions(schema, call);
  if (name === "") throw usage("whom the key is for", "nothing");
  const now = new Date();
  const { secret, key } = makeApiKey(
    {
      name,
      role: options.role,
      expires: options.days === undefined ? null : new Date(now.getTime() + options.days * 86_400_000),
      requestsPerMinute: options.requestsPerMinute ?? null,
      tokensPerMinute: options.tokensPerMinute ?? null,
    },
    now,
  );
  const file = apiKeysPath(options.store);
  await writeApiKeys(file, [...(await readApiKeys(file)), key]);
  if (call.json) {
    call.printJson({ id: key.id, name, role: key.role, secret, file });
    return;
  }
  call.terminal.print(secret);
  call.terminal.print(
    `Key ${key.id} for ${name} (${key.role}). It is shown this once; ${file} keeps its hash.`,
  );
}

function state(key: ApiKey, now: Date): string {
  if (key.revoked !== null) return `revoked ${key.revoked.slice(0, 10)}`;
  if (key.expires === null) return "valid";
  return `${Date.parse(key.expires) > now.getTime() ? "until" : "expired"} ${key.expires.slice(0, 10)}`;
}

async function list(call: CommandCall): Promise<void> {
  const { store } = parseOptions(schema, call);
  const keys = await readApiKeys(apiKeysPath(store));
  if (call.json) {
    call.printJson({ keys: keys.map((key) => ({ ...key, sha256: key.sha256.slice(0, 8) })) });
    return;
  }
  if (keys.length === 0) {
    call.terminal.print("There are no keys. `firn key add <name>` makes one.");
    return;
  }
  const rate = (value: number | null): string => (value === null ? "–" : formatInteger(value));
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.role,
    rate(key.requestsPerMinute),
    rate(key.tokensPerMinute),
    state(key, new Date()),
  ]);
  call.terminal.print(formatTable(["key", "name", "role", "requests/min", "tokens/min", "state"], rows));
}

async function revoke(call: CommandCall, id: string): Promise<void> {
  const { store } = parseOptions(schema, call);
  const file = apiKeysPath(store);
  const keys = await readApiKeys(file);
  if (!keys.some((key) => key.id === id)) throw usage("the id of a key (`firn key list` shows them)", id);
  const revoked = new Date().toISOString();
  await writeApiKeys(
    file,
    keys.map((key) => (key.id === id && key.revoked === null ? { ...key, revoked } : key)),
  );
  if (call.json) call.printJson({ id, revoked });
  else call.terminal.print(`Key ${id} is revoked; running servers refuse it within a second.`);
}

export async function run(call: CommandCall): Promise<void> {
  const [action = "", ...words] = call.arguments;
  const rest = words.filter((word) => word !== undefined).join(" ");
  if (action === "add") return add(call, rest);
  if (action === "list") return list(call);
  if (action === "revoke") return revoke(call, rest);
  const near = nearestName(action, ["add", "list", "revoke"]);
  throw usage(near === undefined ? "one of add, list, revoke" : `'${near}'`, action);
}
