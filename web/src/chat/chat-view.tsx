/** @file The chat: the conversation above, the composer below. */
import { useRef, useState } from "preact/hooks";
import type { ModelInfo } from "../api.ts";
import { NewIcon, SlidersIcon } from "../icons.tsx";
import { words } from "../words.ts";
import { Composer } from "./composer.tsx";
import { MessageList } from "./message-list.tsx";
import { SettingsSheet } from "./settings-sheet.tsx";
import type { Chat } from "./use-chat.ts";
import { Welcome } from "./welcome.tsx";

interface ChatViewProps {
  readonly model: ModelInfo;
  readonly chat: Chat;
}

export function ChatView({ model, chat }: ChatViewProps) {
  const [settingsOpen, setSettingsOpen] = useState(false);
  const composer = useRef<HTMLTextAreaElement>(null);
  const empty = chat.entries.length === 0;
  /** For what makes the pressed button disappear; on a touch screen focus would open the keyboard. */
  const thenCompose = (act: () => void): void => {
    act();
    if (matchMedia("(pointer: fine)").matches) composer.current?.focus();
  };
  return (
    <main class="chat">
      <h1 class="hidden">{words.views.chat}</h1>
      {empty ? (
        <Welcome model={model} onChoose={(text) => thenCompose(() => chat.send(text))} />
      ) : (
        <MessageList chat={chat} onAgain={() => thenCompose(chat.regenerate)} />
      )}
      <footer class="dock">
        <Composer model={model} chat={chat} field={composer} />
        <div class="dock-tools">
          <button type="button" class="quiet-button" onClick={() => setSettingsOpen(true)}>
            <SlidersIcon />
            {words.chat.settings}
          </button>
          {!empty && (
            <button type="button" class="quiet-button" onClick={() => thenCompose(chat.clear)}>
              <NewIcon />
              {words.chat.newConversation}
            </button>
          )}
        </div>
      </footer>
      {settingsOpen && (
        <SettingsSheet
          settings={chat.settings}
          contextLength={model.context_length}
          onChange={chat.setSettings}
          onClose={() => setSettingsOpen(false)}
        />
      )}
    </main>
  );
}
