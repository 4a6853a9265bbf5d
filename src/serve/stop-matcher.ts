/**
 * @file Stop strings in a stream of text. A stop string may begin in one token and end in another, so text that
 * could still become one is held back; the result does not depend on how the text was cut into pieces.
 */

export interface StopStep {
  /** Text that is safe to show. */
  readonly text: string;
  /** True once a stop string is complete; `text` then ends just before it and nothing more will come. */
  readonly stopped: boolean;
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
      return { text: text.slice(0, match), stopped: true };
    }
    const held = this.#possibleStart(text);
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), stopped: false };
  }

  /** The text still held back, when nothing follows it. */
  end(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  /** Where the stop string starts that is complete first, reading from the left; among equals the longest. */
  #firstComplete(text: string): number | undefined {
    let start: number | undefined;
    let end = Number.POSITIVE_INFINITY;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at === -1 || at + stop.length > end) continue;
      start = at + stop.length < end || start === undefined ? at : Math.min(start, at);
      end = at + stop.length;
    }
    return start;
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
