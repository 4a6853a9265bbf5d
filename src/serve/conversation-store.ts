/**
 * @file Conversations on disk: one SQLite database (SQLite compiled to WebAssembly, which needs nothing but Node). A message
 * is a row of its own, so that saving an answer costs the same in the first turn and the ten-thousandth. What is deleted
 * is overwritten with zeros, in the tables and in the search index (`secure_delete`, FTS5's `secure-delete`).
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
CREATE VIRTUAL TABLE said USING fts5 (content, content = 'message', content_rowid = 'number', tokenize = 'trigram');
INSERT INTO said (said, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
  INSERT INTO said (rowid, content) VALUES (new.number, new.content);
END;
CREATE TRIGGER message_gone AFTER DELETE ON message BEGIN
  INSERT INTO said (said, rowid, content) VALUES ('delete', old.number, old.content);
END;
CREATE TRIGGER message_changed AFTER UPDATE OF content ON message BEGIN
  INSERT INTO said (said, rowid, content) VALUES ('delete', old.number, old.content);
  INSERT INTO said (rowid, content) VALUES (new.number, new.content);
END;
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** The trigram index finds words of three characters or more. */
const SHORTEST_INDEXED = 3;

/** SQLite ends a text at a NUL; a model that says one is quoted with its picture. */
const storable = (text: string): string => text.replaceAll("\0", "␀");

const INFO = "id, title, system, created, updated, leaf";

/** The conversations of one server. Every question names the owner, and nobody sees another's. */
export class ConversationStore {
  readonly #database: sqlite.Database;
  readonly #lockPath: string;

  private constructor(database: sqlite.Database, lockPath: string) {
    this.#database = database;
    this.#lockPath = lockPath;
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
      else if (version !== SCHEMA_VERSION) throw new Error(`format ${String(version)}`);
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
    const like = `%${query.replaceAll(/[\\%_]/g, "\\$&")}%`;
    const count = "(SELECT count(*) FROM message WHERE conversation = c.id) AS messages";
    if (query === "") {
      const sql = `SELECT ${INFO}, ${count}, NULL AS snippet FROM conversation c WHERE owner = ? ORDER BY updated DESC LIMIT ?`;
      return this.#database.all(sql, [owner, limit]) as unknown as ConversationEntry[];
    }
    const indexed = [...query].length >= SHORTEST_INDEXED;
    // The words around the find; `found` is the first message of the conversation that holds them.
    const find = indexed
      ? "SELECT rowid FROM said WHERE said MATCH $words"
      : "SELECT number FROM message WHERE content LIKE $like ESCAPE '\\'";
    const around = "substr(m.content, max(1, instr(lower(m.content), lower($query)) - 30), 90)";
    const sql = `
      WITH found AS (
        SELECT m.conversation, min(m.number) AS number FROM message m WHERE m.number IN (${find}) GROUP BY m.conversation
      )
      SELECT ${INFO.replace("id", "c.id")}, ${count}, ${around} AS snippet
      FROM conversation c LEFT JOIN found ON found.conversation = c.id LEFT JOIN message m ON m.number = found.number
      WHERE owner = $owner AND (found.number IS NOT NULL OR title LIKE $like ESCAPE '\\')
      ORDER BY updated DESC LIMIT $limit`;
    const values = { $owner: owner, $like: like, $query: query, $limit: limit };
    const quoted = { $words: `"${query.replaceAll('"', '""')}"` };
    return this.#database.all(sql, indexed ? { ...values, ...quoted } : values) as unknown as ConversationEntry[];
  }

  /** The whole conversation as JSON text, made inside SQLite: ten thousand messages take some hundredths of a second. */
  readJson(owner: string, id: string): string | undefined {
    if (this.#info(owner, id) === undefined) return undefined;
    const conversation = `SELECT json_object('id', id, 'title', title, 'system', system, 'created', created,
      'updated', updated, 'leaf', leaf) AS json FROM conversation WHERE id = ?`;
    const messages = `SELECT json_group_array(json_object('id', m.id, 'parent', parent, 'role', role, 'content', content,
      'detail', json(detail), 'feedback', CASE WHEN f.rating IS NULL THEN NULL ELSE
        json_object('rating', f.rating, 'comment', f.comment) END) ORDER BY number) AS json
      FROM message m LEFT JOIN feedback f ON f.conversation = m.conversation AND f.message = m.id
      WHERE m.conversation = ?`;
    const json = (sql: string): string => String(this.#database.get(sql, [id])!["json"]);
    return `{"conversation":${json(conversation)},"messages":${json(messages)}}`;
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
    return this.#database.run(sql, [id, owner, storable(title), storable(system), now, now, leaf]).changes > 0;
  }

  /** Adds a message or replaces the one with its id; `no-conversation` or `no-parent` if it has no place. */
  saveMessage(
    owner: string,
    conversation: string,
    message: StoredMessage,
    now: number,
  ): "saved" | "no-conversation" | "no-parent" {
    if (this.#info(owner, conversation) === undefined) return "no-conversation";
    const { id, parent, role, content, detail } = message;
    const known = "SELECT 1 FROM message WHERE conversation = ? AND id = ?";
    if (parent === id || (parent !== null && this.#database.get(known, [conversation, parent]) === null)) {
      return "no-parent";
    }
    this.#together(() => {
      // A message that is there keeps its place: a changed parent could close a circle.
      const sql = `INSERT INTO message (conversation, id, parent, role, content, detail) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (conversation, id) DO UPDATE SET content = excluded.content, detail = excluded.detail`;
      this.#database.run(sql, [conversation, id, parent, role, storable(content), JSON.stringify(detail)]);
      this.#database.run("UPDATE conversation SET updated = ?, leaf = ? WHERE id = ?", [now, id, conversation]);
    });
    return "saved";
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
      this.#database.run("DELETE FROM feedback WHERE conversation = ? AND message = ?", [conversation, message]);
    } else {
      const { rating, comment } = feedback;
      const sql = "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?, ?)";
      this.#database.run(sql, [conversation, message, rating, storable(comment), now]);
    }
    return true;
  }

  /** Deletes one conversation, or with `undefined` all of the owner's; returns how many there were. */
  delete(owner: string, id: string | undefined): number {
    return this.#together(() => {
      const which = id === undefined ? "owner = ?" : "owner = ? AND id = ?";
      const sql = `DELETE FROM conversation WHERE ${which}`;
      const { changes } = this.#database.run(sql, id === undefined ? [owner] : [owner, id]);
      // Deleted words are gone from the index at once; merging it gives their place back.
      if (changes > 0) this.#database.run("INSERT INTO said (said) VALUES ('optimize')");
      return changes;
    });
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
