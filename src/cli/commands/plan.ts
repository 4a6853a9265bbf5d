/** @file `firn plan`: what a recipe would do and cost, with the formulas. Runs nothing and writes nothing. */
import { z } from "zod";
import { Ledger } from "../../ledger/index.ts";
import { renderPlan } from "../../pipeline/index.ts";
import { DEVICES, planSections, renderPlanReport } from "../../planning/index.ts";
import { readRecipe } from "../../recipes/index.ts";
import type { CommandCall } from "../command.ts";
import { machineOptions, machineUse } from "../machine.ts";
import { integerOption, numberOption, parseOptions, storeOption } from "../options.ts";
import { modelFolder, planModel } from "../plan-model.ts";
import { planRecipe } from "../plan-recipe.ts";
import { planRecipeTraining } from "../plan-training.ts";
import { withRecordedProvider } from "../provider-profile.ts";

const schema = z.object({
  store: storeOption,
  device: z.enum(Object.keys(DEVICES) as [string, ...string[]]).optional(),
  devices: integerOption(1, 1_000_000).optional(),
  utilisation: numberOption(0.001, 1).optional(),
  tokens: numberOption(1, 1e16).optional(),
  ...machineOptions,
});

export async function run(call: CommandCall): Promise<void> {
  const options = parseOptions(schema, call);
  const folder = await modelFolder(call.arguments[0]!);
  if (folder !== undefined) return planModel(call, folder);
  const { threads } = machineUse(options);
  const from = await withRecordedProvider(
    await readRecipe(call.arguments[0]!),
    Ledger.open(options.store, call.report),
  );
  const { recipe } = from;
  const buildable = recipe.sources.length > 0;
  const staged = buildable
    ? await planRecipe(from, {
        storeDir: options.store,
        target: undefined,
        threads,
        report: call.report,
        signal: call.signal,
      })
    : undefined;
  const training = await planRecipeTraining(recipe, options, threads, staged?.stepSeconds);
  if (call.json) {
    call.printJson({
      recipe: recipe.name,
      stages: (staged?.plan.entries ?? []).map(({ labels, stage, kind, fingerprint, state, estimate }) => ({
        labels: [...labels],
        stage,
        kind,
        fingerprint,
        state,
        estimate: { ...estimate },
      })),
      training: planSections(training).map(({ title, lines }) => ({
        title,
        lines: lines.map((line) => ({ ...line })),
      })),
    });
    return;
  }
  if (staged !== undefined) call.terminal.print(`${renderPlan(staged.plan)}\n`);
  call.terminal.print(renderPlanReport(training));
  if (recipe.describedSources.length > 0) {
    call.terminal.print(
      `\nSources: ${recipe.describedSources.map(({ title }) => title).join(", ")}; described, not read.`,
    );
  }
}
