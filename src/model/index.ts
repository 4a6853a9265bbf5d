/** @file `firn/model`: the Apertus decoder, its configuration and its parameter names. */
export * from "./config.ts";
export * from "./reference.ts";
export * from "./rope.ts";
