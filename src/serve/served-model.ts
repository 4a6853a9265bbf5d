/** @file A model under the name by which clients ask for it. */
import { type LanguageModel, TokenTable } from "../generate/index.ts";
import type { Origins } from "../ledger/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { modelNotFound } from "./api-error.ts";
import type { ChatCodec } from "./chat-codec.ts";

export interface ServedModel {
  /** What clients put in the field `model`. */
  readonly id: string;
  readonly model: LanguageModel;
  readonly chat: ChatCodec;
  /** For the page, which cuts text itself; without it the page asks the server. */
  readonly tokenizer?: Tokenizer;
  /** Seconds since 1970, as the API reports it. */
  readonly created: number;
  /** Where passages of a text stand in the documents this model was trained on, when those are on this machine. */
  readonly origins?: ((text: string) => Promise<Origins>) | undefined;
}

const tables = new WeakMap<ServedModel, TokenTable>();

/** The model's tokens by their bytes, made when an answer is first held to a form. */
export function tokenTable(served: ServedModel): TokenTable {
  let table = tables.get(served);
  if (table === undefined) {
    table = new TokenTable(served.model.vocabSize, (id) => served.chat.tokenBytes(id));
    tables.set(served, table);
  }
  return table;
}

/** The ids of `text` as a document begins: after the start token, if the model knows one. */
export function startedIds({ chat }: ServedModel, text: string): number[] {
  return [...(chat.startId === undefined ? [] : [chat.startId]), ...chat.encode(text)];
}

/** The models of one server, by id; asking for an unknown one is the client's error. */
export class ModelShelf {
  readonly #models: ReadonlyMap<string, ServedModel>;

  constructor(models: readonly ServedModel[]) {
    this.#models = new Map(models.map((served) => [served.id, served]));
  }

  list(): ServedModel[] {
    return [...this.#models.values()];
  }

  /** Throws the API's 404 `model_not_found`. */
  get(id: string): ServedModel {
    const served = this.#models.get(id);
    if (served === undefined) throw modelNotFound(id, [...this.#models.keys()]);
    return served;
  }
}
