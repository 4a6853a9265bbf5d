/** @file The conversations are deterministic, unambiguous, well-formed, and their held-out questions are unseen. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConversations, writeConversations } from "../artifacts/index.ts";
import { CONVERSATION_LANGUAGES, DAYS, LANGUAGE_NAMES, NUMBERS } from "./conversation-data/languages.ts";
import { PHRASES } from "./conversation-data/phrases.ts";
import { WORDS } from "./conversation-data/words.ts";
import {
  conversationQuestion,
  makeConversations,
  scoreConversations,
  splitConversations,
} from "./conversations.ts";
import { makeExchanges, SKILLS, type TextLine } from "./exchanges.ts";

const LINES: TextLine[] = [
  { language: "deu", text: "Alle Menschen sind frei und gleich an Würde und Rechten geboren." },
  {
    language: "deu",
    text: "Jeder hat das Recht auf Leben, Freiheit und Sicherheit der Person und noch einiges mehr dazu.",
  },
  { language: "deu", text: "Zu kurz." },
  { language: "eng", text: "All human beings are born free and equal in dignity and rights." },
  { language: "roh", text: "Tut ils umans naschan libers ed eguals en dignitad ed en dretgs." },
  {
    language: "jpn",
    text: "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
  },
];
const OPTIONS = { seed: 1, lines: LINES };

describe("the tables", () => {
  it("have an entry in every language, without repetition where it would be ambiguous", () => {
    for (const language of CONVERSATION_LANGUAGES) {
      const column = CONVERSATION_LANGUAGES.indexOf(language);
      const words = WORDS.map((row) => row[column]!);
      expect(new Set(words).size).toBe(words.length);
      expect(NUMBERS[language]).toHaveLength(10);
      expect(new Set(DAYS[language]).size).toBe(7);
      expect(new Set(LANGUAGE_NAMES[language]).size).toBe(8);
      expect(PHRASES[language].whichLanguage).toContain("{}");
    }
    for (const word of WORDS.flat()) expect(word).toMatch(/^[\p{L}-]+$/u);
    expect(WORDS.length).toBeGreaterThanOrEqual(100);
  });

  it("are composed characters, so that the same word is always the same bytes", () => {
    const text = JSON.stringify([WORDS, PHRASES, NUMBERS, DAYS, LANGUAGE_NAMES]);
    expect(text).toBe(text.normalize("NFC"));
  });
});

describe("exchanges", () => {
  const exchanges = makeExchanges(OPTIONS);

  it("never give two answers to one question", () => {
    const answers = new Map<string, string>();
    for (const { user, assistant } of exchanges) {
      expect(answers.get(user) ?? assistant, user).toBe(assistant);
      answers.set(user, assistant);
    }
  });

  it("cover every skill, and every language in every skill that needs no lines", () => {
    for (const skill of SKILLS) {
      const languages = new Set(
        exchanges.filter((item) => item.skill === skill).map(({ language }) => language),
      );
      expect(languages.size).toBeGreaterThanOrEqual(skill === "language" ? 1 : 8);
    }
  });

  it("leave no gap unfilled and keep answers short", () => {
    for (const { user, assistant } of exchanges) {
      expect(`${user}${assistant}`).not.toContain("{}");
      expect(user.trim()).toBe(user);
      expect(assistant.length).toBeLessThan(100);
      expect(assistant.length).toBeGreaterThan(0);
    }
  });

  it("ask about given lines of the eight languages only, cut after a whole word", () => {
    const asked = exchanges.filter(({ skill }) => skill === "language");
    expect(asked).toHaveLength(4);
    for (const { key } of asked) {
      expect(LINES.some(({ text }) => text.startsWith(key))).toBe(true);
      expect(key.length).toBeLessThanOrEqual(72);
    }
    const answers = new Set(asked.map(({ assistant }) => assistant));
    for (const answer of answers) expect(Object.values(LANGUAGE_NAMES).flat()).toContain(answer);
  });

  it("say the right thing", () => {
    const answer = (question: string): string | undefined =>
      exchanges.find(({ user }) => user === question)?.assistant;
    expect(answer("Zähle bis drei.")).toBe("eins, zwei, drei");
    expect(answer("Count to 4")).toBe("one, two, three, four");
    expect(answer("Qu'est-ce qui vient après dimanche ?")).toBe("lundi");
    expect(answer("¿Qué viene antes del lunes?")).toBe("domingo");
    expect(answer("Tge vegn suenter glindesdi?")).toBe("mardi");
    expect(answer("¡Hola!")).toBe("¡Hola! ¿Cómo puedo ayudar?");
    const snow = exchanges.filter(({ key, skill }) => skill === "translate" && key === "roh:Schnee");
    expect(snow.map(({ assistant }) => assistant)).toEqual(["naiv"]);
  });
});

describe("the split", () => {
  const { train, heldout } = makeConversations(OPTIONS);

  it("is the same every time for one seed, and another for another", () => {
    expect(makeConversations(OPTIONS)).toEqual({ train, heldout });
    expect(makeConversations({ ...OPTIONS, seed: 2 })).not.toEqual({ train, heldout });
  });

  it("has thousands to train on and hundreds to ask, each with its own id", () => {
    expect(train.length).toBeGreaterThan(2000);
    expect(train.length).toBeLessThan(5000);
    expect(heldout.length).toBeGreaterThan(200);
    const ids = [...train, ...heldout].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("never trains on a question that it asks", () => {
    const questions = train.flatMap(({ messages }) => messages.filter(({ role }) => role === "user"));
    const seen = new Set(questions.map(({ content }) => content));
    for (const item of heldout)
      expect(seen.has(conversationQuestion(item).messages.at(-1)!.content)).toBe(false);
  });

  it("keeps a talk in one language, alternating and ending with an answer", () => {
    for (const { messages } of train) {
      messages.forEach(({ role }, index) => expect(role).toBe(index % 2 === 0 ? "user" : "assistant"));
      expect(messages.at(-1)!.role).toBe("assistant");
    }
    expect(train.some(({ messages }) => messages.length === 6)).toBe(true);
    expect(heldout.some(({ messages }) => messages.length === 4)).toBe(true);
  });

  it("asks something unseen of every skill but the one that has a single question", () => {
    const asked = new Set(heldout.map(({ skill }) => skill));
    expect(SKILLS.filter((skill) => !asked.has(skill) && skill !== "language")).toEqual(["days"]);
  });

  it("works with nothing to split", () => {
    expect(splitConversations([], { seed: 1 })).toEqual({ train: [], heldout: [] });
  });
});

describe("scoring", () => {
  const { heldout } = makeConversations(OPTIONS);

  it("counts an answer as right to the letter, up to space and composition", () => {
    const right = new Map(
      heldout.map((item) => [item.id, ` ${conversationQuestion(item).expected.normalize("NFD")}\n`]),
    );
    expect(scoreConversations(heldout, right).every(({ correct }) => correct)).toBe(true);
    const wrong = new Map(heldout.map((item) => [item.id, `${conversationQuestion(item).expected}!`]));
    expect(scoreConversations(heldout, wrong).some(({ correct }) => correct)).toBe(false);
    expect(scoreConversations(heldout, new Map()).some(({ correct }) => correct)).toBe(false);
  });
});

describe("conversations on disk", () => {
  it("come back as they were written, and a broken line is named", async () => {
    const dir = await mkdtemp(join(tmpdir(), "firn-conversations-"));
    try {
      const { heldout } = makeConversations(OPTIONS);
      await writeConversations(dir, "heldout", heldout);
      expect(await readConversations(dir, "heldout")).toEqual(heldout);
      const lines = ['{"id":"a","language":"deu","skill":"x","messages":[]}'];
      await writeFile(join(dir, "train.jsonl"), [JSON.stringify(heldout[0]), ...lines].join("\n"));
      await expect(readConversations(dir, "train")).rejects.toThrow(/CONVERSATIONS_BAD_LINE.*train\.jsonl:2/);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
