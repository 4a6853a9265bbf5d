/**
 * @file YAML text, checked against a zod schema, with every complaint at its line: an unknown key is refused with
 * the nearest known name, so that a typing slip never silently falls back to a default.
 */
import { isMap, isPair, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { FirnError, nearestName } from "../core/index.ts";

/** Recipes are written by hand; a larger file is something else. */
export const MAX_RECIPE_BYTES = 1024 * 1024;

/** No recipe nests as deeply. The parser goes down by recursion, and V8 ends the process when it runs out of stack there. */
const MOST_DEPTH = 200;

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/**
 * The line (from 0) on which more than `MOST_DEPTH` lists and maps are open, by brackets, by indentation, or by signs in a row
 * (`- - -`); brackets in quotes count, too. -1 if there is none.
 */
function tooDeepAt(text: string): number {
  const indents: number[] = [];
  let brackets = 0;
  return text.split("\n").findIndex((line) => {
    const indent = line.search(/[^ ]/);
    if (indent < 0) return false;
    while (indents.length > 0 && indents.at(-1)! >= indent) indents.pop();
    indents.push(indent);
    const signs = /^(?:[-?:][ \t]+)*/.exec(line.slice(indent))![0].match(/[-?:]/g)?.length ?? 0;
    let deepest = brackets;
    for (const [bracket] of line.matchAll(/[[{\]}]/g)) {
      brackets = Math.max(0, brackets + (bracket === "[" || bracket === "{" ? 1 : -1));
      deepest = Math.max(deepest, brackets);
    }
    return indents.length + signs + deepest > MOST_DEPTH;
  });
}

/**
 * Parses `text` and validates it.
 * @param file how messages call the text
 * @param prepare rewrites shorthands before validation; must keep the paths of what it leaves alone
 */
export function parseYaml<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  prepare: (value: unknown) => unknown = (value) => value,
): T {
  const deep = tooDeepAt(text);
  if (deep >= 0) {
    throw new FirnError("RECIPE_SYNTAX", {
      expected: `at most ${MOST_DEPTH} lists and maps in one another`,
      got: "more",
      where: `${file}:${deep + 1}`,
      next: "Correct this line; a bracket may have been left open.",
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    throw new FirnError("RECIPE_SYNTAX", {
      expected: "a YAML file",
      got: fault.message,
      where: `${file}:${lines.linePos(fault.pos[0]).line}`,
      next: "Correct this line; indentation and colons are the usual causes.",
      cause: fault,
    });
  }
  const lineOf = (path: Path): string => `${file}:${lineOfPath(document.contents, path, lines)}`;
  const result = schema.safeParse(prepare(toPlain(() => document.toJS({ maxAliasCount: 100 }), file)));
  if (result.success) return result.data;
  throw explainIssue(mostTelling(result.error.issues), schema, lineOf);
}

function toPlain(convert: () => unknown, file: string): unknown {
  try {
    return convert();
  } catch (cause) {
    throw new FirnError("RECIPE_SYNTAX", {
      expected: "a YAML file without runaway aliases",
      got: cause instanceof Error ? cause.message : String(cause),
      where: file,
      next: "Write repeated parts out instead of referring to them with `*`.",
      cause,
    });
  }
}

/** The line of the deepest part of `path` that the text has. */
function lineOfPath(contents: unknown, path: Path, lines: LineCounter): number {
  let node: unknown = contents;
  let offset = (contents as Node | null)?.range?.[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && String(item.key) === String(key));
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else {
      const items = (node as { items?: unknown[] } | null)?.items;
      const item = typeof key === "number" ? items?.[key] : undefined;
      if (item === undefined) break;
      offset = (item as Node).range?.[0] ?? offset;
      node = item;
    }
  }
  return lines.linePos(offset).line;
}

/** A union complains once per branch; the branch with the fewest complaints is the one that was meant. */
function mostTelling(issues: readonly Issue[]): Issue {
  const first = issues.find((issue) => issue.code === "unrecognized_keys") ?? issues[0]!;
  if (first.code !== "invalid_union" || first.errors.length === 0) return first;
  const branch = first.errors.reduce((best, next) => (next.length < best.length ? next : best));
  const inner = mostTelling(branch);
  return { ...inner, path: [...first.path, ...inner.path] };
}

function explainIssue(issue: Issue, schema: z.ZodType, lineOf: (path: Path) => string): FirnError {
  const section = issue.path.length === 0 ? "the recipe" : `\`${formatPath(issue.path)}\``;
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const known = knownKeys(schema, issue.path);
    const near = nearestName(key, known);
    return new FirnError("RECIPE_UNKNOWN_KEY", {
      expected: `in ${section} only ${known.join(", ")}`,
      got: `\`${key}\``,
      where: lineOf([...issue.path, key]),
      next: near === undefined ? "Remove this key." : `Did you mean \`${near}\`?`,
    });
  }
  const types = /^Invalid input: expected (.+), received (.+)$/.exec(issue.message);
  return new FirnError("RECIPE_INVALID", {
    expected: types === null ? `a possible value of ${section}` : `${section} to be ${types[1]}`,
    got: types === null ? issue.message : types[2]!,
    where: lineOf(issue.path),
    next: "Correct this value; docs/reference/recipe.md lists every field.",
  });
}

/** `["sources", 0, "licence"]` → `sources[0].licence`. */
export function formatPath(path: Path): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("");
}

/** The keys that `schema` knows at `path`, for suggestions. */
function knownKeys(schema: z.core.$ZodType, path: Path): string[] {
  const keys = new Set<string>();
  const visit = (type: z.core.$ZodType, rest: Path): void => {
    if (type instanceof z.ZodOptional || type instanceof z.ZodNullable || type instanceof z.ZodDefault) {
      visit(type.unwrap(), rest);
    } else if (type instanceof z.ZodPrefault || type instanceof z.ZodReadonly) {
      visit(type.unwrap(), rest);
    } else if (type instanceof z.ZodPipe) {
      visit(type.in, rest);
    } else if (type instanceof z.ZodUnion) {
      for (const option of type.options) visit(option, rest);
    } else if (type instanceof z.ZodObject) {
      const shape: Record<string, z.core.$ZodType> = type.shape;
      const [key, ...deeper] = rest;
      if (key === undefined) for (const name of Object.keys(shape)) keys.add(name);
      else if (shape[String(key)] !== undefined) visit(shape[String(key)]!, deeper);
    } else if (type instanceof z.ZodArray) {
      visit(type.element, rest.slice(1));
    } else if (type instanceof z.ZodRecord) {
      visit(type.valueType, rest.slice(1));
    }
  };
  visit(schema, path);
  return [...keys];
}
