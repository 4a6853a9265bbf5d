/** @file `firn/data`: sources, readers and the steps that turn their text into documents. */
export {
  acquireSource,
  type SourceRecord,
  sourceIdentity,
  sourceRecord,
  sourceRecordSchema,
} from "./acquire-source.ts";
export { type CleanConfig, cleanConfigSchema } from "./clean-config.ts";
export { cleanDocuments, LANGUAGE_MODEL_FILE } from "./clean-documents.ts";
export { decideFates } from "./distribute.ts";
export { type ExtractSummary, extractDocuments } from "./extract-documents.ts";
export { FirstSeen } from "./first-seen.ts";
export type { DocumentsSummary, FreezeFact, SplitCount } from "./freeze.ts";
export { FastText } from "./language/fasttext.ts";
export { type FastTextTables, readFastText } from "./language/fasttext-file.ts";
export { type Identification, LanguageIdentifier } from "./language/identifier.ts";
export { parseLanguageCode } from "./language/language-code.ts";
export { dominantScript } from "./language/script.ts";
export { type CrawlSummary, crawlSites } from "./crawl/crawl-site.ts";
export { BandFiles, Groups } from "./near-duplicates/band-files.ts";
export { APERTUS_MINHASH, detectionProbability, MinHasher } from "./near-duplicates/minhash.ts";
export { shingleHashes } from "./near-duplicates/shingles.ts";
export { fetchSnapshot, type FetchSummary, rankHosts } from "./optout/fetch-snapshot.ts";
export { type Declaration, readDeclarations } from "./readers/declarations.ts";
export { fetchSource } from "./remote/fetch-source.ts";
export { pinAddress, type PinnedAddress } from "./remote/pin-address.ts";
export { type RemoteAccess, remoteAccess } from "./remote/remote-access.ts";
export { type ResolvedClean, resolveClean } from "./resolve-clean.ts";
export { type ResolvedSource, resolveSource, type SourceFile } from "./resolve-source.ts";
export {
  licenceOf,
  SOURCE_CATEGORIES,
  type SourceCategory,
  type SourceSpec,
  sourceSpecSchema,
} from "./source-spec.ts";
export { normaliseText } from "./steps/normalise.ts";
export { PII_TOKENS, scrubText } from "./steps/scrub-pii.ts";
export { SurvivorTable } from "./survivor-table.ts";
