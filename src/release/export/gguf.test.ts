import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { float16BitsToNumber } from "../../artifacts/index.ts";
import { type GgufValue, writeGguf } from "./gguf.ts";
import { GGUF_FILE_TYPES, ggufTensorName, unwritableGguf } from "./gguf-model.ts";
import { quantizeQ8_0 } from "./q8-0.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-gguf-"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("GGUF", () => {
  it("in llama.cpp's K format cannot be written without its library, and in every other can", () => {
    expect(unwritableGguf(GGUF_FILE_TYPES, false)).toEqual(["Q4_K"]);
    expect(unwritableGguf(GGUF_FILE_TYPES, true)).toEqual([]);
  });

  it("keeps any metadata, as read by Hugging Face's reader", async () => {
    const path = join(dir, "metadata.gguf");
    const value = fc.oneof(
      fc.record({ type: fc.constant("u32" as const), value: fc.nat() }),
      fc.record({ type: fc.constant("i32" as const), value: fc.integer() }),
      fc.record({
        type: fc.constant("f32" as const),
        value: fc.float({ noNaN: true, noDefaultInfinity: true }),
      }),
      fc.record({ type: fc.constant("bool" as const), value: fc.boolean() }),
      fc.record({ type: fc.constant("string" as const), value: fc.string({ unit: "grapheme" }) }),
      fc.record({
        type: fc.constant("strings" as const),
        value: fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }),
      }),
      fc.record({ type: fc.constant("i32s" as const), value: fc.array(fc.integer(), { minLength: 1 }) }),
    );
    const entries = fc.dictionary(fc.stringMatching(/^[a-z]{1,9}\.[a-z]{1,9}$/), value, { maxKeys: 8 });
    await fc.assert(
      fc.asyncProperty(entries, async (object) => {
        const metadata = new Map<string, GgufValue>([
          ["general.architecture", { type: "string", value: "apertus" }],
          ...Object.entries(object),
        ]);
        await writeGguf(path, metadata, [
          { name: "x", type: "F32", shape: [1], data: () => Float32Array.of(1) },
        ]);
        const read = (await gguf(path, { allowLocalFile: true })).metadata as unknown as Record<
          string,
          unknown
        >;
        for (const [key, { value: expected }] of metadata) expect(read[key]).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("puts every tensor at a multiple of 32 bytes, dimensions fastest first", async () => {
    const path = join(dir, "tensors.gguf");
    await writeGguf(path, new Map(), [
      { name: "a", type: "F16", shape: [3], data: () => Float32Array.of(1, -2, 0.5) },
      { name: "b", type: "F32", shape: [2, 3], data: () => Float32Array.of(1, 2, 3, 4, 5, 6) },
      { name: "c", type: "Q8_0", shape: [1, 32], data: () => new Float32Array(32).fill(-127) },
    ]);
    const { tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
    expect(tensorInfos.map(({ shape }) => shape)).toEqual([[3n], [3n, 2n], [32n, 1n]]);
    expect(tensorInfos.map(({ offset }) => offset)).toEqual([0n, 32n, 64n]);
    const bytes = await readFile(path);
    const start = Number(tensorDataOffset);
    expect(start % 32).toBe(0);
    expect(bytes.readUInt16LE(start + 2)).toBe(0xc000);
    expect(bytes.readFloatLE(start + 32 + 20)).toBe(6);
    expect(bytes.readInt8(start + 64 + 2)).toBe(-127);
    expect(bytes.length).toBe(start + 64 + 64);
  });

  it("names tensors as llama.cpp does", () => {
    expect(ggufTensorName("model.layers.12.self_attn.o_proj.weight")).toBe("blk.12.attn_output.weight");
    expect(ggufTensorName("lm_head.weight")).toBe("output.weight");
    expect(ggufTensorName("model.layers.0.mlp.act_fn.alpha_p")).toBeUndefined();
  });
});

describe("Q8_0", () => {
  it("is within half a step of every number", () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 32, maxLength: 32, min: -1000, max: 1000, noNaN: true }),
        (values) => {
          const block = quantizeQ8_0(values);
          const view = new DataView(block.buffer);
          const scale = float16BitsToNumber(view.getUint16(0, true));
          const largest = Math.max(...values.map(Math.abs));
          // Half a step, plus what rounding the scale to float16 moves the largest numbers by.
          const tolerance = largest / 127 / 2 + largest * 2 ** -10 + 127 * 2 ** -25;
          values.forEach((value, i) =>
            expect(Math.abs(view.getInt8(2 + i) * scale - value)).toBeLessThanOrEqual(tolerance),
          );
        },
      ),
    );
  });

  it("rounds halves away from zero and leaves zeros alone", () => {
    const values = new Float32Array(32);
    values.set([127, 0.5, -0.5, 1.5, 2.49]);
    const block = new Int8Array(quantizeQ8_0(values).buffer);
    expect([...block.subarray(2, 8)]).toEqual([127, 1, -1, 2, 2, 0]);
    expect(new Set(quantizeQ8_0(new Float32Array(32)))).toEqual(new Set([0]));
  });
});
