/** @file The worker that worker-pool.test.ts sends its items to. */
import { setTimeout as sleep } from "node:timers/promises";
import { BugError, FirnError } from "./errors.ts";
import { serveItems } from "./worker-pool.ts";

serveItems(
  async (item: { n: number; wait?: number; fail?: string }, data: { factor: number } | undefined) => {
    if (item.wait !== undefined) await sleep(item.wait);
    if (item.fail === "firn") {
      throw new FirnError("TEST_ITEM", { expected: "a", got: "b", where: `item ${item.n}`, next: "Fix it." });
    }
    if (item.fail === "bug") throw new BugError("wrong");
    if (item.fail === "plain") throw new TypeError("plain");
    if (item.fail === "exit") process.exit(3);
    return { n: item.n * (data?.factor ?? 1), bytes: new Uint8Array([item.n & 255]) };
  },
);
