/**
 * @file Stop strings in a stream of text. A stop string may begin in one token and end in another, so text that
 * could still become one is held back; the result does not depend on how the text was cut into pieces.
 */

export interface StopStep {
  /** Text that is safe to show. */
  readonly text: string;
  /** The stop string once one is complete; `text` then ends just before it and nothing more will come. */
  readonly stopString: string | undefined;
}

export class StopMatcher {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  push(piece: string): StopStep {
    const text = this.#held + piece;
    const match = this.#firstComplete(text);
    if (match !== undefined) {
      this.#held = "";
      return { text: text.slice(0, match.start), stopString: match.stop };
    }
    const held = this.#possibleStart(text);
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), stopString: undefined };
  }

  /** The text still held back, when nothing follows it. */
  end(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  /** The stop string that is complete first, reading from the left; among equals the longest. */
  #firstComplete(text: string): { readonly start: number; readonly stop: string } | undefined {
    let first: { readonly start: number; readonly stop: string } | undefined;
    let end = Number.POSITIVE_INFINITY;
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      if (start === -1 || start + stop.length > end) continue;
      if (first === undefined || start + stop.length < end || start < first.start) first = { start, stop };
      end = start + stop.length;
    }
    return first;
  }

  /** Length of the longest tail of `text` with which some stop string begins. */
  #possibleStart(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
