/** @file How `vite build web` makes the page: one script, one style sheet, no framework plugin, nothing from elsewhere. */
import { defineConfig, type Rolldown } from "vite";

/**
 * The tokenizer's room takes errors from `core`, whose façade also names modules of Node.js. None of them stays in the
 * page (test/browser/fairness.test.ts looks), so a warning for each would only hide others.
 */
const onLog: Rolldown.InputOptions["onLog"] = (level, log, handle) => {
  if (!log.message.includes("externalized for browser compatibility")) handle(level, log);
};

/** Slow machines need not be told that they are. */
const checks = { pluginTimings: false };

export default defineConfig({
  // Relative addresses, so that the page also works behind a proxy that serves it under a path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    rolldownOptions: { onLog, checks },
  },
  worker: { rolldownOptions: { onLog, checks } },
});
