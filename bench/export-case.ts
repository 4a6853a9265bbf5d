/** @file One export in a process of its own for `bench/export.ts`; prints processor time and the largest memory. */
import { type GgufFileType, writeApertusGguf } from "../src/release/index.ts";
import { llamaLibraries, llamaQuantiser } from "../test/release/llama-quantiser.ts";

const [program, from = "", type = "", to = ""] = process.argv.slice(2);
const FILE_TYPE: Readonly<Record<string, number>> = { Q8_0: 7, Q4_0: 2, Q4_K: 15 };
const Q8_0 = 8;
if (program === "firn") {
  await writeApertusGguf({
    weightsDir: from,
    tokenizerDir: from,
    path: to,
    type: type as GgufFileType,
    about: { name: "bench", languages: [] },
  });
} else {
  const libraries = llamaLibraries();
  if (libraries === undefined) throw new Error("llama.cpp's libraries for Linux on x64 are not installed");
  const choice = { ftype: FILE_TYPE[type]!, ...(type === "Q4_0" ? { output_tensor_type: Q8_0 } : {}) };
  if (llamaQuantiser(libraries)(from, to, choice) !== 0) throw new Error("llama.cpp did not quantise");
}
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ seconds: (userCPUTime + systemCPUTime) / 1e6, kilobytes: maxRSS }));
