/** @file Conversations on disk: JSON Lines `train.jsonl` and `heldout.jsonl`, one conversation a line. */
import { join } from "node:path";
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import { AtomicFile } from "./atomic.ts";
import { readJsonl } from "./jsonl.ts";

const messageSchema = z.strictObject({
  role: z.enum(["system", "user", "assistant"]),
  content: z.string().min(1).max(100_000),
});

const conversationSchema = z
  .strictObject({
    id: z.string().min(1),
    /** ISO 639-3. */
    language: z.string().min(1),
    /** What the last answer shows, e.g. `translate`. */
    skill: z.string().min(1),
    messages: z.array(messageSchema).min(2).max(64),
  })
  .refine((conversation) => conversation.messages.at(-1)?.role === "assistant", "must end with an answer");

export type ConversationMessage = Readonly<z.infer<typeof messageSchema>>;
export type Conversation = Omit<Readonly<z.infer<typeof conversationSchema>>, "messages"> & {
  readonly messages: readonly ConversationMessage[];
};

export type ConversationSplit = "train" | "heldout";

/** Writes one split into the artifact folder `dir`. */
export async function writeConversations(
  dir: string,
  split: ConversationSplit,
  conversations: readonly Conversation[],
): Promise<void> {
  const file = await AtomicFile.create(join(dir, `${split}.jsonl`));
  try {
    await file.write(conversations.map((conversation) => `${JSON.stringify(conversation)}\n`).join(""));
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/**
 * The conversations of one split, in their order.
 * @throws FirnError `CONVERSATIONS_BAD_LINE` naming the first line that is not a conversation.
 */
export async function readConversations(dir: string, split: ConversationSplit): Promise<Conversation[]> {
  const path = join(dir, `${split}.jsonl`);
  const conversations: Conversation[] = [];
  for await (const batch of readJsonl(path)) {
    for (const item of batch) {
      const parsed = "value" in item ? conversationSchema.safeParse(item.value) : undefined;
      if (parsed?.success === true) {
        conversations.push(parsed.data);
        continue;
      }
      const issue = parsed?.error?.issues[0];
      throw new FirnError("CONVERSATIONS_BAD_LINE", {
        expected: "a conversation with id, language, skill and messages that end with an answer",
        got:
          "reason" in item
            ? item.detail
            : `${issue?.path.join(".") ?? "line"}: ${issue?.message ?? "unknown"}`,
        where: `${path}:${item.line}`,
        next: "Correct or remove this line.",
      });
    }
  }
  return conversations;
}
