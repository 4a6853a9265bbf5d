/**
 * @file Several processes that work on the same thing and can hand each other numbers. Rooms talk to this interface;
 * `train` has the one over MPI.
 */

/** What can be handed over: its bytes travel, its type does not. */
export type TransferData = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Numbers on their way to or from another rank. */
export interface Transfer {
  readonly rank: number;
  readonly data: TransferData;
}

export interface Communicator {
  /** This process, from 0 to size − 1. Rank 0 owns the store, the ledger and the terminal. */
  readonly rank: number;
  readonly size: number;
  /**
   * Sends and receives at the same time; resolves when all of it is done. What goes from one rank to another arrives in
   * the order in which it was sent; both sides must mean the same number of bytes.
   */
  exchange(outgoing: readonly Transfer[], incoming: readonly Transfer[]): Promise<void>;
  /**
   * Rank `root`'s numbers in everybody's `data`. `patient` waits for as long as it takes; all else gives up on ranks
   * that stay silent.
   */
  broadcast(data: TransferData, root: number, options?: { readonly patient: boolean }): Promise<void>;
}

/** A process on its own: nobody to hand anything to. */
export const soloCommunicator: Communicator = {
  rank: 0,
  size: 1,
  exchange: () => Promise.resolve(),
  broadcast: () => Promise.resolve(),
};
