/**
 * @file A pre-tokenisation rule as a table: one look-up per character, no backtracking. The table is the
 * determinised form of a matcher that tries alternatives in their order (Thompson's construction with the ordered
 * threads of Pike's machine; Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009), extended by
 * one character of looking ahead.
 */
import { type CharacterPartition, type CharacterSet, partition } from "./character-sets.ts";
import { parsePattern, type PatternNode, refusePattern } from "./pattern.ts";

/** Ready to run. The scanner (`pretokenize.ts`) gives each character its number and follows the table. */
export interface PieceAutomaton {
  /** By code point: the column of a character. Surrogates have `SURROGATE`. */
  readonly columnOf: Uint8Array;
  /** Column for the end of the text. */
  readonly endColumn: number;
  /** The state at which every match starts; states are positions of rows in the table. */
  readonly start: number;
  /** `table[state + column]` = 2 · next state + 1 when a match ends before this character. State 0 is the end. */
  readonly table: Uint16Array;
}

/** The column of all surrogates: the scanner puts pairs together itself. */
export const SURROGATE = 255;
const MOST_COLUMNS = 250;
const MOST_INSTRUCTIONS = 5000;
const MOST_ENTRIES = 1 << 15;

/** `set`: take a character of set a, go on at b. `ahead`: as `PatternNode`. `split`: try a, then b. */
type Instruction =
  | { readonly kind: "set" | "ahead" | "notAhead"; readonly set: number; readonly next: number }
  | { readonly kind: "split"; readonly options: number[] }
  | { readonly kind: "match" };

/** Thompson's construction, from the end of the rule to its start. */
class Compiler {
  readonly instructions: Instruction[] = [{ kind: "match" }];
  readonly sets: CharacterSet[] = [];
  readonly #setIndex = new Map<string, number>();
  readonly #pattern: string;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** Where a matcher has to start that first matches `node` and then what starts at `next`. */
  compile(node: PatternNode, next: number): number {
    switch (node.kind) {
      case "set":
        return this.#add({ kind: "set", set: this.#set(node.set), next });
      case "ahead":
        return this.#add({ kind: node.negative ? "notAhead" : "ahead", set: this.#set(node.set), next });
      case "sequence":
        return node.items.reduceRight((after, item) => this.compile(item, after), next);
      case "choice":
        return this.#add({
          kind: "split",
          options: node.options.map((option) => this.compile(option, next)),
        });
      case "repeat":
        return this.#repeat(node, next);
    }
  }

  #repeat({ item, least, most }: PatternNode & { kind: "repeat" }, next: number): number {
    let start = next;
    if (most === Number.POSITIVE_INFINITY) {
      const options: number[] = [];
      start = this.#add({ kind: "split", options });
      options.push(this.compile(item, start), next);
    }
    for (let i = least; i < most && most < Number.POSITIVE_INFINITY; i++) {
      start = this.#add({ kind: "split", options: [this.compile(item, start), next] });
    }
    for (let i = 0; i < least; i++) start = this.compile(item, start);
    return start;
  }

  #add(instruction: Instruction): number {
    if (this.instructions.length === MOST_INSTRUCTIONS) refusePattern(this.#pattern, 0, "a huge rule");
    return this.instructions.push(instruction) - 1;
  }

  #set(set: CharacterSet): number {
    const key = set.join();
    let index = this.#setIndex.get(key);
    if (index === undefined) {
      index = this.sets.push(set) - 1;
      this.#setIndex.set(key, index);
    }
    return index;
  }
}

/** The instructions that wait for a character, in the order of preference, when that character is of `column`. */
class Threads {
  readonly waiting: number[] = [];
  /** The preferred match ends here; what is less preferred was left out. */
  matched = false;
  readonly #instructions: readonly Instruction[];
  readonly #holds: (set: number) => boolean;
  readonly #seen = new Set<number>();

  constructor(instructions: readonly Instruction[], holds: (set: number) => boolean) {
    this.#instructions = instructions;
    this.#holds = holds;
  }

  add(start: number): void {
    const stack = [start];
    while (stack.length > 0 && !this.matched) {
      const at = stack.pop()!;
      if (this.#seen.has(at)) continue;
      this.#seen.add(at);
      const instruction = this.#instructions[at]!;
      if (instruction.kind === "match") this.matched = true;
      else if (instruction.kind === "split") stack.push(...instruction.options.toReversed());
      else if (instruction.kind === "set") {
        if (this.#holds(instruction.set)) this.waiting.push(instruction.next);
      } else if (this.#holds(instruction.set) === (instruction.kind === "ahead"))
        stack.push(instruction.next);
    }
  }
}

/** All states that can be reached, and where each column leads from each. */
function determinise(
  pattern: string,
  instructions: readonly Instruction[],
  start: number,
  { size, members }: CharacterPartition,
): number[][] {
  const kernels: (readonly number[])[] = [[], [start]];
  const stateOf = new Map(kernels.map((kernel, state) => [kernel.join(), state]));
  const width = size + 1;
  const rows: number[][] = [Array.from({ length: width }, () => 0)];
  for (let state = 1; state < kernels.length; state++) {
    const row: number[] = [];
    for (let column = 0; column < width; column++) {
      const threads = new Threads(instructions, (set) => members[column]?.[set] === true);
      for (const thread of kernels[state]!) threads.add(thread);
      const kernel = [...new Set(threads.waiting)];
      let next = stateOf.get(kernel.join());
      if (next === undefined) {
        next = kernels.push(kernel) - 1;
        stateOf.set(kernel.join(), next);
        if (kernels.length * width > MOST_ENTRIES) refusePattern(pattern, 0, "a rule of too many states");
      }
      row.push(2 * next * width + (threads.matched ? 1 : 0));
    }
    rows.push(row);
  }
  return rows;
}

/**
 * Compiles an Oniguruma rule.
 *
 * @throws FirnError `TOKENIZER_PATTERN` when the rule uses notation whose meaning could differ, or is too large
 */
export function compilePattern(pattern: string): PieceAutomaton {
  const compiler = new Compiler(pattern);
  const start = compiler.compile(parsePattern(pattern), 0);
  const parts = partition(compiler.sets, MOST_COLUMNS);
  if (parts === undefined) return refusePattern(pattern, 0, "a rule with too many kinds of characters");
  const rows = determinise(pattern, compiler.instructions, start, parts);
  const columnOf = parts.numberOf;
  columnOf.fill(SURROGATE, 0xd800, 0xe000);
  return { columnOf, endColumn: parts.size, start: parts.size + 1, table: Uint16Array.from(rows.flat()) };
}
