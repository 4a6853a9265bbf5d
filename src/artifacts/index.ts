/** @file `firn/artifacts`: the nouns on disk, their readers and writers, the manifest and the store. */
export * from "./artifact.ts";
export * from "./half-precision.ts";
export * from "./safetensors.ts";
