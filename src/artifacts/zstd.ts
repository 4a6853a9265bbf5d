/**
 * @file The zstd codec, loaded once. Loading it a second time would swap its memory while the first user is at work.
 */
import { compress, decompress, init } from "@bokuweb/zstd-wasm";

export interface Zstd {
  /** One frame. */
  compress(bytes: Uint8Array, level: number): Uint8Array;
  /** One frame; `maxBytes` bounds the result where the frame does not declare its size. */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

let loaded: Promise<Zstd> | undefined;

/** The codec, ready for use. */
export function loadZstd(): Promise<Zstd> {
  loaded ??= init().then(() => ({
    compress: (bytes, level) => compress(bytes, level),
    decompress: (bytes, maxBytes) => decompress(bytes, { defaultHeapSize: Math.max(1, maxBytes) }),
  }));
  return loaded;
}
