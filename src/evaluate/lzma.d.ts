/** @file The part of the package `lzma` (LZMA-JS) that Firn uses; it comes without types of its own. */
declare module "lzma" {
  interface Lzma {
    /** Packs at `mode` 1–9; calls back with the bytes (as signed integers), or with null and what went wrong. */
    compress(
      data: Uint8Array,
      mode: number,
      done: (packed: readonly number[] | null, error?: unknown) => void,
    ): void;
    /** Unpacks; text comes back as a string, anything else as signed bytes. */
    decompress(
      data: Uint8Array,
      done: (unpacked: string | readonly number[] | null, error?: unknown) => void,
    ): void;
  }
  export function LZMA(): Lzma;
}
