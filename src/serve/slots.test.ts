import { describe, expect, it } from "vitest";
import { ApiError } from "./api-error.ts";
import { Slots } from "./slots.ts";

const open = new AbortController().signal;

describe("slots", () => {
  it("let waiting requests in by order of arrival", async () => {
    const slots = new Slots(1, 5);
    const order: number[] = [];
    const first = await slots.acquire(open, "a");
    const others = [1, 2, 3].map(async (name) => {
      const release = await slots.acquire(open, "a");
      order.push(name);
      release();
    });
    expect([slots.running, slots.waiting]).toEqual([1, 3]);
    first();
    await Promise.all(others);
    expect(order).toEqual([1, 2, 3]);
    expect([slots.running, slots.waiting]).toEqual([0, 0]);
  });

  it("let callers take turns, however many requests one of them sends", async () => {
    const slots = new Slots(1, 10);
    const order: string[] = [];
    const first = await slots.acquire(open, "greedy");
    const others = ["greedy 1", "greedy 2", "greedy 3", "modest 1", "late 1", "modest 2"].map(
      async (name) => {
        const release = await slots.acquire(open, name.split(" ")[0]!);
        order.push(name);
        release();
      },
    );
    first();
    await Promise.all(others);
    expect(order).toEqual(["greedy 1", "modest 1", "late 1", "greedy 2", "modest 2", "greedy 3"]);
  });

  it("refuse with 429 and a time to come back once the queue is full", async () => {
    const slots = new Slots(1, 1);
    const release = await slots.acquire(open, "a");
    const waiting = slots.acquire(open, "a");
    const refused = await slots.acquire(open, "a").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect((refused as ApiError).status).toBe(429);
    expect(Number((refused as ApiError).headers["Retry-After"])).toBeGreaterThan(0);
    release();
    (await waiting)();
    expect(slots.running).toBe(0);
  });

  it("forget a waiting client that has gone", async () => {
    const slots = new Slots(1, 1);
    const release = await slots.acquire(open, "a");
    const leaving = new AbortController();
    const waiting = slots.acquire(leaving.signal, "a");
    leaving.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    expect(slots.waiting).toBe(0);
    release();
    release();
    expect(slots.running).toBe(0);
  });
});
