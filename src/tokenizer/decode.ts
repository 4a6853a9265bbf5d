/** @file From token ids back to text, at once or as a stream that never splits a character. */

/** The bytes of each token, in one block. */
export class TokenBytes {
  readonly #block: Uint8Array;
  readonly #starts: Int32Array;

  constructor(tokens: readonly Uint8Array[]) {
    this.#starts = new Int32Array(tokens.length + 1);
    for (const [id, bytes] of tokens.entries()) this.#starts[id + 1] = this.#starts[id]! + bytes.length;
    this.#block = new Uint8Array(this.#starts[tokens.length]!);
    for (const [id, bytes] of tokens.entries()) this.#block.set(bytes, this.#starts[id]);
  }

  /** A view of the bytes of token `id`, which must be inside the vocabulary. */
  get(id: number): Uint8Array {
    return this.#block.subarray(this.#starts[id], this.#starts[id + 1]);
  }

  /** How many bytes token `id` stands for. */
  lengthOf(id: number): number {
    return this.#starts[id + 1]! - this.#starts[id]!;
  }

  /** The bytes of all `ids`, one after the other. */
  join(ids: ArrayLike<number>): Uint8Array {
    let length = 0;
    for (let i = 0; i < ids.length; i++) length += this.lengthOf(ids[i]!);
    const bytes = new Uint8Array(length);
    let at = 0;
    for (let i = 0; i < ids.length; i++) {
      const from = this.#starts[ids[i]!]!;
      const to = this.#starts[ids[i]! + 1]!;
      for (let j = from; j < to; j++) bytes[at++] = this.#block[j]!;
    }
    return bytes;
  }
}

/** UTF-8 to text; bytes that are not UTF-8 become U+FFFD, as Hugging Face's library does it. */
export function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * Turns tokens into text one by one: `push` returns what has become certain, which is nothing while a character's
 * bytes are incomplete. The pieces and `end()` together are the text that decoding all ids at once gives.
 */
export class StreamDecoder {
  readonly #bytesOf: (id: number) => Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** `bytesOf` gives the bytes of a token (none for tokens that are to be left out). */
  constructor(bytesOf: (id: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  push(id: number): string {
    return this.#decoder.decode(this.#bytesOf(id), { stream: true });
  }

  /** The rest: U+FFFD when the last character never became complete. */
  end(): string {
    return this.#decoder.decode();
  }
}
