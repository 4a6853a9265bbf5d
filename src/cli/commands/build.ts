/** @file `firn build`: runs what a recipe lacks, after saying what that is, and ends with what came of it. */
import { z } from "zod";
import { Ledger } from "../../ledger/index.ts";
import { renderPlan, type RunOptions, runPlan } from "../../pipeline/index.ts";
import { DEVICE_NAMES, requireDevice } from "../../engine/index.ts";
import { devicesOf, onDevice, readRecipe } from "../../recipes/index.ts";
import { launchOf, withRanks } from "../../train/index.ts";
import { renderBuildSummary } from "../build-summary.ts";
import type { CommandCall } from "../command.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { integerOption, parseOptions, storeOption } from "../options.ts";
import { planRecipe } from "../plan-recipe.ts";
import { withRecordedProvider } from "../provider-profile.ts";
import { TARGETS } from "../targets.ts";

const schema = z.object({
  store: storeOption,
  to: z.enum(TARGETS).optional(),
  device: z.enum(DEVICE_NAMES).optional(),
  ...machineOptions,
  rankTimeout: integerOption(1, 1_000_000).default(600),
});

type Options = z.infer<typeof schema>;

/** Started once, builds. Started by `mpirun` or `srun`, rank 0 builds and the others take part in the training. */
export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const launch = launchOf(process.env);
  const runtime = machineUse(options, launch?.localSize);
  if (launch === undefined) {
    await build(call, options, runtime);
    return;
  }
  const { threads } = runtime;
  await withRanks({ launch, threads, timeoutMs: options.rankTimeout * 1000 }, (communicator) => {
    call.report.line(`Trains on ${communicator.size} ranks with ${threads} threads each.`);
    return build(call, options, { ...runtime, communicator });
  });
}

async function build(call: CommandCall, options: Options, runtime: RunOptions["runtime"]): Promise<void> {
  const { report, signal, terminal } = call;
  const ledger = Ledger.open(options.store, report);
  const written = await withRecordedProvider(await readRecipe(call.arguments[0]!), ledger);
  const from = options.device === undefined ? written : onDevice(written, options.device);
  for (const device of devicesOf(from)) await requireDevice(device);
  const { nodes, plan, store } = await planRecipe(from, {
    signal: call.signal,
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
