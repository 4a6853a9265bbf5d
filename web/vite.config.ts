/** @file How `vite build web` makes the page: one script, one style sheet, no framework plugin, nothing from elsewhere. */
import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses, so that the page also works behind a proxy that serves it under a path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { outDir: "../dist/web", emptyOutDir: true, target: "es2023", modulePreload: { polyfill: false } },
});
