/**
 * @file The audit log: who used what, when and how much, one JSON line a request, and never a word of what was said. It is
 * appended to and never read by the server, so that it can be moved away while the server runs.
 */
import { type FileHandle, mkdir, open } from "node:fs/promises";
import path from "node:path";
import { canonicalJson } from "../../core/index.ts";

export interface AuditLine {
  readonly time: string;
  readonly request: string;
  /** Id of the key, `null` without one. */
  readonly key: string | null;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
  readonly model: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Requests for removal whose passages the output filter kept back. */
  readonly filtered: readonly string[];
}

export class AuditLog {
  readonly #file: FileHandle;
  /** Lines are written one after the other, so that two never mix. */
  #last: Promise<void> = Promise.resolve();
  readonly #fault: (error: unknown) => void;

  private constructor(file: FileHandle, fault: (error: unknown) => void) {
    this.#file = file;
    this.#fault = fault;
  }

  /** Opens `file` to append to it, for its owner's eyes only. @param fault told when a line cannot be written */
  static async open(file: string, fault: (error: unknown) => void): Promise<AuditLog> {
    await mkdir(path.dirname(path.resolve(file)), { recursive: true });
    return new AuditLog(await open(file, "a", 0o600), fault);
  }

  write(line: AuditLine): void {
    const text = `${canonicalJson({ ...line, filtered: [...line.filtered] })}\n`;
    this.#last = this.#last.then(() => this.#file.appendFile(text)).catch(this.#fault);
  }

  /** Waits for the last line and flushes the file. */
  async close(): Promise<void> {
    await this.#last;
    await this.#file.sync();
    await this.#file.close();
  }
}
