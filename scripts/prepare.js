/**
 * @file Runs at the end of `npm ci`: compiles the program and the web page, and links the package's own command into
 * `node_modules/.bin`, where `npx firn` finds it without asking a registry.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";

const windows = process.platform === "win32";
const root = new URL("../", import.meta.url);

const build = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit", shell: windows });
if (build.status !== 0) process.exit(build.status ?? 1);

chmodSync(new URL("bin/firn.js", root), 0o755);
mkdirSync(new URL("node_modules/.bin/", root), { recursive: true });
if (windows) {
  writeFileSync(new URL("node_modules/.bin/firn.cmd", root), '@node "%~dp0\\..\\..\\bin\\firn.js" %*\r\n');
} else {
  const link = new URL("node_modules/.bin/firn", root);
  rmSync(link, { force: true });
  symlinkSync("../../bin/firn.js", link);
}
