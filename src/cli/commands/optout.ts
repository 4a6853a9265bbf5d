/** @file `firn optout`: what sites and people say about training on their text. */
import { FirnError, nearestName } from "../../core/index.ts";
import type { CommandCall } from "../command.ts";
import { runOptoutAdd } from "./optout-add.ts";
import { runOptoutFetch } from "./optout-fetch.ts";
import { runOptoutDecide, runOptoutList } from "./optout-list.ts";

const ACTIONS: Readonly<Record<string, (call: CommandCall) => Promise<void>>> = {
  add: runOptoutAdd,
  list: runOptoutList,
  decide: runOptoutDecide,
  fetch: runOptoutFetch,
};

export async function run(call: CommandCall): Promise<void> {
  const name = call.arguments[0] ?? "";
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action !== undefined) return action(call);
  const near = nearestName(name, Object.keys(ACTIONS));
  throw new FirnError("CLI_USAGE", {
    expected: `one of ${Object.keys(ACTIONS).join(", ")}`,
    got: name,
    next: near === undefined ? "Run `firn optout --help`." : `Did you mean \`firn optout ${near}\`?`,
  });
}
