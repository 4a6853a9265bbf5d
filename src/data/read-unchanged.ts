/**
 * @file A file of a source that must stay as it is while it is read. The hash of every file is in the record of the source: what
 * is read must be what was hashed, from the first byte to the last, also when somebody replaces or removes the file meanwhile.
 */
import { stat } from "node:fs/promises";
import { hashFile } from "../artifacts/index.ts";
import { FirnError, systemErrorCode } from "../core/index.ts";
import type { FilePlace, FileReader, FoundPiece } from "./readers/reader.ts";
import type { SourceFile } from "./resolve-source.ts";

/** What tells a file from another one at the same place; `undefined` when there is none. */
async function identityOf({ path }: SourceFile): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info === undefined ? undefined : `${info.ino} ${info.size} ${info.mtimeMs}`;
}

/** A file whose hash was found to be right. */
export class UnchangedFile {
  readonly #file: SourceFile;
  readonly #source: string;
  readonly #identity: string | undefined;

  private constructor(file: SourceFile, source: string, identity: string | undefined) {
    this.#file = file;
    this.#source = source;
    this.#identity = identity;
  }

  /** Hashes the file. `source` is the id of its source. @throws FirnError `DATA_SOURCE_CHANGED` */
  static async open(file: SourceFile, source: string): Promise<UnchangedFile> {
    const opened = new UnchangedFile(file, source, await identityOf(file));
    const hash = (await hashFile(file.path).catch(() => undefined))?.sha256;
    if (hash !== file.sha256) throw opened.#changed();
    return opened;
  }

  /** Says that all that was read until now was in the file that was hashed. @throws FirnError `DATA_SOURCE_CHANGED` */
  async check(): Promise<void> {
    if ((await identityOf(this.#file)) !== this.#identity) throw this.#changed();
  }

  /** The pieces of the file from `place` on, which moves. @throws FirnError `DATA_SOURCE_CHANGED` */
  async *read(read: FileReader, place: FilePlace): AsyncGenerator<FoundPiece[], void, undefined> {
    try {
      yield* read(this.#file, place);
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") throw this.#changed();
      throw error;
    }
    await this.check();
  }

  #changed(): FirnError {
    const { name, sha256 } = this.#file;
    return new FirnError("DATA_SOURCE_CHANGED", {
      expected: `the file that was hashed when the build was planned (SHA-256 ${sha256.slice(0, 12)}…)`,
      got: "other content, or no file",
      where: `${name} of source "${this.#source}"`,
      next: "Something is still writing there. Let it finish, then run the same command again.",
    });
  }
}
