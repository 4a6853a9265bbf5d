/**
 * @file The output filter at work on one answer: text is held back while it may still become a filtered passage, and
 * none of a filtered passage is ever let out. What is let out does not depend on how the answer was cut into pieces.
 */
import { type OutputFilter, textUnits, windowHash } from "../artifacts/index.ts";

/** A filter made ready: asked once per word. */
export class OutputIndex {
  readonly #key: Buffer;
  /** Request by hash, by the number of units in a window. */
  readonly #windows: ReadonlyMap<number, ReadonlyMap<string, string>>;
  /** Units of the longest window. */
  readonly longest: number;
  readonly version: number;

  constructor(filter: OutputFilter) {
    this.#key = Buffer.from(filter.key, "hex");
    this.version = filter.version;
    const windows = new Map<number, Map<string, string>>();
    for (const { units, hashes, request } of filter.entries) {
      const known = windows.get(units) ?? new Map<string, string>();
      windows.set(units, known);
      for (const hash of hashes) known.set(hash, request);
    }
    this.#windows = windows;
    this.longest = Math.max(0, ...windows.keys());
  }

  /** The request that a window at the end of `folded` is filtered for, and the units of that window. */
  match(folded: readonly string[]): { readonly request: string; readonly units: number } | undefined {
    for (const [units, known] of this.#windows) {
      if (units > folded.length) continue;
      const request = known.get(windowHash(this.#key, folded.slice(folded.length - units)));
      if (request !== undefined) return { request, units };
    }
    return undefined;
  }
}

export interface GuardStep {
  /** Text that may be shown. */
  readonly text: string;
  /** The request whose passage came up; nothing may follow. */
  readonly blocked: string | undefined;
}

interface PlacedUnit {
  readonly folded: string;
  /** Offset in the whole answer. */
  readonly start: number;
}

export class OutputGuard {
  readonly #index: OutputIndex;
  /** The last units that a window may still take in, complete ones only. */
  #recent: PlacedUnit[] = [];
  /** Text not let out yet, and where it starts in the answer. */
  #held = "";
  #heldStart = 0;
  /** Where in the answer the first unit lies that is not in `#recent` yet. */
  #read = 0;

  constructor(index: OutputIndex) {
    this.#index = index;
  }

  push(piece: string): GuardStep {
    return this.#advance(piece, false);
  }

  /** What is left, when nothing follows. */
  end(): GuardStep {
    return this.#advance("", true);
  }

  #advance(piece: string, last: boolean): GuardStep {
    this.#held += piece;
    const heldEnd = this.#heldStart + this.#held.length;
    let open = heldEnd;
    for (const { folded, start, end } of textUnits(this.#held.slice(this.#read - this.#heldStart))) {
      const place = { folded, start: this.#read + start };
      if (!last && this.#read + end === heldEnd) {
        open = place.start;
        break;
      }
      this.#recent.push(place);
      if (this.#recent.length > this.#index.longest) this.#recent.shift();
      const match = this.#index.match(this.#recent.map((unit) => unit.folded));
      if (match !== undefined) {
        const first = this.#recent[this.#recent.length - match.units]!;
        return { text: this.#release(first.start), blocked: match.request };
      }
    }
    this.#read = open;
    // A window that ends with the next unit begins at most `longest - 1` units back.
    const keep = this.#recent.slice(Math.max(0, this.#recent.length - (this.#index.longest - 1)));
    const safe = last ? heldEnd : Math.min(open, keep[0]?.start ?? open);
    return { text: this.#release(safe), blocked: undefined };
  }

  #release(end: number): string {
    const length = Math.max(0, end - this.#heldStart);
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    this.#heldStart += length;
    return text;
  }
}
