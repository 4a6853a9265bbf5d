/** @file What every rank but the first does: takes part in training whenever rank 0 trains, until it says goodbye. */
import { assert, type Communicator } from "../../core/index.ts";
import { Replica } from "../replica.ts";
import { receiveShare } from "./batch-share.ts";
import { receiveCommand } from "./command.ts";

/**
 * Serves rank 0 until the job is over.
 * @throws FirnError `TRAIN_RANK_SILENT`, `TRAIN_MPI_FAILED`
 */
export async function joinTraining(communicator: Communicator, threads: number): Promise<void> {
  let replica: Replica | undefined;
  for (;;) {
    const command = await receiveCommand(communicator);
    if (command.kind === "leave") break;
    if (command.kind === "open") {
      assert(replica === undefined, "one model trains at a time");
      replica = await Replica.open(communicator, command.settings, { threads });
      await replica.shareWeights();
      if (command.hasState) await replica.shareState();
      continue;
    }
    assert(replica !== undefined, "a model is opened before it is used");
    switch (command.kind) {
      case "gradients":
        await replica.gradients(await receiveShare(communicator, command.rows));
        break;
      case "update":
        await replica.update(command.step, command.learningRate);
        break;
      case "state":
        await replica.gatherState();
        break;
      case "close":
        await replica.close();
        replica = undefined;
        break;
    }
  }
  await replica?.close();
}
