import { defineConfig } from "vitest/config";

const slow = process.env["FIRN_SLOW"] === "1";
const NEVER = ["**/node_modules/**", "**/dist/**", ...(slow ? [] : ["**/*.slow.test.ts"])];
/** llama.cpp tells its complaints to whoever loaded it first in a process: what they are is tested in one of its own. */
const ALONE = ["test/release/llama-model.test.ts"];

export default defineConfig({
  test: {
    globalSetup: "test/browser/page-folder.ts",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: slow ? 1_800_000 : 120_000,
    hookTimeout: slow ? 1_800_000 : 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: slow
            ? ["src/**/*.slow.test.ts", "test/**/*.slow.test.ts"]
            : ["src/**/*.test.ts", "test/**/*.test.ts", "web/**/*.test.ts"],
          exclude: [...NEVER, ...ALONE],
          // Loading the native libraries and the program anew for each of 140 files would take a fifth of the time.
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: "alone", include: slow ? [] : ALONE, exclude: NEVER, isolate: true },
      },
    ],
  },
});
