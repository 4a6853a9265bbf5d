/**
 * @file House rules that a machine can check: the import table, sizes, headers, banned calls, documented error
 * codes, no leftovers. Each rule reports every breach as `file:line what`, so that one run shows them all.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { allowedImports, MEETING_ROOMS, ROOMS } from "./rooms.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const MAX_FILE_LINES = 500;
const MAX_FACADE_LINES = 40;
/** A file larger than this is data, and data comes from packages or is made by the program. */
const MAX_BLOB_BYTES = 300_000;

/** Tracked files and new ones that git does not ignore, `/`-separated. */
const FILES = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT })
  .toString("utf8")
  .split("\n")
  .filter((file) => file !== "" && existsSync(path.join(ROOT, file)))
  .sort();

const CODE = FILES.filter((file) => /^(src|test|bench|web|scripts)\/.*\.(ts|tsx)$/.test(file));
/** Tests, and what only tests start or import (`pool.test-worker.ts`). */
const TEST_FILE = /\.test(-[a-z]+)?\.tsx?$/;
const PRODUCT = CODE.filter((file) => file.startsWith("src/") && !TEST_FILE.test(file));

const TEXT = new Map<string, string>();
function textOf(file: string): string {
  let text = TEXT.get(file);
  if (text === undefined) {
    text = readFileSync(path.join(ROOT, file), "utf8");
    TEXT.set(file, text);
  }
  return text;
}

/** Every match of `pattern` in `files`, as `file:line match`. */
function findAll(files: readonly string[], pattern: RegExp): string[] {
  const found: string[] = [];
  for (const file of files) {
    textOf(file)
      .split("\n")
      .forEach((line, index) => {
        if (pattern.test(line)) found.push(`${file}:${index + 1} ${line.trim().slice(0, 120)}`);
      });
  }
  return found;
}

/** Module specifiers of `import … from`, `export … from`, `import("…")` and `new URL("…", import.meta.url)`. */
function importsOf(file: string): { line: number; specifier: string }[] {
  const text = textOf(file);
  const found: { line: number; specifier: string }[] = [];
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|(?:^|\n)\s*import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/g;
  for (const match of text.matchAll(pattern)) {
    const specifier = match[1] ?? match[2] ?? match[3]!;
    const end = match.index + match[0].length;
    found.push({ line: text.slice(0, end).split("\n").length, specifier });
  }
  return found;
}

/** `src/data/readers/jsonl.ts` → `data`; files directly in `src/` have no room. */
function roomOf(file: string): string | undefined {
  const match = /^src\/([^/]+)\//.exec(file);
  return match?.[1];
}

function importBreaches(file: string): string[] {
  const breaches: string[] = [];
  const room = roomOf(file);
  for (const { line, specifier } of importsOf(file)) {
    if (!specifier.startsWith(".")) continue;
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
    const targetRoom = roomOf(target);
    const at = `${file}:${line} imports ${specifier}`;
    if (room !== undefined && !target.startsWith("src/") && !TEST_FILE.test(file)) {
      breaches.push(`${at}: outside src`);
    }
    if (targetRoom === undefined) continue;
    if (targetRoom === room) {
      if (target === `src/${room}/index.ts` && !TEST_FILE.test(file)) {
        breaches.push(`${at}: a room's own files do not go through its façade`);
      }
      continue;
    }
    // The tests of a room that need more than the room itself lie in `test/<room>/`.
    if (file.startsWith(`test/${targetRoom}/`)) continue;
    // What a room offers to pages has a façade of its own.
    if (file.startsWith("web/") && target === `src/${targetRoom}/browser.ts`) continue;
    if (target !== `src/${targetRoom}/index.ts`) breaches.push(`${at}: other rooms only through index.ts`);
    if (room === undefined || TEST_FILE.test(file)) continue;
    if (!allowedImports(room).includes(targetRoom)) breaches.push(`${at}: ${room} may not use ${targetRoom}`);
  }
  return breaches;
}

describe("rooms", () => {
  it("are exactly the folders of src", () => {
    const folders = new Set(FILES.map(roomOf).filter((room) => room !== undefined));
    const known = new Set([...Object.keys(ROOMS), ...MEETING_ROOMS]);
    expect([...folders].filter((folder) => !known.has(folder))).toEqual([]);
  });

  it("import each other only along the table and only through index.ts", () => {
    expect(CODE.flatMap(importBreaches)).toEqual([]);
  });

  it("have no cycle in the table", () => {
    const done = new Set<string>();
    const visit = (room: string, path: readonly string[]): void => {
      expect(path, `cycle ${[...path, room].join(" → ")}`).not.toContain(room);
      if (done.has(room)) return;
      for (const next of ROOMS[room] ?? []) visit(next, [...path, room]);
      done.add(room);
    };
    for (const room of Object.keys(ROOMS)) visit(room, []);
  });

  it("are printed in ARCHITECTURE.md as they are in the table", () => {
    const page = textOf("ARCHITECTURE.md");
    const missing = Object.entries(ROOMS)
      .map(([room, imports]) => ({ room, cell: imports.length === 0 ? "nothing" : imports.join(", ") }))
      .filter(
        ({ room, cell }) =>
          !page.split("\n").some((l) => l.startsWith(`| \`${room}\` |`) && l.endsWith(`| ${cell} |`)),
      )
      .map(({ room, cell }) => `| \`${room}\` | … | ${cell} |`);
    expect(missing).toEqual([]);
  });
});

describe("files", () => {
  it(`have at most ${MAX_FILE_LINES} lines`, () => {
    const long = CODE.map((file) => ({ file, lines: textOf(file).split("\n").length - 1 }));
    expect(long.filter(({ lines }) => lines > MAX_FILE_LINES)).toEqual([]);
  });

  it(`that are façades have at most ${MAX_FACADE_LINES} lines`, () => {
    const facades = CODE.filter((file) => /^src\/[^/]+\/index\.ts$/.test(file));
    expect(facades.filter((file) => textOf(file).split("\n").length - 1 > MAX_FACADE_LINES)).toEqual([]);
  });

  it("open with a comment that says what they are", () => {
    const without = CODE.filter((file) => !TEST_FILE.test(file)).filter(
      (file) => !/^(#!.*\n)?\/\*\*[^]{0,4}@file\s/.test(textOf(file).slice(0, 200)),
    );
    expect(without).toEqual([]);
  });

  it("are named in kebab-case after what they hold", () => {
    const odd = CODE.filter(
      (file) =>
        !/^[a-z0-9-]+(\.slow)?(\.test(-[a-z]+)?|\.config|\.data|\.d)?\.tsx?$/.test(path.basename(file)),
    );
    expect(odd).toEqual([]);
    expect(CODE.filter((file) => /\/(utils?|helpers?|misc|common)\.tsx?$/.test(file))).toEqual([]);
  });

  it("are not large blobs", () => {
    const large = FILES.filter((file) => file !== "package-lock.json")
      .map((file) => ({ file, bytes: statSync(path.join(ROOT, file)).size }))
      .filter(({ bytes }) => bytes > MAX_BLOB_BYTES);
    expect(large).toEqual([]);
  });

  it("include the licence, complete", () => {
    const licence = textOf("LICENSE");
    expect(licence).toContain("Apache License");
    expect(licence).toContain("END OF TERMS AND CONDITIONS");
  });
});

describe("code", () => {
  it("prints only in cli, scripts and bench", () => {
    expect(
      findAll(
        PRODUCT.filter((file) => !file.startsWith("src/cli/")),
        /\bconsole\.\w+\(/,
      ),
    ).toEqual([]);
  });

  it("takes randomness from labelled streams only", () => {
    expect(findAll(PRODUCT, new RegExp(`\\bMath\\.${"random"}\\b`))).toEqual([]);
  });

  it("does not read the clock where artifact bytes are made", () => {
    const timeless = [
      "core",
      "artifacts",
      "data",
      "tokenizer",
      "graph",
      "model",
      "train",
      "align",
      "release",
    ];
    const files = PRODUCT.filter((file) => timeless.includes(roomOf(file) ?? ""));
    expect(findAll(files, /\bnew Date\(\)|\bDate\.now\(/)).toEqual([]);
  });

  it("has no default exports outside tool configuration", () => {
    expect(
      findAll(
        CODE.filter((file) => !file.endsWith(".config.ts")),
        /^export default\b/,
      ),
    ).toEqual([]);
  });

  it("carries no leftovers", () => {
    const words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "not imple" + "mented"];
    expect(findAll(CODE, new RegExp(`\\b(${words.join("|")})\\b`))).toEqual([]);
    expect(findAll(CODE, /\b(it|test|describe)\.(skip|only|todo)\(/)).toEqual([]);
    expect(findAll(PRODUCT, /\bdebugger\b|@ts-(ignore|nocheck)/)).toEqual([]);
  });

  it("and its texts name no path of one machine", () => {
    const texts = FILES.filter(
      (file) => /\.(ts|tsx|js|md|ya?ml|json|css|html)$/.test(file) || file === ".ci/run",
    );
    const pattern =
      /(^|[\s"'`(=])\/((home|Users)\/(?!someone\b)|(root|work|farm|mnt)\/)\w|\.librar[y]\b|shared\/referenc[e]/;
    expect(
      findAll(
        texts.filter((file) => file !== "package-lock.json"),
        pattern,
      ),
    ).toEqual([]);
  });
});

describe("error codes", () => {
  const thrown = new Map<string, string>();
  for (const file of PRODUCT) {
    for (const match of textOf(file).matchAll(/new FirnError\(\s*"([A-Z0-9_]+)"/g))
      thrown.set(match[1]!, file);
  }
  const pages = FILES.filter((file) => /^docs\/errors\/[^/]+\.md$/.test(file));
  const documented = pages.flatMap((page) =>
    [...textOf(page).matchAll(/^## ([A-Z0-9_]+)$/gm)].map((match) => ({ code: match[1]!, page })),
  );

  it("are all documented in docs/errors", () => {
    const known = new Set(documented.map(({ code }) => code));
    expect([...thrown].filter(([code]) => !known.has(code)).map((pair) => pair.join(" "))).toEqual([]);
  });

  it("are documented once each, and only if some code throws them", () => {
    const codes = documented.map(({ code }) => code);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    expect(documented.filter(({ code }) => !thrown.has(code))).toEqual([]);
  });
});
