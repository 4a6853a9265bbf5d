/** @file What the package promises to its users: one entry per room, a command, exact versions, a sane file list. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { MEETING_ROOMS, ROOMS } from "../tidy/rooms.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const versions = z.record(z.string(), z.string());
const manifest = z
  .object({
    exports: z.record(
      z.string(),
      z.union([z.string(), z.object({ types: z.string(), default: z.string() })]),
    ),
    bin: z.object({ firn: z.string() }),
    dependencies: versions,
    devDependencies: versions,
  })
  .parse(JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")));

describe("package.json", () => {
  it("exports every room's façade and nothing else", () => {
    const rooms = [...Object.keys(ROOMS), ...MEETING_ROOMS];
    const wanted = Object.fromEntries(
      rooms.map((room) => [
        `./${room}`,
        { types: `./dist/${room}/index.d.ts`, default: `./dist/${room}/index.js` },
      ]),
    );
    // The tokenizer's pure part, which a page can bundle.
    const browser = {
      types: "./dist/tokenizer/browser.d.ts",
      default: "./dist/tokenizer/browser.js",
    };
    expect(manifest.exports).toEqual({
      ...wanted,
      "./tokenizer/browser": browser,
      "./package.json": "./package.json",
    });
    expect(rooms.filter((room) => !existsSync(path.join(ROOT, "src", room, "index.ts")))).toEqual([]);
  });

  it("pins every dependency to one version and says why each is there", () => {
    const page = readFileSync(path.join(ROOT, "docs/dependencies.md"), "utf8");
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(page, `docs/dependencies.md on ${name}`).toContain(name);
      expect(page, `docs/dependencies.md on ${name} ${version}`).toContain(version);
    }
  });

  it("names a command that exists", () => {
    expect(existsSync(path.join(ROOT, manifest.bin.firn))).toBe(true);
  });
});

describe("the packed file list", () => {
  const listing = z
    .array(z.object({ files: z.array(z.object({ path: z.string(), size: z.number() })) }))
    .parse(
      JSON.parse(
        execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
          cwd: ROOT,
          stdio: ["ignore", "pipe", "ignore"],
        }).toString("utf8"),
      ),
    );
  const files = listing[0]!.files;

  it("holds the command, the recipes, the licence and the sources", () => {
    const paths = files.map((file) => file.path);
    for (const file of ["bin/firn.js", "recipes/nano.yaml", "LICENSE", "README.md", "src/core/index.ts"]) {
      expect(paths).toContain(file);
    }
  });

  it("holds no tests, no store and nothing outside the listed folders", () => {
    const odd = files
      .map((file) => file.path)
      .filter(
        (file) =>
          /\.test[.-]|^store\//.test(file) ||
          !/^(bin|dist|src|recipes)\/|^(package\.json|README\.md|LICENSE)$/.test(file),
      );
    expect(odd).toEqual([]);
  });

  it("stays under 10 MB unpacked", () => {
    expect(files.reduce((total, { size }) => total + size, 0)).toBeLessThan(10e6);
  });
});

describe("package-lock.json", () => {
  /** Where Node.js would find `name` from `from`, among the locked folders. */
  function locate(locked: ReadonlySet<string>, from: string, name: string): boolean {
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
      if (locked.has(`${folder === "" ? "" : `${folder}/`}node_modules/${name}`)) return true;
      if (folder === "") return false;
    }
  }

  it("names the packages of every platform, without which `npm ci` refuses the file", () => {
    const lock = z
      .object({ packages: z.record(z.string(), z.object({ optionalDependencies: versions.optional() })) })
      .parse(JSON.parse(readFileSync(path.join(ROOT, "package-lock.json"), "utf8")));
    const locked = new Set(Object.keys(lock.packages));
    const missing = Object.entries(lock.packages).flatMap(([folder, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter((name) => !locate(locked, folder, name)),
    );
    expect(missing).toEqual([]);
  });
});
