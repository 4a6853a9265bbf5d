/** @file Exact duplicates: of documents with the same normalised text, the first one stays. */

/** Remembers the hash of every kept document, so it must see all documents in one place and in order. */
export class ExactDuplicates {
  readonly #first = new Map<string, number>();

  /** The number of the document that had this hash first; `undefined` when it is new and now belongs to `number`. */
  firstOf(sha256: string, number: number): number | undefined {
    const first = this.#first.get(sha256);
    if (first === undefined) this.#first.set(sha256, number);
    return first;
  }
}
