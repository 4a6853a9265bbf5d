/**
 * @file Reads tool calls while they are written: `[{"name": {…}}, {"name": {…}}]`, the form of Apertus
 * (swiss-ai/apertus_format, docs/format.md), in pieces of any size. A constraint has held the text to that form.
 */
import { randomUUID } from "node:crypto";

export type CallEvent =
  /** `key` is unique; each API puts its own prefix before it. */
  | { readonly kind: "call"; readonly call: number; readonly key: string; readonly name: string }
  | { readonly kind: "arguments"; readonly call: number; readonly text: string };

export class CallReader {
  #where: "between" | "name" | "before" | "arguments" = "between";
  #call = -1;
  #name = "";
  /** Open braces and brackets of the arguments. */
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Calls begun so far. */
  get count(): number {
    return this.#call + 1;
  }

  push(text: string): CallEvent[] {
    const events: CallEvent[] = [];
    let written = "";
    const flush = (): void => {
      if (written !== "") events.push({ kind: "arguments", call: this.#call, text: written });
      written = "";
    };
    for (const character of text) {
      switch (this.#where) {
        case "between":
          if (character === '"') [this.#where, this.#name] = ["name", ""];
          break;
        case "name":
          if (character === '"') this.#where = "before";
          else this.#name += character;
          break;
        case "before":
          // The colon and the space after the name.
          if (character !== "{") break;
          this.#call += 1;
          const key = randomUUID().replaceAll("-", "").slice(0, 24);
          events.push({ kind: "call", call: this.#call, key, name: this.#name });
          this.#where = "arguments";
          this.#depth = 0;
          written += this.#argument(character);
          break;
        case "arguments":
          written += this.#argument(character);
          if (this.#depth > 0) break;
          flush();
          this.#where = "between";
      }
    }
    flush();
    return events;
  }

  #argument(character: string): string {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === "\\") this.#escaped = true;
      else if (character === '"') this.#inString = false;
    } else if (character === '"') this.#inString = true;
    else if (character === "{" || character === "[") this.#depth += 1;
    else if (character === "}" || character === "]") this.#depth -= 1;
    return character;
  }
}
