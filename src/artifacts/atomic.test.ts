import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AtomicFile, UNFINISHED_SUFFIX, withDiskErrors, writeFileAtomic, writeJsonAtomic } from "./atomic.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-atomic-"));
});
afterAll(() => rm(dir, { recursive: true }));

test("a file is replaced in one step and keeps its old content until then", async () => {
  const path = join(dir, "a", "b.txt");
  await writeFileAtomic(path, "one");
  const file = await AtomicFile.create(path);
  await file.write("tw");
  await file.write(new TextEncoder().encode("o"));
  expect(await readFile(path, "utf8")).toBe("one");
  await file.commit();
  await file.abandon();
  expect(await readFile(path, "utf8")).toBe("two");
  expect(await readdir(join(dir, "a"))).toEqual(["b.txt"]);
});

test("an abandoned file leaves nothing behind", async () => {
  const file = await AtomicFile.create(join(dir, "never"));
  await file.write("x");
  await file.abandon();
  expect((await readdir(dir)).filter((name) => name.startsWith("never"))).toEqual([]);
});

test("JSON is written with sorted keys, so that equal values are equal bytes", async () => {
  await writeJsonAtomic(join(dir, "x.json"), { b: 1, a: { d: [1], c: "é" } });
  await writeJsonAtomic(join(dir, "y.json"), { a: { c: "é", d: [1] }, b: 1 });
  const text = await readFile(join(dir, "x.json"), "utf8");
  expect(text).toBe('{\n  "a": {\n    "c": "é",\n    "d": [\n      1\n    ]\n  },\n  "b": 1\n}\n');
  expect(await readFile(join(dir, "y.json"), "utf8")).toBe(text);
});

test.runIf(existsSync("/dev/full"))("a full disk is said in words and the old file stays", async () => {
  const path = join(dir, "precious.txt");
  await writeFileAtomic(path, "precious");
  await symlink("/dev/full", path + UNFINISHED_SUFFIX);
  await expect(writeFileAtomic(path, "x".repeat(3 << 20))).rejects.toThrow(
    /^DISK_FULL: expected room for 3\.0 MiB more, got a full disk.*precious\.txt.*run the same command again/,
  );
  expect(await readFile(path, "utf8")).toBe("precious");
  await writeFileAtomic(path, "new");
  expect(await readFile(path, "utf8")).toBe("new");
});

test("a used-up quota and a read-only disk are told apart from a full one", async () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
  await expect(withDiskErrors(dir, 9, failing("EDQUOT"))).rejects.toThrow(/^DISK_FULL: .*quota/);
  await expect(withDiskErrors(dir, 9, failing("EROFS"))).rejects.toThrow(/^DISK_DENIED: .*read-only/);
  await expect(withDiskErrors(dir, 9, failing("EIO"))).rejects.toThrow(/^EIO$/);
});

test.skipIf(process.getuid?.() === 0)("a folder without write permission is said in words", async () => {
  const locked = join(dir, "locked");
  await mkdir(locked);
  await chmod(locked, 0o500);
  await expect(writeFileAtomic(join(locked, "x"), "x")).rejects.toMatchObject({ code: "DISK_DENIED" });
});
