/**
 * @file Conversations on disk: one SQLite database (SQLite compiled to WebAssembly, which needs nothing but Node). A message
 * is a row of its own, so that saving an answer costs the same in the first turn and the ten-thousandth. What is deleted
 * is overwritten with zeros (`secure_delete`). A search reads every message, 4 MB in some 15 ms: an index of trigrams
 * found no faster what a person has written, and wiping a long conversation from it took 20 s.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import sqlite from "node-sqlite3-wasm";
import { FirnError, systemErrorCode } from "../core/index.ts";

/** A conversation without its messages. Times are milliseconds since 1970. */
export interface ConversationInfo {
  readonly id: string;
  readonly title: string;
  /** The system prompt; empty for the model's own. */
  readonly system: string;
  readonly created: number;
  readonly updated: number;
  /** The last message of the branch that is shown. */
  readonly leaf: string | null;
}

/** A conversation in a list, with the place where a search found its words. */
export interface ConversationEntry extends ConversationInfo {
  readonly messages: number;
  readonly snippet: string | null;
}

/** A message as a client saves it; `detail` is JSON that the store keeps as it is. */
export interface StoredMessage {
  readonly id: string;
  /** The message before it; null for the first of a branch. */
  readonly parent: string | null;
  readonly role: "user" | "assistant" | "tool";
  readonly content: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What a reader thinks of an answer; kept only with their consent. */
export interface Feedback {
  readonly rating: "good" | "bad";
  readonly comment: string;
}

const SCHEMA_VERSION = 1;
const SCHEMA = `
CREATE TABLE conversation (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, system TEXT NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, leaf TEXT
) WITHOUT ROWID;
CREATE INDEX conversation_newest ON conversation (owner, updated DESC);
CREATE TABLE message (
  number INTEGER PRIMARY KEY, conversation TEXT NOT NULL REFERENCES conversation ON DELETE CASCADE,
  id TEXT NOT NULL, parent TEXT, role TEXT NOT NULL, content TEXT NOT NULL, detail TEXT NOT NULL,
  UNIQUE (conversation, id)
);
CREATE TABLE feedback (
  conversation TEXT NOT NULL, message TEXT NOT NULL, rating TEXT NOT NULL, comment TEXT NOT NULL, consented INTEGER NOT NULL,
  PRIMARY KEY (conversation, message),
  FOREIGN KEY (conversation, message) REFERENCES message (conversation, id) ON DELETE CASCADE
) WITHOUT ROWID;
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** SQLite ends a text at a NUL; a model that says one is quoted with its picture. */
const storable = (text: string): string => text.replaceAll("\0", "␀");

const INFO = "id, title, system, created, updated, leaf";

/** A message that is there keeps its place: a changed parent could close a circle. */
const PUT_MESSAGE = `INSERT INTO message (conversation, id, parent, role, content, detail) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (conversation, id) DO UPDATE SET content = excluded.content, detail = excluded.detail`;

const row = (
  conversation: string,
  { id, parent, role, content, detail }: StoredMessage,
): (string | null)[] => [conversation, id, parent, role, storable(content), JSON.stringify(detail)];

/** The conversations of one server. Every question names the owner, and nobody sees another's. */
export class ConversationStore {
  readonly #database: sqlite.Database;
  readonly #lockPath: string;
  /** What a search looks for, in lower case. */
  #needle = "";

  private constructor(database: sqlite.Database, lockPath: string) {
    this.#database = database;
    this.#lockPath = lockPath;
    database.function("holds", (text) => (String(text).toLowerCase().includes(this.#needle) ? 1 : 0));
  }

  /**
   * Opens the database in the file `path`, or makes one; its folder is for this user alone.
   *
   * @throws FirnError `SERVE_CONVERSATIONS_IN_USE`, `SERVE_CONVERSATIONS_UNREADABLE`
   */
  static open(path: string): ConversationStore {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const lockPath = `${path}.pid`;
    takeLock(lockPath);
    // SQLite's own lock is a folder; one that a killed server left behind would be waited for in vain.
    rmSync(`${path}.lock`, { recursive: true, force: true });
    let database: sqlite.Database | undefined;
    try {
      database = new sqlite.Database(path);
      database.exec("PRAGMA journal_mode = TRUNCATE; PRAGMA secure_delete = ON; PRAGMA cache_size = -16000;");
      const version = database.get("PRAGMA user_version")?.["user_version"];
      if (version === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT;`);
      else if (version !== SCHEMA_VERSION) throw new Error("another format");
      return new ConversationStore(database, lockPath);
    } catch (cause) {
      database?.close();
      rmSync(lockPath, { force: true });
      throw new FirnError("SERVE_CONVERSATIONS_UNREADABLE", {
        expected: `a database of conversations, format ${SCHEMA_VERSION}`,
        got: cause instanceof Error ? cause.message : "something else",
        where: path,
        next: "Move the file away to start with an empty one, or serve it with the version of Firn that wrote it.",
        cause,
      });
    }
  }

  close(): void {
    this.#database.close();
    rmSync(this.#lockPath, { force: true });
  }

  /** Newest first; with `query` those whose title or messages hold it, letter case aside. */
  list(owner: string, query: string, limit: number): ConversationEntry[] {
    const count = "(SELECT count(*) FROM message WHERE conversation = c.id) AS messages";
    if (query === "") {
      const sql = `SELECT ${INFO}, ${count}, NULL AS snippet FROM conversation c WHERE owner = ? ORDER BY updated DESC LIMIT ?`;
      return this.#database.all(sql, [owner, limit]) as unknown as ConversationEntry[];
    }
    this.#needle = query.toLowerCase();
    // `snippet` is the first message of the conversation that holds the words; its neighbourhood is cut out below.
    const sql = `
      WITH found AS (
        SELECT conversation, min(number) AS number FROM message
        WHERE conversation IN (SELECT id FROM conversation WHERE owner = $owner) AND holds(content)
        GROUP BY conversation
      )
      SELECT c.id, title, system, created, updated, leaf, ${count}, m.content AS snippet
      FROM conversation c LEFT JOIN found ON found.conversation = c.id LEFT JOIN message m ON m.number = found.number
      WHERE owner = $owner AND (found.number IS NOT NULL OR holds(title))
      ORDER BY updated DESC LIMIT $limit`;
    const rows = this.#database.all(sql, { $owner: owner, $limit: limit }) as unknown as ConversationEntry[];
    return rows.map((entry) => ({ ...entry, snippet: around(entry.snippet, this.#needle) }));
  }

  /**
   * A conversation as JSON text, made inside SQLite: the whole tree, or with `last` that many messages up from the leaf,
   * so that the end of a long one is on the screen before the rest is read.
   */
  readJson(owner: string, id: string, last?: number): string | undefined {
    if (this.#info(owner, id) === undefined) return undefined;
    const conversation = `SELECT json_object('id', id, 'title', title, 'system', system, 'created', created,
      'updated', updated, 'leaf', leaf) AS json FROM conversation WHERE id = $id`;
    const branch = `WITH RECURSIVE up (number, parent, depth) AS (
      SELECT number, parent, 1 FROM message
      WHERE conversation = $id AND id = (SELECT leaf FROM conversation WHERE id = $id)
      UNION ALL
      SELECT m.number, m.parent, depth + 1 FROM up JOIN message m ON m.conversation = $id AND m.id = up.parent
      WHERE depth < $last
    )`;
    const messages = `${last === undefined ? "" : branch}
      SELECT json_group_array(json_object('id', m.id, 'parent', m.parent, 'role', role, 'content', content,
        'detail', json(detail), 'feedback', CASE WHEN f.rating IS NULL THEN NULL ELSE
          json_object('rating', f.rating, 'comment', f.comment) END)) AS json
      FROM (SELECT * FROM message WHERE conversation = $id
        ${last === undefined ? "" : "AND number IN (SELECT number FROM up)"} ORDER BY number) m
      LEFT JOIN feedback f ON f.conversation = m.conversation AND f.message = m.id`;
    const json = (sql: string, values: Record<string, string | number>): string =>
      this.#database.get(sql, values)!["json"] as string;
    const limited = last === undefined ? {} : { $last: last };
    return `{"conversation":${json(conversation, { $id: id })},"messages":${json(messages, { $id: id, ...limited })}}`;
  }

  /** Makes the conversation or changes what `change` names; false if the id is another owner's. */
  save(
    owner: string,
    id: string,
    change: Partial<Pick<ConversationInfo, "title" | "system" | "leaf">>,
    now: number,
  ): boolean {
    const old = this.#info(owner, id);
    const { title = old?.title ?? "", system = old?.system ?? "", leaf = old?.leaf ?? null } = change;
    const sql = `INSERT INTO conversation (id, owner, title, system, created, updated, leaf) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET title = excluded.title, system = excluded.system, leaf = excluded.leaf
      WHERE owner = excluded.owner`;
    return (
      this.#database.run(sql, [id, owner, storable(title), storable(system), now, now, leaf]).changes > 0
    );
  }

  /** Adds a message or replaces the one with its id; `no-conversation` or `no-parent` if it has no place. */
  saveMessage(
    owner: string,
    conversation: string,
    message: StoredMessage,
    now: number,
  ): "saved" | "no-conversation" | "no-parent" {
    if (this.#info(owner, conversation) === undefined) return "no-conversation";
    const { id, parent } = message;
    const known = "SELECT 1 FROM message WHERE conversation = ? AND id = ?";
    if (parent === id || (parent !== null && this.#database.get(known, [conversation, parent]) === null)) {
      return "no-parent";
    }
    this.#together(() => {
      this.#database.run(PUT_MESSAGE, row(conversation, message));
      this.#database.run("UPDATE conversation SET updated = ?, leaf = ? WHERE id = ?", [
        now,
        id,
        conversation,
      ]);
    });
    return "saved";
  }

  /** Takes in a conversation that was exported, under a new id; parents come before their children. */
  addAll(
    owner: string,
    { id, title, system, created, updated, leaf }: ConversationInfo,
    messages: Iterable<StoredMessage>,
  ): void {
    this.#together(() => {
      const sql =
        "INSERT INTO conversation (id, owner, title, system, created, updated, leaf) VALUES (?, ?, ?, ?, ?, ?, ?)";
      this.#database.run(sql, [id, owner, storable(title), storable(system), created, updated, leaf]);
      const put = this.#database.prepare(PUT_MESSAGE);
      try {
        for (const message of messages) put.run(row(id, message));
      } finally {
        put.finalize();
      }
    });
  }

  /** Keeps (or with `undefined` forgets) what the reader thinks of an answer; false if there is no such answer. */
  saveFeedback(
    owner: string,
    conversation: string,
    message: string,
    feedback: Feedback | undefined,
    now: number,
  ): boolean {
    if (this.#info(owner, conversation) === undefined) return false;
    const answer = "SELECT 1 FROM message WHERE conversation = ? AND id = ? AND role = 'assistant'";
    if (this.#database.get(answer, [conversation, message]) === null) return false;
    if (feedback === undefined) {
      this.#database.run("DELETE FROM feedback WHERE conversation = ? AND message = ?", [
        conversation,
        message,
      ]);
    } else {
      const { rating, comment } = feedback;
      const sql = "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?, ?)";
      this.#database.run(sql, [conversation, message, rating, storable(comment), now]);
    }
    return true;
  }

  /** Deletes one conversation, or with `undefined` all of the owner's; returns how many there were. */
  delete(owner: string, id: string | undefined): number {
    const which = id === undefined ? "owner = ?" : "owner = ? AND id = ?";
    const sql = `DELETE FROM conversation WHERE ${which}`;
    return this.#database.run(sql, id === undefined ? [owner] : [owner, id]).changes;
  }

  #info(owner: string, id: string): ConversationInfo | undefined {
    const sql = `SELECT ${INFO} FROM conversation WHERE owner = ? AND id = ?`;
    return (this.#database.get(sql, [owner, id]) as unknown as ConversationInfo | null) ?? undefined;
  }

  /** All of `work` or nothing. */
  #together<Result>(work: () => Result): Result {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }
}

/** Some words of `text` on both sides of the first `needle`. */
function around(text: string | null, needle: string): string | null {
  if (text === null) return null;
  const at = Math.max(0, text.toLowerCase().indexOf(needle) - 30);
  // A cut through a surrogate pair would leave half of it.
  return `${at === 0 ? "" : "… "}${text.slice(at, at + 90).replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, "")}`;
}

/** One server at a time: the lock is a file with its process id, and that of a dead process counts for nothing. */
function takeLock(lockPath: string): void {
  try {
    writeFileSync(lockPath, String(process.pid), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
    const holder = Number(readFileSync(lockPath, "utf8"));
    if (isAlive(holder)) {
      throw new FirnError("SERVE_CONVERSATIONS_IN_USE", {
        expected: "conversations that no other server is using",
        got: `process ${holder} uses them`,
        where: lockPath,
        next: "Stop that server, or give this one another store with --store.",
      });
    }
    writeFileSync(lockPath, String(process.pid), { mode: 0o600 });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
}
