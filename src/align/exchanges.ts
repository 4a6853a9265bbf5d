/**
 * @file Every exchange (one question, its one answer) that our conversations are put together from: templates
 * filled with words, numbers, days and given lines. Deterministic: the same seed and lines give the same exchanges.
 */
import { randomStream } from "../core/index.ts";
import {
  CONVERSATION_LANGUAGES,
  type ConversationLanguage,
  DAYS,
  LANGUAGE_NAMES,
  NUMBERS,
} from "./conversation-data/languages.ts";
import { PHRASES } from "./conversation-data/phrases.ts";
import { WORDS } from "./conversation-data/words.ts";

/** What a conversation teaches. */
export const SKILLS = [
  "greet",
  "goodbye",
  "thanks",
  "who",
  "copy",
  "count",
  "next",
  "days",
  "language",
  "translate",
] as const;
export type Skill = (typeof SKILLS)[number];

export interface Exchange {
  readonly skill: Skill;
  readonly language: ConversationLanguage;
  /** Exchanges with the same key ask for the same thing; a split keeps them together. */
  readonly key: string;
  readonly user: string;
  readonly assistant: string;
}

/** A line of real text in a known language, for "which language is this?". */
export interface TextLine {
  /** ISO 639-3. */
  readonly language: string;
  readonly text: string;
}

export interface ExchangeOptions {
  readonly seed: number;
  /** Lines from training documents; those in other languages than the eight are left aside. */
  readonly lines: readonly TextLine[];
  /** Copying exercises per language. Default: 80. */
  readonly copies?: number;
  /** Lines asked about per language. Default: 60. */
  readonly linesPerLanguage?: number;
  /** Words that are translated, from the front of the list, between all pairs of languages. Default: 24. */
  readonly translatedWords?: number;
}

const fill = (template: string, value: string): string => template.replace("{}", () => value);

function exclaim(language: ConversationLanguage, text: string): string {
  return fill(PHRASES[language].exclaim, text);
}

/** The ways in which people write a greeting: bare, exclaimed, with a full stop, with the model's name. */
function spellings(language: ConversationLanguage, text: string): string[] {
  return [text, exclaim(language, text), `${text}.`, exclaim(language, `${text}, Firn`)];
}

function politeExchanges(language: ConversationLanguage): Exchange[] {
  const phrases = PHRASES[language];
  const polite = (skill: Skill, said: readonly string[], answer: (text: string) => string): Exchange[] =>
    said.flatMap((text) =>
      spellings(language, text).map((user) => ({
        skill,
        language,
        key: user,
        user,
        assistant: answer(text),
      })),
    );
  return [
    ...polite("greet", phrases.greetings, (text) => `${exclaim(language, text)} ${phrases.help}`),
    ...polite("goodbye", phrases.goodbyes, () => exclaim(language, phrases.goodbyes[0]!)),
    ...polite("thanks", phrases.thanks, () => exclaim(language, phrases.welcome)),
    ...phrases.whoAreYou.map(
      (user): Exchange => ({ skill: "who", language, key: user, user, assistant: phrases.iAm }),
    ),
  ];
}

function countExchanges(language: ConversationLanguage): Exchange[] {
  const words = NUMBERS[language];
  return words.flatMap((word, index) =>
    [word, String(index + 1)].flatMap((number) => {
      const user = fill(PHRASES[language].count, number);
      const assistant = words.slice(0, index + 1).join(", ");
      const key = number;
      return [user, user.replace(/\.$/, "")].map(
        (asked): Exchange => ({ skill: "count", language, key, user: asked, assistant }),
      );
    }),
  );
}

function nextExchanges(language: ConversationLanguage): Exchange[] {
  const { after, before, afterDay, beforeDay, nameDays } = PHRASES[language];
  const exchanges: Exchange[] = [];
  const add = (template: string, known: string, answer: string): void => {
    const user = fill(template, known);
    exchanges.push({ skill: "next", language, key: user, user, assistant: answer });
  };
  const days = DAYS[language];
  days.forEach((day, index) => {
    const next = days[(index + 1) % days.length]!;
    add(afterDay ?? after, day, next);
    add(beforeDay ?? before, next, day);
  });
  NUMBERS[language].forEach((number, index, numbers) => {
    const next = numbers[index + 1];
    if (next === undefined) return;
    add(after, number, next);
    add(before, next, number);
  });
  exchanges.push({ skill: "days", language, key: "days", user: nameDays, assistant: days.join(", ") });
  return exchanges;
}

function copyExchanges(language: ConversationLanguage, options: ExchangeOptions): Exchange[] {
  const column = CONVERSATION_LANGUAGES.indexOf(language);
  const random = randomStream(options.seed, "conversations", "copy", language);
  const { repeat } = PHRASES[language];
  const texts = new Set<string>();
  // One to three words; far fewer are wanted than there are, so the loop ends soon.
  const wanted = Math.min(options.copies ?? 80, WORDS.length);
  while (texts.size < wanted) {
    const length = 1 + random.integer(3);
    const words = Array.from({ length }, () => WORDS[random.integer(WORDS.length)]![column]!);
    texts.add(words.join(" "));
  }
  return [...texts].map((text, index) => ({
    skill: "copy",
    language,
    key: text,
    user: fill(repeat[index % repeat.length]!, text),
    assistant: text,
  }));
}

const LINE_CHARACTERS = 72;

/** The beginning of a line, cut after a whole word; undefined where too little remains. */
function shorten(text: string): string | undefined {
  const line = text.replaceAll(/\s+/g, " ").trim();
  if (line.length <= LINE_CHARACTERS) return line.length < 20 ? undefined : line;
  const cut = line.lastIndexOf(" ", LINE_CHARACTERS);
  return cut < 20 ? undefined : line.slice(0, cut);
}

function languageExchanges(language: ConversationLanguage, options: ExchangeOptions): Exchange[] {
  const lines = options.lines.filter((line) => line.language === language);
  const usable = [...new Set(lines.flatMap(({ text }) => shorten(text) ?? []))];
  const random = randomStream(options.seed, "conversations", "language", language);
  const column = CONVERSATION_LANGUAGES.indexOf(language);
  return random
    .shuffle(usable)
    .slice(0, options.linesPerLanguage ?? 60)
    .map((line): Exchange => {
      // Half the questions come in English, the others in any of the languages.
      const other = CONVERSATION_LANGUAGES[random.integer(CONVERSATION_LANGUAGES.length)]!;
      const asker = random.integer(2) === 0 ? "eng" : other;
      return {
        skill: "language",
        language: asker,
        key: line,
        user: fill(PHRASES[asker].whichLanguage, line),
        assistant: LANGUAGE_NAMES[asker][column]!,
      };
    });
}

function translateExchanges(language: ConversationLanguage, options: ExchangeOptions): Exchange[] {
  const from = CONVERSATION_LANGUAGES.indexOf(language);
  const { translate } = PHRASES[language];
  const words = WORDS.slice(0, options.translatedWords ?? 24);
  return words.flatMap((row, index) =>
    CONVERSATION_LANGUAGES.flatMap((target, to) => {
      if (to === from) return [];
      const ask = translate[(index + to) % translate.length]!;
      return [
        {
          skill: "translate" as const,
          language,
          key: `${target}:${row[from]!}`,
          user: ask(row[from]!, LANGUAGE_NAMES[language][to]!),
          assistant: row[to]!,
        },
      ];
    }),
  );
}

/** Every exchange in every language, in a fixed order. */
export function makeExchanges(options: ExchangeOptions): Exchange[] {
  return CONVERSATION_LANGUAGES.flatMap((language) => [
    ...politeExchanges(language),
    ...copyExchanges(language, options),
    ...countExchanges(language),
    ...nextExchanges(language),
    ...languageExchanges(language, options),
    ...translateExchanges(language, options),
  ]);
}
