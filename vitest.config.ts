import { defineConfig } from "vitest/config";

const slow = process.env["FIRN_SLOW"] === "1";

export default defineConfig({
  test: {
    include: slow
      ? ["src/**/*.slow.test.ts", "test/**/*.slow.test.ts"]
      : ["src/**/*.test.ts", "test/**/*.test.ts", "web/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", ...(slow ? [] : ["**/*.slow.test.ts"])],
    globalSetup: "test/browser/page-folder.ts",
    pool: "forks",
    // Loading the native libraries and the program anew for each of 140 files would take a fifth of the time.
    isolate: false,
    maxWorkers: 2,
    testTimeout: slow ? 1_800_000 : 60_000,
    hookTimeout: slow ? 1_800_000 : 60_000,
  },
});
