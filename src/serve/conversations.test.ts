import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConversationStore } from "./conversation-store.ts";

let dir: string;
let path: string;
let store: ConversationStore;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "firn-conversations-"));
  path = join(dir, "conversations.db");
  store = ConversationStore.open(path);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const message = (id: string, parent: string | null, content: string) => ({
  id,
  parent,
  role: parent === null ? ("user" as const) : ("assistant" as const),
  content,
  detail: { model: "nano" },
});
interface Read {
  conversation: { title: string; leaf: string };
  messages: { id: string; content: string; detail: object; feedback: object | null }[];
}
const read = (owner: string, id: string) => {
  const json = store.readJson(owner, id);
  return json === undefined ? undefined : (JSON.parse(json) as Read);
};
/** Everything the folder holds, as one string of bytes. */
const onDisk = () =>
  readdirSync(dir)
    .map((name) => readFileSync(join(dir, name), "latin1"))
    .join("\n");

function talk(owner: string, id: string, question: string, answer: string): void {
  store.save(owner, id, { title: question }, 1000);
  store.saveMessage(owner, id, message(`${id}-q`, null, question), 1001);
  store.saveMessage(owner, id, message(`${id}-a`, `${id}-q`, answer), 1002);
}

describe("conversations on disk", () => {
  it("come back as they were saved, also after the server was opened anew", () => {
    talk("a", "talk-0001", "Was ist Firn?", 'Körniger Schnee \u{1F3D4}\n\0 "so"');
    store.close();
    store = ConversationStore.open(path);
    expect(read("a", "talk-0001")).toMatchObject({
      conversation: { title: "Was ist Firn?", leaf: "talk-0001-a" },
      messages: [
        { id: "talk-0001-q", content: "Was ist Firn?", feedback: null },
        { id: "talk-0001-a", content: 'Körniger Schnee \u{1F3D4}\n␀ "so"', detail: { model: "nano" } },
      ],
    });
  });

  it("belong to their owner: nobody else reads, changes, rates, lists or deletes them", () => {
    talk("a", "talk-0001", "secret", "answer");
    expect(read("b", "talk-0001")).toBeUndefined();
    expect(store.save("b", "talk-0001", { title: "mine" }, 5)).toBe(false);
    expect(store.saveMessage("b", "talk-0001", message("other-id", null, "x"), 5)).toBe("no-conversation");
    const liked = { rating: "good", comment: "" } as const;
    expect(store.saveFeedback("b", "talk-0001", "talk-0001-a", liked, 5)).toBe(false);
    expect(store.list("b", "", 10)).toEqual([]);
    expect(store.list("b", "secret", 10)).toEqual([]);
    expect(store.delete("b", "talk-0001")).toBe(0);
    expect(read("a", "talk-0001")?.conversation.title).toBe("secret");
  });

  it("keep a message's place: replacing changes its words, and a parent must be there", () => {
    talk("a", "talk-0001", "one", "two");
    expect(store.saveMessage("a", "talk-0001", message("talk-0001-q", "talk-0001-a", "ONE"), 9)).toBe(
      "saved",
    );
    expect(read("a", "talk-0001")?.messages).toMatchObject([
      { parent: null, content: "ONE" },
      { content: "two" },
    ]);
    expect(store.saveMessage("a", "talk-0001", message("new-id-01", "nowhere-1", "x"), 9)).toBe("no-parent");
    expect(store.saveMessage("a", "talk-0001", message("new-id-01", "new-id-01", "x"), 9)).toBe("no-parent");
  });

  it("are found by any part of a word, in any script, whatever stands in the query", () => {
    talk("a", "talk-0001", "Wo liegt Graubünden?", "In der Schweiz; 瑞士的东部.");
    talk("a", "talk-0002", '50% of "all"', "x_y");
    const found = (query: string) => store.list("a", query, 10).map(({ id }) => id);
    expect(found("aubünd")).toEqual(["talk-0001"]);
    expect(found("SCHWEIZ")).toEqual(["talk-0001"]);
    expect(found("瑞士")).toEqual(["talk-0001"]);
    expect(found("0%")).toEqual(["talk-0002"]);
    expect(found('"all')).toEqual(["talk-0002"]);
    expect(found("x_y")).toEqual(["talk-0002"]);
    expect(found("x%y")).toEqual([]);
    expect(found("AND OR NOT *")).toEqual([]);
    expect(store.list("a", "schweiz", 10)[0]?.snippet).toContain("In der Schweiz");
  });

  it("are gone from the disk when they are deleted, with their index and their feedback", () => {
    talk("a", "talk-0001", "zauberwort eins", `${"lang ".repeat(3000)} zauberwort`);
    talk("a", "talk-0002", "bleibt", "hierbleiber");
    store.saveFeedback("a", "talk-0001", "talk-0001-a", { rating: "bad", comment: "zauberwort" }, 7);
    expect(onDisk()).toContain("zauberwort");
    expect(store.delete("a", "talk-0001")).toBe(1);
    store.close();
    const bytes = onDisk();
    for (const piece of ["zauberwort", "zaub", "lang lang"]) expect(bytes).not.toContain(piece);
    expect(bytes).toContain("hierbleiber");
    store = ConversationStore.open(path);
    expect(store.list("a", "zauberwort", 10)).toEqual([]);
    expect(store.delete("a", undefined)).toBe(1);
    expect(store.list("a", "", 10)).toEqual([]);
  });

  it("can be read from their end: the last messages of the branch that is shown", () => {
    talk("a", "talk-0001", "one", "two");
    store.saveMessage("a", "talk-0001", message("talk-0001-b", "talk-0001-q", "two again"), 9);
    store.saveMessage("a", "talk-0001", message("talk-0001-c", "talk-0001-b", "three"), 10);
    const ends = (last?: number) =>
      (JSON.parse(store.readJson("a", "talk-0001", last)!) as Read).messages.map(({ content }) => content);
    expect(ends(2)).toEqual(["two again", "three"]);
    expect(ends(9)).toEqual(["one", "two again", "three"]);
    expect(ends()).toEqual(["one", "two", "two again", "three"]);
  });

  it("keep feedback on answers and forget it when consent is withdrawn", () => {
    talk("a", "talk-0001", "q", "a");
    const liked = { rating: "good", comment: "kurz" } as const;
    expect(store.saveFeedback("a", "talk-0001", "talk-0001-q", liked, 7)).toBe(false);
    expect(store.saveFeedback("a", "talk-0001", "talk-0001-a", liked, 7)).toBe(true);
    expect(read("a", "talk-0001")?.messages[1]?.feedback).toEqual(liked);
    store.saveFeedback("a", "talk-0001", "talk-0001-a", undefined, 8);
    expect(read("a", "talk-0001")?.messages[1]?.feedback).toBeNull();
    expect(onDisk()).not.toContain("kurz");
  });

  it("open after a kill that left locks behind, and not while another process serves them", () => {
    store.close();
    mkdirSync(`${path}.lock`);
    writeFileSync(`${path}.pid`, "999999999");
    store = ConversationStore.open(path);
    store.close();
    writeFileSync(`${path}.pid`, "1");
    expect(() => ConversationStore.open(path)).toThrow(/SERVE_CONVERSATIONS_IN_USE|process 1/);
    rmSync(`${path}.pid`);
    writeFileSync(path, "not a database at all, but long enough to be read as one".repeat(50));
    expect(() => ConversationStore.open(path)).toThrow(/SERVE_CONVERSATIONS_UNREADABLE|not a database/);
    rmSync(path);
    store = ConversationStore.open(path);
  });
});
