/** @file `firn/align`: from a base model to one that answers: conversations of our own making, fine-tuning. */
export {
  CONVERSATIONS_LICENCE,
  conversationQuestion,
  type Conversations,
  makeConversations,
  scoreConversations,
  type SplitOptions,
  splitConversations,
} from "./conversations.ts";
export {
  CONVERSATION_LANGUAGES,
  type ConversationLanguage,
  LANGUAGE_NAMES,
} from "./conversation-data/languages.ts";
export {
  type Exchange,
  type ExchangeOptions,
  makeExchanges,
  type Skill,
  SKILLS,
  type TextLine,
} from "./exchanges.ts";
