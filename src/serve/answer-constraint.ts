/**
 * @file The form of one answer, token by token: text that is free or bound to a grammar, and tool calls between their marks,
 * which the model may, must or must not make. Inside the marks stands nothing but calls of the tools that were offered.
 */
import { type Grammar, GrammarConstraint, type TokenConstraint, type TokenTable } from "../generate/index.ts";
import type { Marks } from "./chat-codec.ts";

export interface AnswerForm {
  readonly table: TokenTable;
  /** What the text must be; undefined leaves it free. */
  readonly text: Grammar | undefined;
  readonly calls:
    | { readonly marks: Marks; readonly grammar: Grammar; readonly need: "may" | "must" }
    | { readonly marks: Marks; readonly grammar: undefined; readonly need: "never" }
    | undefined;
  /** Tokens that end a text. */
  readonly endIds: readonly number[];
}

export class AnswerConstraint implements TokenConstraint {
  readonly #form: AnswerForm;
  /** The part that is being written; undefined while the text is free. */
  #part: GrammarConstraint | undefined;
  #started = false;
  #calling = false;

  constructor(form: AnswerForm) {
    this.#form = form;
    if (form.text !== undefined) this.#part = new GrammarConstraint(form.table, form.text, form.endIds);
  }

  get complete(): boolean {
    return this.#part?.complete ?? false;
  }

  few(limit: number): readonly number[] | undefined {
    const { calls } = this.#form;
    if (this.#mustCall()) return [calls!.marks.open];
    const few = this.#part?.few(limit);
    return few !== undefined && this.#mayCall() ? [...few, calls!.marks.open] : few;
  }

  allows(id: number): boolean {
    const { calls } = this.#form;
    if (id === calls?.marks.open) return this.#mayCall();
    if (this.#mustCall()) return false;
    return this.#part?.allows(id) ?? true;
  }

  accept(id: number): void {
    const { calls, table } = this.#form;
    if (id === calls?.marks.open && calls.grammar !== undefined) {
      this.#part = new GrammarConstraint(table, calls.grammar, [calls.marks.close]);
      this.#calling = true;
    } else {
      this.#part?.accept(id);
    }
    this.#started = true;
  }

  #mustCall(): boolean {
    return this.#form.calls?.need === "must" && !this.#calling;
  }

  /** Before a text that is bound, or anywhere in free text. */
  #mayCall(): boolean {
    const { calls, text } = this.#form;
    if (calls === undefined || calls.need === "never" || this.#calling) return false;
    return text === undefined || !this.#started;
  }
}
