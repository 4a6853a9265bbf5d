#!/usr/bin/env node
let program;
try {
  program = await import("../dist/cli/main.js");
} catch (error) {
  if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.error("Firn is not built yet: run `npm ci` in its folder, then this command again.");
  process.exit(1);
}
await program.main();
