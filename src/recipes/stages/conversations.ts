/** @file The stage that makes the conversations which fine-tuning learns from. */
import { CONVERSATIONS_LICENCE, makeConversations, type TextLine } from "../../align/index.ts";
import { type Conversation, readDocuments, writeConversations } from "../../artifacts/index.ts";
import { defineStage, type StageContext } from "../../pipeline/index.ts";
import type { ConversationsSection } from "../sections.ts";

/** Lines for "which language is this?" are about as long as a sentence. */
const LINE_CHARACTERS = { least: 25, most: 100 } as const;
/** More than enough to draw from; the first ones of each language in the order of the documents. */
const LINES_PER_LANGUAGE = 2000;

async function trainingLines(documentsDir: string): Promise<TextLine[]> {
  const byLanguage = new Map<string, TextLine[]>();
  for await (const batch of readDocuments(documentsDir, "train")) {
    for (const { language, text } of batch) {
      if (language === null) continue;
      const lines = byLanguage.get(language) ?? [];
      byLanguage.set(language, lines);
      for (const line of text.split("\n")) {
        const { length } = line;
        if (lines.length >= LINES_PER_LANGUAGE) break;
        if (length >= LINE_CHARACTERS.least && length <= LINE_CHARACTERS.most)
          lines.push({ language, text: line });
      }
    }
  }
  return [...byLanguage.values()].flat();
}

function countBy(
  conversations: readonly Conversation[],
  key: (item: Conversation) => string,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of conversations) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const inputs = { documents: "documents" } as const;

export const conversations = defineStage({
  name: "conversations",
  version: 1,
  inputs,
  output: "conversations",
  async run(context: StageContext<ConversationsSection, typeof inputs>) {
    const { config, dir } = context;
    const made = makeConversations({ ...config, lines: await trainingLines(context.inputs.documents.dir) });
    await writeConversations(dir, "train", made.train);
    await writeConversations(dir, "heldout", made.heldout);
    const summary = {
      train: made.train.length,
      heldout: made.heldout.length,
      licence: CONVERSATIONS_LICENCE,
      // The public summary has to say whether another model wrote any of the training text.
      madeBy: "templates",
      skills: countBy(made.train, ({ skill }) => skill),
      languages: countBy(made.train, ({ language }) => language),
    };
    context.fact("conversations", summary);
    return summary;
  },
});
