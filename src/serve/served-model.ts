/** @file A model under the name by which clients ask for it. */
import type { LanguageModel } from "../generate/index.ts";
import type { Origins } from "../ledger/index.ts";
import { modelNotFound } from "./api-error.ts";
import type { ChatCodec } from "./chat-codec.ts";

export interface ServedModel {
  /** What clients put in the field `model`. */
  readonly id: string;
  readonly model: LanguageModel;
  readonly chat: ChatCodec;
  /** Seconds since 1970, as the API reports it. */
  readonly created: number;
  /** Where passages of a text stand in the documents this model was trained on, when those are on this machine. */
  readonly origins?: ((text: string) => Promise<Origins>) | undefined;
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
