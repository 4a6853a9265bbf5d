import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FirnError } from "../core/index.ts";
import { SafetensorsFile } from "./safetensors.ts";
import { type TensorSource, writeSafetensors } from "./write-safetensors.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-safetensors-"));
});
afterAll(() => rm(dir, { recursive: true }));

const SMALL: TensorSource[] = [
  { name: "b", dtype: "F32", shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, -0, 1e-40) },
  { name: "steps", dtype: "I64", shape: [2], data: BigInt64Array.of(-1n, 2n ** 60n) },
  { name: "a", dtype: "BF16", shape: [3], data: () => Float32Array.of(1, 0.1, -3.140625) },
  { name: "empty", dtype: "F32", shape: [0, 4], data: new Float32Array(0) },
  { name: "scalar", dtype: "F32", shape: [], data: Float32Array.of(7) },
];

describe("safetensors", () => {
  it("reads back what was written, bfloat16 rounded to nearest", async () => {
    const path = join(dir, "small.safetensors");
    await writeSafetensors(path, SMALL);
    const file = await SafetensorsFile.open(path);
    expect([...file.tensors.keys()]).toEqual(["steps", "b", "empty", "scalar", "a"]);
    expect(file.metadata).toEqual({ format: "pt" });
    expect(await file.tensor("b")).toEqual(SMALL[0]!.data);
    expect(await file.tensor("steps")).toEqual(SMALL[1]!.data);
    expect(await file.floats("a", [3])).toEqual(Float32Array.of(1, 0.10009765625, -3.140625));
    expect(await file.tensor("scalar")).toEqual(Float32Array.of(7));
    expect(file.info("b").begin % 8).toBe(0);
    await file.close();
    expect(await readdir(dir)).toEqual(["small.safetensors"]);
  });

  it("gives the same bytes whatever the order of the tensors", async () => {
    await writeSafetensors(join(dir, "one"), SMALL);
    await writeSafetensors(join(dir, "two"), SMALL.toReversed());
    expect(await readFile(join(dir, "one"))).toEqual(await readFile(join(dir, "two")));
  });

  it("says which tensor is missing, of another shape or not of floats", async () => {
    const path = join(dir, "small.safetensors");
    await writeSafetensors(path, SMALL);
    const file = await SafetensorsFile.open(path);
    await expect(file.tensor("c")).rejects.toThrow(/ARTIFACT_SAFETENSORS_TENSOR.*a tensor c/);
    await expect(file.floats("b", [3, 2])).rejects.toThrow(/\[3, 2\].*\[2, 3\]/);
    await expect(file.floats("steps")).rejects.toThrow(/floating-point/);
    await file.close();
    await expect(SafetensorsFile.open(join(dir, "none"))).rejects.toThrow(/ARTIFACT_SAFETENSORS_MISSING/);
    await expect(SafetensorsFile.open(dir)).rejects.toThrow(/ARTIFACT_SAFETENSORS_BROKEN/);
  });

  it("leaves the old file alone when writing fails", async () => {
    const path = join(dir, "kept.safetensors");
    await writeSafetensors(path, SMALL);
    const before = await readFile(path);
    const failing: TensorSource = {
      name: "x",
      dtype: "F32",
      shape: [1],
      data: () => {
        throw new Error("no data");
      },
    };
    await expect(writeSafetensors(path, [failing])).rejects.toThrow("no data");
    expect(await readFile(path)).toEqual(before);
    expect((await readdir(dir)).filter((name) => name.includes("kept"))).toEqual(["kept.safetensors"]);
  });

  it("round-trips any float32 tensors", async () => {
    const path = join(dir, "any");
    const tensors = fc.uniqueArray(
      fc.record({ name: fc.string({ unit: "grapheme" }), data: fc.float32Array({ maxLength: 20 }) }),
      { selector: ({ name }) => name, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(tensors, async (list) => {
        fc.pre(!list.some(({ name }) => name === "__metadata__"));
        await writeSafetensors(
          path,
          list.map(({ name, data }) => ({ name, dtype: "F32", shape: [data.length], data })),
        );
        const file = await SafetensorsFile.open(path);
        for (const { name, data } of list) expect(await file.floats(name)).toEqual(data);
        await file.close();
      }),
      { numRuns: 50 },
    );
  });

  it("refuses every truncation and never trips over flipped bits in the header", async () => {
    const path = join(dir, "hostile");
    await writeSafetensors(path, SMALL);
    const good = await readFile(path);
    const headerEnd = 8 + Number(good.readBigUInt64LE());
    const opens = async (bytes: Uint8Array): Promise<boolean> => {
      await writeFile(path, bytes);
      try {
        const file = await SafetensorsFile.open(path);
        for (const { name, dtype } of file.tensors.values()) {
          if (["I64", "F32", "F16", "BF16"].includes(dtype)) await file.tensor(name);
        }
        await file.close();
        return true;
      } catch (error) {
        if (error instanceof FirnError && error.code === "ARTIFACT_SAFETENSORS_BROKEN") return false;
        throw error;
      }
    };
    for (let length = 0; length < good.length; length++) {
      expect(await opens(good.subarray(0, length))).toBe(false);
    }
    expect(await opens(Buffer.concat([good, Buffer.alloc(1)]))).toBe(false);
    await fc.assert(
      fc.asyncProperty(fc.nat(headerEnd - 1), fc.nat(7), async (at, bit) => {
        const bad = Buffer.from(good);
        bad[at]! ^= 1 << bit;
        await opens(bad);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', "a hole before the data"],
    [
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      "an overlap",
    ],
    ['{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', "a shape that does not fill its bytes"],
    ['{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9007199254740993]}}', "an offset outside the file"],
    ['{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}', "a negative size"],
    ["[]", "an array"],
  ])("refuses %s: %s", async (json) => {
    const path = join(dir, "crafted");
    const header = Buffer.alloc(8 + json.length);
    header.writeBigUInt64LE(BigInt(json.length));
    header.write(json, 8);
    await writeFile(path, Buffer.concat([header, Buffer.alloc(8)]));
    await expect(SafetensorsFile.open(path)).rejects.toThrow(/ARTIFACT_SAFETENSORS_BROKEN/);
  });
});
