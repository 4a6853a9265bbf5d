import { describe, expect, it } from "vitest";
import { ApiError } from "./api-error.ts";
import { Slots } from "./slots.ts";

const open = new AbortController().signal;

describe("slots", () => {
  it("let waiting requests in by order of arrival", async () => {
    const slots = new Slots(1, 5);
    const order: number[] = [];
    const first = await slots.acquire(open);
    const others = [1, 2, 3].map(async (name) => {
      const release = await slots.acquire(open);
      order.push(name);
      release();
    });
    expect([slots.running, slots.waiting]).toEqual([1, 3]);
    first();
    await Promise.all(others);
    expect(order).toEqual([1, 2, 3]);
    expect([slots.running, slots.waiting]).toEqual([0, 0]);
  });

  it("refuse with 429 and a time to come back once the queue is full", async () => {
    const slots = new Slots(1, 1);
    const release = await slots.acquire(open);
    const waiting = slots.acquire(open);
    const refused = await slots.acquire(open).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect((refused as ApiError).status).toBe(429);
    expect(Number((refused as ApiError).headers["Retry-After"])).toBeGreaterThan(0);
    release();
    (await waiting)();
    expect(slots.running).toBe(0);
  });

  it("forget a waiting client that has gone", async () => {
    const slots = new Slots(1, 1);
    const release = await slots.acquire(open);
    const leaving = new AbortController();
    const waiting = slots.acquire(leaving.signal);
    leaving.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    expect(slots.waiting).toBe(0);
    release();
    release();
    expect(slots.running).toBe(0);
  });
});
