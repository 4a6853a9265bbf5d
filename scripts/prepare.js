/**
 * @file Runs at the end of `npm ci`: compiles the program and the web page. `npx firn` runs it once more, when npm
 * links this folder into its cache; what `npm ci` has built is there by then, and `bin/firn.js` says so if it is not.
 */
import { spawnSync } from "node:child_process";

if (process.env.npm_command !== "exec") {
  const windows = process.platform === "win32";
  const build = spawnSync("npm", ["run", "--silent", "build"], { stdio: "inherit", shell: windows });
  process.exitCode = build.status ?? 1;
}
