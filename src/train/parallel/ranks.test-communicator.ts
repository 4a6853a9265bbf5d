/** @file Several ranks in one process, for tests of the arithmetic: what MPI carries, without MPI. */
import { assert, type Communicator, type Transfer, type TransferData } from "../../core/index.ts";

function bytesOf({ buffer, byteOffset, byteLength }: TransferData): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A one-way channel: messages in order, and receivers that wait for one. */
class Channel {
  readonly #messages: Uint8Array[] = [];
  readonly #waiting: ((message: Uint8Array) => void)[] = [];

  send(data: TransferData): void {
    const message = bytesOf(data).slice();
    const next = this.#waiting.shift();
    if (next === undefined) this.#messages.push(message);
    else next(message);
  }

  receive(): Promise<Uint8Array> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** `size` communicators that are connected with each other. */
export function ranksInOneProcess(size: number): Communicator[] {
  const channels = Array.from({ length: size }, () => Array.from({ length: size }, () => new Channel()));
  return Array.from({ length: size }, (_, rank): Communicator => {
    const exchange = async (outgoing: readonly Transfer[], incoming: readonly Transfer[]): Promise<void> => {
      const arrivals = incoming.map(async ({ rank: from, data }) => {
        const message = await channels[from]![rank]!.receive();
        assert(message.length === data.byteLength, `rank ${rank} and rank ${from} mean the same message`);
        bytesOf(data).set(message);
      });
      for (const { rank: to, data } of outgoing) channels[rank]![to]!.send(data);
      await Promise.all(arrivals);
    };
    return {
      rank,
      size,
      exchange,
      broadcast: (data, root) => {
        const rest = Array.from({ length: size }, (_, other) => ({ rank: other, data })).filter(
          (other) => other.rank !== root,
        );
        return rank === root ? exchange(rest, []) : exchange([], [{ rank: root, data }]);
      },
    };
  });
}
