/** @file What all papers of a release are printed from. */
import type { ModelConfig } from "../../model/index.ts";
import type { ReleaseRecord } from "./facts.ts";
import type { ReleaseIdentity } from "./paper.ts";

export interface PaperInput {
  readonly record: ReleaseRecord;
  readonly release: ReleaseIdentity;
  readonly config: ModelConfig;
  readonly parameters: number;
  /** SPDX expression for the weights. */
  readonly licence: string;
  /** GGUF files in the release. */
  readonly ggufFiles: readonly string[];
  /** Files that hold weights, with their checksums. */
  readonly weightFiles: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  /** Shards of the corpus, with their checksums, where the release was made beside it. */
  readonly corpusFiles: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
}
