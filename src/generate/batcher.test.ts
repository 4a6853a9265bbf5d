import { describe, expect, it } from "vitest";
import { Batcher } from "./batcher.ts";

/** A machine that notes what it was handed in one moment, and takes a turn for it. */
function machine() {
  const batches: string[][] = [];
  let open: string[] | undefined;
  const compute = async (name: string): Promise<void> => {
    if (open === undefined) {
      const batch: string[] = [];
      open = batch;
      batches.push(batch);
      setImmediate(() => {
        if (open === batch) open = undefined;
      });
    }
    open.push(name);
    await new Promise((resolve) => setTimeout(resolve, 2));
  };
  return { batches, compute };
}

describe("beats", () => {
  it("put answers that began at different times into one batch", async () => {
    const { batches, compute } = machine();
    const batcher = new Batcher({ batch: 8, pauseMs: 0 });
    const answer = async (name: string, delayMs: number): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      for (let i = 0; i < 30; i++) await batcher.run(1, () => compute(name));
    };
    await Promise.all([answer("a", 0), answer("b", 5), answer("c", 9)]);
    const together = batches.filter((batch) => batch.length === 3).length;
    expect(together).toBeGreaterThan(15);
    expect(batches.flat()).toHaveLength(90);
  });

  it("read a long prompt in parts beside answers, and as much as fits without any", async () => {
    const parts: [number, number][] = [];
    const batcher = new Batcher({ batch: 100, pauseMs: 0 });
    const read = batcher.run(250, async (from, to) => {
      parts.push([from, to]);
    });
    await read;
    expect(parts).toEqual([
      [0, 100],
      [100, 200],
      [200, 250],
    ]);
    parts.length = 0;
    let answering = true;
    const answer = (async () => {
      while (answering) await batcher.run(1, () => Promise.resolve());
    })();
    await batcher.run(250, async (from, to) => {
      parts.push([from, to]);
    });
    answering = false;
    await answer;
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i))).toEqual(
      Array.from({ length: 250 }, (_, i) => i),
    );
  });

  it("compute alone what must not depend on anything else", async () => {
    const { batches, compute } = machine();
    const batcher = new Batcher({ batch: 8, pauseMs: 0 });
    await Promise.all([
      batcher.run(1, () => compute("answer")),
      batcher.run(20, () => compute("score"), { alone: true }),
      batcher.run(3, () => compute("prompt")),
    ]);
    expect(batches.filter((batch) => batch.includes("score"))).toEqual([["score"]]);
  });

  it("tell a failure to whoever asked, and go on for the others", async () => {
    const batcher = new Batcher({ batch: 8, pauseMs: 0 });
    const failing = batcher.run(1, () => Promise.reject(new Error("broken")));
    const fine = batcher.run(1, () => Promise.resolve());
    await expect(failing).rejects.toThrow("broken");
    await expect(fine).resolves.toBeUndefined();
    const stopped = new AbortController();
    const reading = batcher.run(
      100,
      () => {
        stopped.abort(new Error("gone"));
        return Promise.resolve();
      },
      { signal: stopped.signal },
    );
    await expect(reading).rejects.toThrow("gone");
  });
});
