/** @file The keys of a running server. The file is read again when it changes, so that a revoked key is out at once. */
import { stat } from "node:fs/promises";
import { sha256 } from "../../core/index.ts";
import { type ApiKey, isValid, readApiKeys } from "./api-keys.ts";

/** The file is looked at no more often than this. */
const LOOK_MS = 1000;

export class KeyRing {
  readonly #path: string;
  readonly #now: () => Date;
  #byHash: ReadonlyMap<string, ApiKey> = new Map();
  #seen = "";
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  private constructor(path: string, now: () => Date) {
    this.#path = path;
    this.#now = now;
  }

  /** @throws FirnError `SERVE_KEYS` */
  static async open(path: string, now: () => Date = () => new Date()): Promise<KeyRing> {
    const ring = new KeyRing(path, now);
    await ring.#look();
    return ring;
  }

  get size(): number {
    return this.#byHash.size;
  }

  /**
   * The key whose secret is `secret`, if it is valid now. What is compared is a hash, so the time it takes tells nothing
   * about the keys. A file that has become unreadable closes the server to everybody (`SERVE_KEYS`), not to nobody.
   */
  async find(secret: string): Promise<ApiKey | undefined> {
    if (performance.now() - this.#lookedAt > LOOK_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    const key = this.#byHash.get(sha256(secret));
    return key !== undefined && isValid(key, this.#now()) ? key : undefined;
  }

  async #look(): Promise<void> {
    const seen = await stat(this.#path).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
      () => "missing",
    );
    if (seen !== this.#seen) {
      const keys = await readApiKeys(this.#path);
      this.#byHash = new Map(keys.map((key) => [key.sha256, key]));
      this.#seen = seen;
    }
    this.#lookedAt = performance.now();
  }
}
