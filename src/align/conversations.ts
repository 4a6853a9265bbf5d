/**
 * @file A few thousand small conversations of our own making, in eight languages: training and held-out, never
 * sharing a question. Made for models of a few million parameters: short answers, few patterns. Licence: CC0-1.0.
 */
import type { Conversation, ConversationMessage, ConversationScoreRecord } from "../artifacts/index.ts";
import { groupBy, randomStream } from "../core/index.ts";
import { type Exchange, type ExchangeOptions, makeExchanges, type Skill, SKILLS } from "./exchanges.ts";

/** SPDX identifier of everything made here, apart from the lines of text that the caller passes in. */
export const CONVERSATIONS_LICENCE = "CC0-1.0";

export interface SplitOptions {
  readonly seed: number;
  /** Share of each skill's questions, in each language, that training never sees. Default: 0.12. */
  readonly heldOutShare?: number;
  /** Training conversations of several turns, as a share of those of one turn. Default: 0.3. */
  readonly multiTurnShare?: number;
  /** Held-out conversations per skill at most. Default: 64. */
  readonly heldOutPerSkill?: number;
}

export interface Conversations {
  readonly train: readonly Conversation[];
  readonly heldout: readonly Conversation[];
}

function conversation(split: string, number: number, turns: readonly Exchange[]): Conversation {
  const last = turns.at(-1)!;
  const messages = turns.flatMap(({ user, assistant }): ConversationMessage[] => [
    { role: "user", content: user },
    { role: "assistant", content: assistant },
  ]);
  const id = `${split}-${String(number).padStart(5, "0")}-${last.language}-${last.skill}`;
  return { id, language: last.language, skill: last.skill, messages };
}

/**
 * Draws the held-out questions: a share of the keys of every skill in every language, rounded down, but at least one
 * of four or more.
 */
function holdOut(
  exchanges: readonly Exchange[],
  seed: number,
  share: number,
): { kept: Exchange[]; held: Exchange[] } {
  const kept: Exchange[] = [];
  const held: Exchange[] = [];
  for (const [name, members] of groupBy(exchanges, ({ skill, language }) => `${skill} ${language}`)) {
    const keys = [...new Set(members.map(({ key }) => key))];
    randomStream(seed, "conversations", "held-out", name).shuffle(keys);
    const count = Math.max(keys.length >= 4 && share > 0 ? 1 : 0, Math.floor(keys.length * share));
    const unseen = new Set(keys.slice(0, count));
    for (const member of members) (unseen.has(member.key) ? held : kept).push(member);
  }
  return { kept, held };
}

/** The order of a talk: a greeting can only open it, thanks and goodbyes can only close it. */
function inTalkOrder(turns: readonly Exchange[]): Exchange[] {
  const place = (skill: Skill): number =>
    skill === "greet" ? 0 : skill === "thanks" ? 2 : skill === "goodbye" ? 3 : 1;
  return [...turns].sort((a, b) => place(a.skill) - place(b.skill));
}

/**
 * Splits exchanges by what they ask for and makes conversations of them. Training: every kept exchange once alone,
 * and talks of two or three turns in one language. Held out: unseen questions, alone and (every third) after a
 * question that training has seen; what is measured is the last answer. Unseen means by this training: the lines
 * behind "which language is this?" may well have been pretrained on.
 */
export function splitConversations(exchanges: readonly Exchange[], options: SplitOptions): Conversations {
  const { seed } = options;
  const { kept, held } = holdOut(exchanges, seed, options.heldOutShare ?? 0.12);
  const random = randomStream(seed, "conversations", "talks");
  const byLanguage = groupBy(kept, ({ language }) => language);
  const languages = [...byLanguage.keys()];
  const bySkill = (language: string): Exchange[][] => [
    ...groupBy(byLanguage.get(language)!, ({ skill }) => skill).values(),
  ];
  const draw = (members: readonly Exchange[]): Exchange => members[random.integer(members.length)]!;

  const talks = Math.floor(kept.length * (options.multiTurnShare ?? 0.3));
  const turns: Exchange[][] = kept.map((exchange) => [exchange]);
  for (let talk = 0; talk < talks && languages.length > 0; talk++) {
    const language = languages[talk % languages.length]!;
    const skills = random.shuffle(bySkill(language)).slice(0, 2 + random.integer(2));
    turns.push(inTalkOrder(skills.map(draw)));
  }
  randomStream(seed, "conversations", "order").shuffle(turns);

  const perSkill = options.heldOutPerSkill ?? 64;
  const asked = SKILLS.flatMap((skill) => {
    const members = held.filter((exchange) => exchange.skill === skill);
    return randomStream(seed, "conversations", "asked", skill).shuffle(members).slice(0, perSkill);
  });
  return {
    train: turns.map((talk, index) => conversation("train", index, talk)),
    heldout: asked.map((exchange, index) => {
      const known = byLanguage.get(exchange.language);
      const before = index % 3 === 2 && known !== undefined ? [draw(known)] : [];
      return conversation("heldout", index, [...before, exchange]);
    }),
  };
}

/** Makes all conversations, training and held-out; the same options give the same conversations. */
export function makeConversations(options: ExchangeOptions & SplitOptions): Conversations {
  return splitConversations(makeExchanges(options), options);
}

/** What a model is asked (everything before the last answer) and what it should say. */
export function conversationQuestion(asked: Conversation): {
  readonly messages: readonly ConversationMessage[];
  readonly expected: string;
} {
  return { messages: asked.messages.slice(0, -1), expected: asked.messages.at(-1)!.content };
}

/** How two answers are compared: composed characters, single spaces, none at the ends. */
function plain(text: string): string {
  return text.normalize("NFC").replaceAll(/\s+/g, " ").trim();
}

/**
 * One evaluation record per conversation: right when the model's answer is the expected one to the letter.
 * @param answers the model's last answer by conversation id; a conversation without one counts as wrong.
 */
export function scoreConversations(
  conversations: readonly Conversation[],
  answers: ReadonlyMap<string, string>,
): ConversationScoreRecord[] {
  return conversations.map((asked) => {
    const { expected } = conversationQuestion(asked);
    const answer = answers.get(asked.id) ?? "";
    return {
      task: "conversations",
      example: asked.id,
      language: asked.language,
      skill: asked.skill,
      expected,
      answer,
      correct: plain(answer) === plain(expected),
    };
  });
}
