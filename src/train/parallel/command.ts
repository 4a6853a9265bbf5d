/** @file What rank 0 tells the other ranks to do next. They know nothing of recipes, stores and documents. */
import { assert, type Communicator } from "../../core/index.ts";
import type { ReplicaSettings } from "../replica.ts";

export type Command =
  | { readonly kind: "open"; readonly settings: ReplicaSettings; readonly hasState: boolean }
  /** `rows`: tokens of each rank's share. */
  | { readonly kind: "gradients"; readonly rows: number }
  | { readonly kind: "update"; readonly step: number; readonly learningRate: number }
  | { readonly kind: "state" }
  | { readonly kind: "close" }
  /** The job is over. */
  | { readonly kind: "leave" };

/** Every command fits; one size, so that a rank can wait for the next without knowing what it will be. */
const FRAME_BYTES = 16_384;

/** Called by rank 0. JSON gives numbers back bit for bit. */
export async function sendCommand(communicator: Communicator, command: Command): Promise<void> {
  if (communicator.size === 1) return;
  const frame = new Uint8Array(FRAME_BYTES);
  const { read } = new TextEncoder().encodeInto(JSON.stringify(command), frame);
  assert(read === JSON.stringify(command).length, "a command fits its frame");
  await communicator.broadcast(frame, 0);
}

/** Called by the others; waits for as long as rank 0 is busy with other things. */
export async function receiveCommand(communicator: Communicator): Promise<Command> {
  const frame = new Uint8Array(FRAME_BYTES);
  await communicator.broadcast(frame, 0, { patient: true });
  const text = new TextDecoder().decode(frame.subarray(0, frame.indexOf(0)));
  return JSON.parse(text) as Command;
}
