import { expect, it } from "vitest";
import { addressOf, isLoopback } from "./loopback.ts";

it.each(["127.0.0.1", "127.0.1.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"])(
  "takes %s for this machine's own",
  (address) => expect(isLoopback(address)).toBe(true),
);

it.each([
  "0.0.0.0",
  "::",
  "128.0.0.1",
  "10.0.0.1",
  "127.999.1.1",
  "127.0.0.1.example",
  "localhost",
  "::ffff:10.0.0.1",
  "",
])("does not take %j for it", (address) => expect(isLoopback(address)).toBe(false));

it("looks a name up and leaves an address as it is", async () => {
  expect(isLoopback(await addressOf("localhost"))).toBe(true);
  expect(await addressOf("0.0.0.0")).toBe("0.0.0.0");
});
