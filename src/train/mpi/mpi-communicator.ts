/**
 * @file The processes of one MPI job. Every transfer is one of MPI's non-blocking kind and is polled from here, never
 * waited for inside the library: so a rank that is gone is an error after a while and not a hang, Ctrl-C is heard, and
 * one thread does all the calling (`MPI_THREAD_FUNNELED`). MPI 3.1 standard, chapters 3.7, 5.12 and 12.4.
 */
import koffi from "koffi";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import {
  assert,
  type Communicator,
  FirnError,
  formatDuration,
  type Transfer,
  type TransferData,
} from "../../core/index.ts";
import { type MpiLibrary, mpiErrorText } from "./library.ts";

const THREAD_FUNNELED = 1;
/** MPI counts in 32-bit integers; longer data goes in pieces. */
const MAX_PIECE_BYTES = 2 ** 30;
/** How long the poll keeps the thread to itself before it lets signals and timers in. */
const SPIN_MS = 1;
/** After this much waiting the poll begins to sleep in between, so that an idle rank leaves the processor alone. */
const BUSY_MS = 100;
const MAX_SLEEP_MS = 20;
/** The share of the time waited so far that the next sleep may take. */
const SLEEP_SHARE = 0.01;

export interface MpiOptions {
  /** How long a rank may stay silent in the middle of common work before the job is given up. */
  readonly timeoutMs: number;
}

/** Transfers that were started together. The arrays are kept here because MPI holds their addresses. */
interface Pending {
  readonly requests: Uint8Array;
  readonly kept: TransferData[];
  count: number;
}

/** `data` cut into what MPI can count, as address and bytes. */
function* piecesOf(data: TransferData): Generator<{ address: bigint; bytes: number }> {
  const address = koffi.address(data);
  for (let at = 0; at < data.byteLength; at += MAX_PIECE_BYTES) {
    yield { address: address + BigInt(at), bytes: Math.min(MAX_PIECE_BYTES, data.byteLength - at) };
  }
}

function pieceCount(transfers: readonly { readonly data: TransferData }[]): number {
  return transfers.reduce((sum, { data }) => sum + Math.ceil(data.byteLength / MAX_PIECE_BYTES), 0);
}

export class MpiCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #library: MpiLibrary;
  readonly #timeoutMs: number;
  /** Why nothing more can be exchanged. */
  #failure: unknown;

  private constructor(library: MpiLibrary, rank: number, size: number, timeoutMs: number) {
    this.#library = library;
    this.rank = rank;
    this.size = size;
    this.#timeoutMs = timeoutMs;
  }

  /** Joins the job that `mpirun` or `srun` started (`MPI_Init`); a process can do so once. */
  static join(library: MpiLibrary, options: MpiOptions): MpiCommunicator {
    const provided = new Int32Array(1);
    const check = (code: number, doing: string): void => MpiCommunicator.#check(library, code, doing);
    check(library.initThread(null, null, THREAD_FUNNELED, provided), "MPI_Init_thread");
    check(library.setErrorHandler(library.world, library.errorsReturn), "MPI_Comm_set_errhandler");
    const rank = new Int32Array(1);
    const size = new Int32Array(1);
    check(library.rank(library.world, rank), "MPI_Comm_rank");
    check(library.size(library.world, size), "MPI_Comm_size");
    return new MpiCommunicator(library, rank[0]!, size[0]!, options.timeoutMs);
  }

  static #check(library: MpiLibrary, code: number, doing: string): void {
    if (code === 0) return;
    throw new FirnError("TRAIN_MPI_FAILED", {
      expected: `${doing} to work (${library.version}, ${library.file})`,
      got: mpiErrorText(library, code),
      next: "Another rank may have ended: look at what it printed, then run the same command again; it goes on from the last checkpoint.",
    });
  }

  async exchange(outgoing: readonly Transfer[], incoming: readonly Transfer[]): Promise<void> {
    const { world, byteType } = this.#library;
    const pending = this.#start(pieceCount(outgoing) + pieceCount(incoming));
    // Receives first: what arrives then has a place to go to.
    for (const { rank, data } of incoming) {
      assert(rank !== this.rank, "a rank receives from others");
      this.#add(pending, data, (address, bytes, request) =>
        this.#library.receive(address, bytes, byteType, rank, 0, world, request),
      );
    }
    for (const { rank, data } of outgoing) {
      assert(rank !== this.rank, "a rank sends to others");
      this.#add(pending, data, (address, bytes, request) =>
        this.#library.send(address, bytes, byteType, rank, 0, world, request),
      );
    }
    await this.#finish(pending, this.#timeoutMs);
  }

  async broadcast(
    data: TransferData,
    root: number,
    options: { readonly patient: boolean } = { patient: false },
  ): Promise<void> {
    if (this.size === 1) return;
    const { world, byteType } = this.#library;
    const pending = this.#start(pieceCount([{ data }]));
    this.#add(pending, data, (address, bytes, request) =>
      this.#library.broadcast(address, bytes, byteType, root, world, request),
    );
    await this.#finish(pending, options.patient ? Number.POSITIVE_INFINITY : this.#timeoutMs);
  }

  /** Leaves the job in good order (`MPI_Finalize`); every rank must do so. */
  leave(): void {
    MpiCommunicator.#check(this.#library, this.#library.finalize(), "MPI_Finalize");
  }

  /** Ends every process of the job, this one too, with exit code `code`. */
  abort(code: number): void {
    this.#library.abort(this.#library.world, code);
  }

  #start(count: number): Pending {
    return { requests: new Uint8Array(Math.max(1, count) * this.#library.requestBytes), kept: [], count: 0 };
  }

  #add(
    pending: Pending,
    data: TransferData,
    call: (address: bigint, bytes: number, request: bigint) => number,
  ): void {
    pending.kept.push(data);
    const requests = koffi.address(pending.requests);
    for (const { address, bytes } of piecesOf(data)) {
      const request = requests + BigInt(pending.count * this.#library.requestBytes);
      MpiCommunicator.#check(this.#library, call(address, bytes, request), "a transfer between ranks");
      pending.count += 1;
    }
  }

  /** Waits for what was started. After a failure nothing is whole any more, and the same error comes again at once. */
  async #finish(pending: Pending, timeoutMs: number): Promise<void> {
    try {
      await this.#poll(pending, timeoutMs);
    } catch (error) {
      this.#failure ??= error;
      throw this.#failure;
    }
  }

  async #poll(pending: Pending, timeoutMs: number): Promise<void> {
    const requests = koffi.address(pending.requests);
    const flag = new Int32Array(1);
    const { statusesIgnore } = this.#library;
    const done = (): boolean => {
      const code = this.#library.testAll(pending.count, requests, flag, statusesIgnore);
      MpiCommunicator.#check(this.#library, code, "a transfer between ranks");
      return flag[0] !== 0;
    };
    const start = performance.now();
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const now = performance.now();
      while (performance.now() - now < SPIN_MS) if (done()) return;
      const waited = now - start;
      if (waited > timeoutMs) {
        throw new FirnError("TRAIN_RANK_SILENT", {
          expected: `all ${this.size} ranks to take part`,
          got: `no answer on rank ${this.rank} for ${formatDuration(waited / 1000)}`,
          next: "A process was lost or is stuck. The last checkpoint is intact: run the same command again. If a rank is only slow, raise --rank-timeout.",
        });
      }
      await (waited < BUSY_MS ? nextTurn() : sleep(Math.min(MAX_SLEEP_MS, waited * SLEEP_SHARE)));
    }
  }
}
