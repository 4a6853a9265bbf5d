/**
 * @file The ledger: `<store>/ledger/facts.jsonl`, to which facts are only ever added. Each line carries the hash of the
 * line before, so that a line that was altered, taken out or moved breaks the chain at a place that can be named. (That
 * lines are missing at the very end can only be seen by whoever kept the last hash; published releases do.)
 */
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { diskError, withLockSync } from "../artifacts/index.ts";
import { assert, canonicalJson, FirnError, type Reporter, silentReporter } from "../core/index.ts";
import { CHAIN_START, type Fact, type NewFact, parseFact, sealFact } from "./fact.ts";

const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 16 * 1024 * 1024;

function brokenLink(path: string, line: number, fault: string): FirnError {
  return new FirnError("LEDGER_BROKEN", {
    expected: "an unbroken chain of facts",
    got: `a ledger whose line ${line} ${fault}`,
    where: `${path}:${line}`,
    next:
      "Put the original ledger back from a copy. Without one, move the ledger folder away and build into a new store: " +
      "facts that were lost cannot be made up.",
  });
}

/** Lines of the file with their numbers (from 1), without holding more than one; the last may lack its newline. */
async function* readLines(path: string): AsyncGenerator<{ text: string; whole: boolean }, void, undefined> {
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
    const bytes = chunk as Buffer;
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
      rest.push(bytes.subarray(from, at));
      yield { text: Buffer.concat(rest).toString(), whole: true };
      rest = [];
      from = at + 1;
    }
    if (from < bytes.length) rest.push(bytes.subarray(from));
  }
  if (rest.length > 0) yield { text: Buffer.concat(rest).toString(), whole: false };
}

/**
 * All facts of the ledger file at `path`, oldest first, each checked against the one before it. A last line without
 * its newline is left out: it is being written, or was torn by a kill.
 *
 * @throws FirnError `LEDGER_BROKEN` naming the first line that is not what follows the line before
 */
async function* readChain(path: string): AsyncGenerator<Fact, void, undefined> {
  if (!existsSync(path)) return;
  let previous = CHAIN_START;
  let seq = 0;
  for await (const { text, whole } of readLines(path)) {
    if (!whole) return;
    const fact = parseFact(text);
    if (typeof fact === "string") throw brokenLink(path, seq + 1, fact);
    if (fact.previous !== previous || fact.seq !== seq) {
      throw brokenLink(path, seq + 1, "does not follow the line before: lines were taken out or moved here");
    }
    previous = fact.hash;
    seq += 1;
    yield fact;
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(file, buffer, filled, length - filled, position + filled);
    assert(count > 0, "a locked ledger does not shrink");
    filled += count;
  }
  return buffer;
}

/** The last whole line of the file and where the bytes after it begin. */
function readTail(file: number, size: number): { line: Buffer; end: number } {
  for (let window = 1 << 16; ; window *= 8) {
    const start = Math.max(0, size - window);
    const bytes = readAt(file, start, size - start);
    const last = bytes.lastIndexOf(NEWLINE);
    const before = last <= 0 ? -1 : bytes.lastIndexOf(NEWLINE, last - 1);
    if (start === 0 || (last !== -1 && before !== -1)) {
      return last === -1
        ? { line: Buffer.alloc(0), end: 0 }
        : { line: bytes.subarray(before + 1, last), end: start + last + 1 };
    }
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
  fsyncSync(file);
}

/** The facts of a store. Several processes may append; each append takes a short lock and is on the disk when it returns. */
export class Ledger {
  /** `<store>/ledger/facts.jsonl` */
  readonly path: string;
  readonly #report: Reporter;
  /** Size of the file after our last look, and the head of the chain there. */
  #size = 0;
  #seq = 0;
  #head = CHAIN_START;

  private constructor(path: string, report: Reporter) {
    this.path = path;
    this.#report = report;
  }

  /**
   * Opens (or starts) the ledger of the store in `storeDir` and checks its last line. A line that a kill tore in the
   * middle of writing is moved to `facts.torn` beside the ledger, and that is reported.
   *
   * @throws FirnError `LEDGER_BROKEN`, `STORE_LOCKED`, `DISK_FULL`, `DISK_DENIED`
   */
  static open(storeDir: string, report: Reporter = silentReporter): Ledger {
    const ledger = new Ledger(join(resolve(storeDir), "ledger", "facts.jsonl"), report);
    if (existsSync(ledger.path)) ledger.#locked(0, () => undefined);
    return ledger;
  }

  /** Hash of the newest fact that this process has seen. */
  get head(): string {
    return this.#head;
  }

  /** How many facts this process has seen. */
  get length(): number {
    return this.#seq;
  }

  /** Adds a fact; when this returns it survives a kill and a power cut. Throws like `open`. */
  append(fact: NewFact): Fact {
    return this.#locked(canonicalJson(fact.data).length + 500, (file) => {
      const sealed = sealFact(fact, this.#seq, this.#head, new Date().toISOString());
      const line = Buffer.from(`${canonicalJson(sealed)}\n`);
      assert(
        line.length <= MAX_LINE_BYTES,
        `a fact of kind ${fact.kind} is too large; put tables into Parquet`,
      );
      assert(typeof parseFact(line.toString()) !== "string", `a fact of kind ${fact.kind} can be read back`);
      try {
        writeAll(file, line);
      } catch (error) {
        try {
          ftruncateSync(file, this.#size);
        } catch {
          // The half line stays; the next look at the ledger finds it torn and sets it aside.
        }
        throw error;
      }
      this.#size += line.length;
      this.#seq += 1;
      this.#head = sealed.hash;
      return sealed;
    });
  }

  /** All facts, oldest first; throws `LEDGER_BROKEN` at the first broken link. */
  facts(): AsyncGenerator<Fact, void, undefined> {
    return readChain(this.path);
  }

  /**
   * The facts by which the artifacts with these fingerprints came to be, oldest first: of each, those of its last
   * completed attempt (one that `stage.done` ended). A fact that a resumed run said again counts once.
   */
  async factsOf(fingerprints: readonly string[]): Promise<Fact[]> {
    const wanted = new Set(fingerprints);
    const facts: Fact[] = [];
    const completed = new Map<string, number>();
    for await (const fact of this.facts()) {
      if (!wanted.has(fact.fingerprint)) continue;
      facts.push(fact);
      if (fact.kind === "stage.done") completed.set(fact.fingerprint, fact.attempt);
    }
    const said = new Set<string>();
    return facts.filter((fact) => {
      if (completed.get(fact.fingerprint) !== fact.attempt) return false;
      const key = `${fact.fingerprint} ${fact.kind} ${canonicalJson(fact.data)}`;
      if (said.has(key)) return false;
      said.add(key);
      return true;
    });
  }

  /** Runs `work` on the open file, under the lock, with the head of the chain up to date. */
  #locked<T>(bytes: number, work: (file: number) => T): T {
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      return withLockSync(`${this.path}.lock`, "the ledger", () => {
        const file = openSync(this.path, "a+");
        try {
          this.#catchUp(file);
          return work(file);
        } finally {
          closeSync(file);
        }
      });
    } catch (error) {
      throw diskError(error, this.path, bytes);
    }
  }

  #catchUp(file: number): void {
    const { size } = fstatSync(file);
    if (size === this.#size) return;
    const { line, end } = readTail(file, size);
    if (end < size) this.#setAside(file, end, readAt(file, end, size - end));
    this.#size = end;
    if (end === 0) {
      this.#seq = 0;
      this.#head = CHAIN_START;
      return;
    }
    const fact = parseFact(line.toString());
    if (typeof fact === "string") {
      throw new FirnError("LEDGER_BROKEN", {
        expected: "a ledger that ends with a fact",
        got: `a last line that ${fact}`,
        where: this.path,
        next: "Put the original ledger back from a copy, or move the ledger folder away and build into a new store.",
      });
    }
    this.#seq = fact.seq + 1;
    this.#head = fact.hash;
  }

  #setAside(file: number, end: number, torn: Buffer): void {
    const tornPath = join(dirname(this.path), "facts.torn");
    const aside = openSync(tornPath, "a");
    try {
      writeAll(aside, Buffer.concat([torn, Buffer.from("\n")]));
    } finally {
      closeSync(aside);
    }
    ftruncateSync(file, end);
    fsyncSync(file);
    this.#report.line(
      `The last line of the ledger was torn by an interruption (${torn.length} bytes); it is kept in ${tornPath}. ` +
        "The step that wrote it runs again and says it anew.",
    );
  }
}

/** What a walk along the whole chain found. */
export interface LedgerVerdict {
  readonly facts: number;
  /** Hash of the last fact. */
  readonly head: string;
  /**
   * The first line (from 1) whose time lies before that of a line in front of it: somebody set the clock. The order is
   * still certain, the times around it are not. `null` if there is none.
   */
  readonly backwards: number | null;
  /** Time of the newest fact; null where there is none. */
  readonly latest: string | null;
  /**
   * SHA-256 of the manifest by which each artifact was recorded last, by fingerprint; null while its end is not recorded,
   * which the next build does for an artifact that was finished right before a kill.
   */
  readonly manifests: ReadonlyMap<string, string | null>;
  /** Whether the chain holds the fact that was asked for. */
  readonly holds: boolean;
}

const doneSchema = z.object({ manifest: z.string() });

/**
 * Walks the whole chain of the ledger in `storeDir`.
 *
 * @param wanted hash of a fact that the chain must hold (`holds`): what a published release says its newest fact was
 * @throws FirnError `LEDGER_BROKEN` naming the first broken line
 */
export async function verifyLedger(storeDir: string, wanted?: string): Promise<LedgerVerdict> {
  const manifests = new Map<string, string | null>();
  let holds = false;
  let facts = 0;
  let head = CHAIN_START;
  let latest = "";
  let backwards: number | null = null;
  for await (const fact of readChain(join(resolve(storeDir), "ledger", "facts.jsonl"))) {
    facts += 1;
    head = fact.hash;
    holds ||= fact.hash === wanted;
    if (fact.kind === "stage.start") manifests.set(fact.fingerprint, null);
    const done = fact.kind === "stage.done" ? doneSchema.safeParse(fact.data).data : undefined;
    if (done !== undefined) manifests.set(fact.fingerprint, done.manifest);
    if (fact.time < latest) backwards ??= facts;
    else latest = fact.time;
  }
  return { facts, head, backwards, latest: latest === "" ? null : latest, manifests, holds };
}
