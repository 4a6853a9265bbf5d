import { afterEach, describe, expect, test, vi } from "vitest";
import { BugError, FirnError } from "./errors.ts";
import { mapOrdered, type PoolOptions } from "./worker-pool.ts";

interface Item {
  readonly n: number;
  readonly wait?: number;
  readonly fail?: "firn" | "bug" | "plain" | "exit";
}
interface Result {
  readonly n: number;
  readonly bytes: Uint8Array;
}

const entry = new URL("./worker-pool.test-worker.ts", import.meta.url);
const unhandled = vi.fn();
process.on("unhandledRejection", unhandled);
afterEach(() => expect(unhandled).not.toHaveBeenCalled());

/** The results in order, and the error at the end if there was one. */
async function run(items: Iterable<Item> | AsyncIterable<Item>, options: PoolOptions) {
  const got: number[] = [];
  try {
    for await (const { n } of mapOrdered<Item, Result>(items, entry, options)) got.push(n);
  } catch (error) {
    return { got, error };
  }
  return { got, error: undefined };
}

describe("the worker pool", () => {
  test.each([1, 2, 4])("gives results in the order of the items with %i workers", async (workers) => {
    const items = Array.from({ length: 40 }, (_, n) => ({ n, wait: (n * 7) % 5 }));
    const { got, error } = await run(items, { workers, workerData: { factor: 3 } });
    expect(error).toBeUndefined();
    expect(got).toEqual(items.map(({ n }) => n * 3));
  });

  test("reads its source only a little ahead of whoever takes the results", async () => {
    let read = 0;
    async function* source(): AsyncGenerator<Item> {
      for (let n = 0; n < 100; n++) {
        read += 1;
        yield { n };
      }
    }
    const results = mapOrdered<Item, Result>(source(), entry, { workers: 2 });
    await results.next();
    expect(read).toBeLessThanOrEqual(7);
    await results.return();
    expect(read).toBeLessThanOrEqual(7);
  });

  test("closes its source when the taker stops early", async () => {
    let closed = false;
    function* source(): Generator<Item> {
      try {
        for (let n = 0; ; n++) yield { n };
      } finally {
        closed = true;
      }
    }
    for await (const { n } of mapOrdered<Item, Result>(source(), entry, { workers: 1 })) if (n === 5) break;
    expect(closed).toBe(true);
  });

  test("starts no thread when there is nothing to do", async () => {
    const nowhere = new URL("./no-such-worker.ts", import.meta.url);
    expect(await mapOrdered([], nowhere, { workers: 2 }).next()).toEqual({ done: true, value: undefined });
  });
});

describe("an error in a worker", () => {
  test("comes at its item's turn, after the results before it, as the same kind of error", async () => {
    const items: Item[] = Array.from({ length: 20 }, (_, n) =>
      n === 7 ? { n, fail: "firn" } : { n, wait: 3 },
    );
    const { got, error } = await run(items, { workers: 2 });
    expect(got).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(error).toBeInstanceOf(FirnError);
    expect(error).toMatchObject({ code: "TEST_ITEM", parts: { where: "item 7", next: "Fix it." } });
    expect((error as FirnError).message).toBe("TEST_ITEM: expected a, got b (item 7). Fix it.");
  });

  test("that is a bug stays a bug, and any other keeps its message", async () => {
    const bug = await run([{ n: 0, fail: "bug" }], { workers: 1 });
    expect(bug.error).toBeInstanceOf(BugError);
    expect((bug.error as Error).message).toMatch(/^BUG: wrong\. This/);
    const plain = await run([{ n: 0, fail: "plain" }], { workers: 1 });
    expect(plain.error).toMatchObject({ message: "plain" });
  });

  test("that ends the thread or keeps it from loading is an error, not a hang", async () => {
    const ended = await run([{ n: 0 }, { n: 1, fail: "exit" }, { n: 2 }], { workers: 1 });
    expect(ended.got).toEqual([0]);
    expect((ended.error as Error).message).toContain("ended early with code 3");
    const nowhere = new URL("./no-such-worker.ts", import.meta.url);
    await expect(mapOrdered([1], nowhere, { workers: 1 }).next()).rejects.toThrow("no-such-worker");
  });

  test("in the source comes after the results before it", async () => {
    function* source(): Generator<Item> {
      yield { n: 0, wait: 20 };
      yield { n: 1 };
      throw new Error("the source broke");
    }
    const { got, error } = await run(source(), { workers: 2 });
    expect(got).toEqual([0, 1]);
    expect(error).toMatchObject({ message: "the source broke" });
  });
});

describe("aborting", () => {
  test("throws the signal's reason at once, even while a worker is busy", async () => {
    const stop = new AbortController();
    const reason = new Error("Ctrl-C");
    setTimeout(() => stop.abort(reason), 600);
    const start = performance.now();
    const { error } = await run([{ n: 0, wait: 60_000 }], { workers: 1, signal: stop.signal });
    expect(error).toBe(reason);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("before the start does nothing", async () => {
    const { got, error } = await run([{ n: 0 }], {
      workers: 1,
      signal: AbortSignal.abort(new Error("early")),
    });
    expect(got).toEqual([]);
    expect(error).toMatchObject({ message: "early" });
  });
});
