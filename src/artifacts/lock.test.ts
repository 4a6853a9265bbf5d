import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeLock } from "./lock.ts";

let dir = "";
let path = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-lock-"));
  path = join(dir, "thing.lock");
});
afterEach(() => rm(dir, { recursive: true }));

test("a lock is held by one at a time and can be taken again after its release", async () => {
  const lock = await takeLock(path, "the thing");
  await expect(takeLock(path, "the thing")).rejects.toThrow(
    new RegExp(
      `STORE_LOCKED: expected to be the only process working on the thing, got process ${process.pid}`,
    ),
  );
  lock.release();
  (await takeLock(path, "the thing")).release();
  expect(await readdir(dir)).toEqual([]);
});

test("many takers get the lock one after the other", async () => {
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      const lock = await takeLock(path, "the thing", { waitMs: 10_000 });
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside -= 1;
      lock.release();
    }),
  );
  expect(most).toBe(1);
});

test("the lock of a killed process is taken over, that of a living one is not", async () => {
  const child = spawn(
    process.execPath,
    [
      "--import",
      "tsx",
      "--input-type=module",
      "-e",
      `import { takeLock } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
       await takeLock(${JSON.stringify(path)}, "the thing");
       console.log("held");
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(child.stdout, "data");
  await expect(takeLock(path, "the thing")).rejects.toMatchObject({ code: "STORE_LOCKED" });
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(existsSync(path)).toBe(true);
  (await takeLock(path, "the thing")).release();
});

test.runIf(existsSync("/proc/self/stat"))("a reused process number does not keep a lock alive", async () => {
  await takeLock(path, "the thing");
  const owner = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...owner, started: "1" }));
  (await takeLock(path, "the thing")).release();
});

test("a torn lock file is taken over, a lock of another machine is respected", async () => {
  await writeFile(path, '{"pid": 12');
  (await takeLock(path, "the thing")).release();
  await writeFile(path, JSON.stringify({ pid: 1, host: `not-${hostname()}`, started: null, ticket: "x" }));
  await expect(takeLock(path, "the thing")).rejects.toThrow(`process 1 on not-${hostname()}`);
});
