/** @file `firn build`: runs what a recipe lacks, after saying what that is, and ends with what came of it. */
import { z } from "zod";
import { Ledger } from "../../ledger/index.ts";
import { renderPlan, runPlan } from "../../pipeline/index.ts";
import { readRecipe } from "../../recipes/index.ts";
import { renderBuildSummary } from "../build-summary.ts";
import type { CommandCall } from "../command.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { parseOptions, storeOption } from "../options.ts";
import { planRecipe } from "../plan-recipe.ts";
import { TARGETS } from "../targets.ts";

const schema = z.object({ store: storeOption, to: z.enum(TARGETS).optional(), ...machineOptions });

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const { report, signal, terminal } = call;
  const from = await readRecipe(call.arguments[0]!);
  const runtime = machineUse(options);
  const ledger = Ledger.open(options.store, report);
  const { nodes, plan, store } = await planRecipe(from, {
    storeDir: options.store,
    target: options.to,
    threads: runtime.threads,
    report,
  });
  if (!call.json) terminal.print(`${renderPlan(plan)}\n`);
  const result = await runPlan(plan, { store, ledger, report, signal, runtime });
  if (call.json) {
    call.printJson({
      recipe: from.recipe.name,
      ran: [...result.ran],
      cached: [...result.cached],
      artifacts: Object.fromEntries(
        [...result.artifacts].map(([label, { kind, dir, manifest }]) => [
          label,
          { kind, dir, fingerprint: manifest.fingerprint, summary: manifest.summary },
        ]),
      ),
    });
    return;
  }
  terminal.print(renderBuildSummary(from.recipe, nodes, result));
}
