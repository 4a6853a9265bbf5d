/**
 * @file Every word the page says, by language. A new language is one more object of the same shape; the browser's
 * preferred language decides which one is taken.
 */

const english = {
  code: "en",
  appName: "Firn",
  views: { chat: "Chat", nextToken: "Next token" },
  chooseView: "Views",
  model: "Model",
  theme: { toDark: "Switch to dark colours", toLight: "Switch to light colours" },
  loading: "Asking the server which models it has …",
  noServer: "The server does not answer. Is `firn serve` still running?",
  tryAgain: "Try again",
  close: "Close",
  chat: {
    title: (model: string) => `Talk to ${model}`,
    introduction:
      "It runs on the machine that serves this page; nothing you write goes anywhere else. A small model knows " +
      "little: short, plain requests like these suit it best.",
    examplesTitle: "Try one of these",
    examples: [
      "Hallo!",
      "Who are you?",
      "Count to five.",
      "What comes after Monday?",
      "Which language is this? La neve cade sulle montagne.",
      "Translate to French: water",
    ],
    placeholder: (model: string) => `Message ${model}`,
    send: "Send",
    stop: "Stop",
    newConversation: "New conversation",
    settings: "Settings",
    you: "You",
    saidBy: (who: string) => `${who}:`,
    copy: "Copy",
    copied: "Copied",
    regenerate: "Answer again",
    thinking: "The model is answering.",
    finished: "The answer is complete.",
    stopped: "stopped",
    cutByLimit: "cut at the token limit",
    startAnew: "Or start a new conversation.",
    emptyAnswer: "(an empty answer)",
    toBottom: "To the latest message",
    stats: (tokens: number, rate: string | undefined) =>
      `${tokens} ${tokens === 1 ? "token" : "tokens"}${rate === undefined ? "" : ` · ${rate} tokens/s`}`,
    conversation: "Conversation",
  },
  settings: {
    title: "Settings",
    temperature: "Temperature",
    temperatureHelp: "0 always takes the likeliest token; higher is more adventurous.",
    topP: "Top-p",
    topPHelp: "Draws only from the likeliest tokens that together have this much probability.",
    maxTokens: "Longest answer",
    maxTokensHelp: "In tokens.",
    system: "System prompt",
    systemHelp: "Read by the model before the conversation. Leave empty for the model’s own.",
    reset: "Back to the defaults",
  },
  tokens: {
    title: "What comes next?",
    introduction:
      "A language model does one thing: it reads the tokens so far and gives every token of its vocabulary a " +
      "probability to come next. Type a sentence and look over its shoulder.",
    input: "Your text",
    placeholder: "Type the beginning of a sentence",
    examples: [
      "Die Sonne scheint",
      "All human beings are born",
      "Le soleil brille",
      "La neve cade",
      "人人生而",
    ],
    strip: "Tokens; choose one to see what the model expected there",
    unknown: "?",
    unknownLabel: "The next token, not yet written",
    tokenLabel: (text: string, bits: string, percent: string) =>
      `${text}: ${bits} bits of surprise, probability ${percent}`,
    startLabel: (text: string) => `${text}: start of the text`,
    expectedNext: "The likeliest next tokens",
    expectedHere: (text: string) => `What the model expected where “${text}” stands`,
    hintNext: "Choose a token to append it.",
    hintHere: "The highlighted token is the one in your text. Choose another to go on from here with it.",
    append: (text: string, percent: string) => `Append ${text}, ${percent}`,
    inText: "in your text",
    others: (count: string) => `${count} other tokens`,
    removeLast: "Remove the last token",
    calm: "expected",
    surprising: "surprising",
    bits: (bits: string) => `${bits} bits`,
    summary: (tokens: number, bytes: number, bits: string, perByte: string) =>
      `${tokens} ${tokens === 1 ? "token" : "tokens"} for ${bytes} bytes · ${bits} bits of surprise · ${perByte} bits per byte`,
    empty: "Type something above.",
    noStart: "This model needs at least one token before it can say what comes next.",
  },
};

export type Words = typeof english;

const LANGUAGES: Readonly<Record<string, Words>> = { en: english };

function pickWords(preferred: readonly string[]): Words {
  for (const tag of preferred) {
    const found = LANGUAGES[tag.slice(0, 2).toLowerCase()];
    if (found !== undefined) return found;
  }
  return english;
}

export const words = pickWords(navigator.languages);
