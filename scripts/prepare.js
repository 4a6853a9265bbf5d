// Runs at the end of `npm ci`: compiles the program and the web page, so that `npx firn` works at once.
import { spawnSync } from "node:child_process";

const result = spawnSync("npm", ["run", "--silent", "build"], {
  stdio: "inherit",
  shell: process.platform === "win32",
});
process.exit(result.status ?? 1);
