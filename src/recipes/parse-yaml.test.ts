/** @file What a hand-written recipe is told when something in it is wrong. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import { formatPath, parseYaml } from "./parse-yaml.ts";

const schema = z.strictObject({
  name: z.string(),
  model: z
    .strictObject({ layers: z.int().positive(), hiddenSize: z.int() })
    .prefault({ layers: 1, hiddenSize: 8 }),
  sources: z
    .array(
      z.discriminatedUnion("reader", [
        z.strictObject({ reader: z.literal("folder"), folder: z.string(), licence: z.string() }),
        z.strictObject({ reader: z.literal("package"), package: z.string(), licence: z.string() }),
      ]),
    )
    .default([]),
});

function partsOf(text: string): { code: string; got: string; where: string | undefined; next: string } {
  try {
    parseYaml(text, "my.yaml", schema);
  } catch (error) {
    if (error instanceof FirnError) return { code: error.code, ...error.parts, where: error.parts.where };
    throw error;
  }
  throw new Error("no complaint");
}

describe("a recipe", () => {
  it("that is right is read with its defaults", () => {
    expect(parseYaml("name: nano", "my.yaml", schema)).toEqual({
      name: "nano",
      model: { layers: 1, hiddenSize: 8 },
      sources: [],
    });
  });

  it("with an unknown key is refused with the line and the nearest known name", () => {
    expect(partsOf("name: nano\nmodel:\n  layers: 2\n  hidenSize: 64\n")).toMatchObject({
      code: "RECIPE_UNKNOWN_KEY",
      got: "`hidenSize`",
      where: "my.yaml:4",
      next: "Did you mean `hiddenSize`?",
    });
    expect(partsOf("nmae: nano\n")).toMatchObject({ where: "my.yaml:1", next: "Did you mean `name`?" });
  });

  it("with an unknown key inside a union names the keys of its branches", () => {
    const text = "name: nano\nsources:\n  - reader: folder\n    folder: ./x\n    license: CC0-1.0\n";
    expect(partsOf(text)).toMatchObject({ where: "my.yaml:5", next: "Did you mean `licence`?" });
  });

  it("with a value of the wrong kind is refused with its path and line", () => {
    expect(partsOf("name: nano\nmodel:\n  layers: many\n  hiddenSize: 8\n")).toMatchObject({
      code: "RECIPE_INVALID",
      where: "my.yaml:3",
    });
  });

  it("with a key twice, a tab or an alias bomb is refused as YAML", () => {
    expect(partsOf("name: a\nname: b\n")).toMatchObject({ code: "RECIPE_SYNTAX", where: "my.yaml:2" });
    expect(partsOf("name: a\nmodel:\n\tlayers: 1\n")).toMatchObject({ code: "RECIPE_SYNTAX" });
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (let i = 1; i < 9; i++) {
      const previous = String.fromCharCode(96 + i);
      bomb.push(
        `${String.fromCharCode(97 + i)}: &${String.fromCharCode(97 + i)} [${`*${previous},`.repeat(8)}*${previous}]`,
      );
    }
    expect(partsOf(bomb.join("\n"))).toMatchObject({ code: "RECIPE_SYNTAX" });
  });

  it("that nests without end is refused before it is parsed", () => {
    for (const piece of ["[", "{a: ", "- ", "? ", "[{"])
      expect(partsOf(piece.repeat(100_000))).toMatchObject({ code: "RECIPE_SYNTAX" });
    const steps = Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}a:`);
    expect(partsOf(steps.join("\n"))).toMatchObject({ code: "RECIPE_SYNTAX" });
  });

  it("of any content is either read or refused with a code", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        try {
          parseYaml(text, "my.yaml", schema);
        } catch (error) {
          expect(error).toBeInstanceOf(FirnError);
        }
      }),
    );
  });
});

describe("a path", () => {
  it("is printed as people write it", () => {
    expect(formatPath(["sources", 0, "licence"])).toBe("sources[0].licence");
  });
});
