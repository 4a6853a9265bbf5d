/** @file A server on loopback that answers with the bytes it was given, whatever they are. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** Runs `work` against a server whose n-th answer is the n-th of `answers`; after the last it repeats that one. */
export async function answerWith(
  answers: readonly Buffer[],
  work: (endpoint: string) => Promise<void>,
): Promise<void> {
  let asked = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      const answer = answers[Math.min(asked, answers.length - 1)]!;
      asked += 1;
      socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
