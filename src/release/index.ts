/** @file `firn/release`: a model as others load it (Hugging Face, GGUF) and the papers that go with it. */
export type { ReleaseFact } from "./facts.ts";
export type { GgufTensorType } from "./gguf.ts";
export { type GgufDescription, ggufTensorName, writeApertusGguf } from "./gguf-model.ts";
export { writeHfFolder } from "./hf-folder.ts";
export { type ProviderProfile, providerProfileSchema } from "./provider.ts";
export { openWeightsFolder, type WeightsFolder } from "./weights-folder.ts";
export { type ReleaseOptions, type ReleaseSummary, writeRelease } from "./write-release.ts";
