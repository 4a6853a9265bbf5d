/** @file `firn/release`: a model as others load it (Hugging Face, GGUF), its legal papers, signature and grade. */
export { domainList } from "./domains.ts";
export {
  type GgufDescription,
  GGUF_FILE_TYPES,
  type GgufFileType,
  ggufBytes,
  ggufTensorName,
  unwritableGguf,
  writeApertusGguf,
} from "./export/gguf-model.ts";
export { type Grade, gradeRelease, renderGrade } from "./grade/grade.ts";
export { writeHfFolder } from "./export/hf-folder.ts";
export { writeOnnxFolder } from "./export/onnx-folder.ts";
export { isMegatronFolder } from "./megatron/read-megatron.ts";
export { writeMegatronFolder } from "./megatron/write-megatron.ts";
export { changesFeed, type Publication } from "./papers/feed.ts";
export type { DomainLookup, PortalData } from "./papers/portal-data.ts";
export type { ReleaseFact } from "./papers/facts.ts";
export { type ProviderProfile, providerProfileSchema } from "./papers/provider.ts";
export { type Published, type PublishOptions, publishRelease, type ReleaseLedger } from "./publish.ts";
export { recreateSummary, renderRecreation } from "./recreate.ts";
export { checkStatement, newSigningKey, signStatement } from "./signature.ts";
export { type ReleaseVerdict, verifyRelease } from "./verify-release.ts";
export { openWeightsFolder, type WeightsFolder } from "./export/weights-folder.ts";
export { type ReleaseOptions, type ReleaseSummary, writeRelease } from "./write-release.ts";
