/** @file The page as it is in this checkout, built once in a run of the tests by whoever needs it first. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { systemErrorCode } from "../../src/core/index.ts";
import { pageFolder } from "./page-folder.ts";

/** The folder of the built page; everybody only reads it. */
export async function builtPage(): Promise<string> {
  const dir = pageFolder(process.ppid);
  const [webDir, done, failed] = ["web", "done", "failed"].map((name) => path.join(dir, name)) as [
    string,
    string,
    string,
  ];
  try {
    await mkdir(dir);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
    while (!existsSync(done)) {
      if (existsSync(failed)) throw new Error("The page could not be built; another test says why.");
      await wait(50);
    }
    return webDir;
  }
  try {
    const root = fileURLToPath(new URL("../../web", import.meta.url));
    await build({ root, logLevel: "warn", build: { outDir: webDir, emptyOutDir: true } });
    await writeFile(done, "");
  } catch (error) {
    await writeFile(failed, "");
    throw error;
  }
  return webDir;
}
