/** @file A conversation as a file to take away: everything as JSON, or what is shown as Markdown. */
import { Conversation, withFiles } from "./conversation.ts";
import { readConversation } from "./conversations-api.ts";
import { words } from "../words.ts";

export type ExportFormat = "markdown" | "json";

/** Reads the conversation from the server and hands it to the browser's downloads. */
export async function exportConversation(id: string, format: ExportFormat): Promise<void> {
  const saved = await readConversation(id);
  const text =
    format === "json" ? `${JSON.stringify(saved, null, 2)}\n` : toMarkdown(Conversation.fromServer(saved));
  const type = format === "json" ? "application/json" : "text/markdown";
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${fileName(saved.conversation.title)}.${format === "json" ? "json" : "md"}`;
  link.click();
  URL.revokeObjectURL(address);
}

function fileName(title: string): string {
  const name = title
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
  return name === "" ? "conversation" : name;
}

/** The branch that is shown. */
export function toMarkdown(conversation: Conversation): string {
  const parts = [`# ${conversation.title === "" ? words.list.untitled : conversation.title}`];
  if (conversation.system !== "") parts.push(`> ${conversation.system.replaceAll("\n", "\n> ")}`);
  for (const id of conversation.path) {
    const { role, content, detail } = conversation.message(id);
    const { files = [], toolCalls = [], model } = detail;
    const who =
      role === "user" ? words.chat.you : role === "tool" ? words.chat.toolSaid : (model ?? words.model);
    parts.push(`## ${who}`);
    if (content !== "" || files.length > 0) parts.push(role === "user" ? withFiles(content, files) : content);
    for (const call of toolCalls) {
      parts.push(`${words.chat.toolCall(call.name)}:\n\n\`\`\`json\n${call.arguments}\n\`\`\``);
    }
  }
  return `${parts.join("\n\n")}\n`;
}
