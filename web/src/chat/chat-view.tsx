/** @file The chat: conversations at the side, the open one in the middle, the composer below it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ModelInfo } from "../api.ts";
import { ListIcon, NewIcon, SlidersIcon } from "../icons.tsx";
import { Sheet } from "../sheet.tsx";
import { onShortcut } from "../shortcuts.tsx";
import { words } from "../words.ts";
import { Composer } from "./composer.tsx";
import { MessageList } from "./message-list.tsx";
import { SettingsSheet } from "./settings-sheet.tsx";
import { Sidebar } from "./sidebar.tsx";
import type { Chat } from "./use-chat.ts";
import { Welcome } from "./welcome.tsx";

/** From this width on the conversations stand beside the open one. */
const WIDE = "(min-width: 900px)";

function useWide(): boolean {
  const query = matchMedia(WIDE);
  const [wide, setWide] = useState(query.matches);
  useEffect(() => {
    const follow = (): void => setWide(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  return wide;
}

interface ChatViewProps {
  readonly model: ModelInfo;
  readonly models: readonly ModelInfo[];
  readonly chat: Chat;
}

/** Whether the field is there. */
function focusSearch(): boolean {
  const field = document.querySelector<HTMLElement>("[data-search]");
  field?.focus();
  return field !== null;
}

export function ChatView({ model, models, chat }: ChatViewProps) {
  const [settingsOpen, setSettingsOpen] = useState(false);
  const [listOpen, setListOpen] = useState(false);
  const composer = useRef<HTMLTextAreaElement>(null);
  const wide = useWide();
  const empty = chat.conversation.size === 0;
  /** For what makes the pressed button disappear; on a touch screen focus would open the keyboard. */
  const thenCompose = (act: () => void): void => {
    act();
    if (matchMedia("(pointer: fine)").matches) composer.current?.focus();
  };
  useEffect(
    () =>
      onShortcut({
        compose: () => composer.current?.focus(),
        newConversation: () => thenCompose(() => chat.open()),
        search: () => {
          setListOpen(true);
          // At once, or the first letters go elsewhere; the sheet of a narrow page is there after the next rendering.
          if (!focusSearch()) requestAnimationFrame(focusSearch);
        },
      }),
    [chat.conversation],
  );
  return (
    <main class="chat">
      <h1 class="hidden">{words.views.chat}</h1>
      {wide ? (
        <nav class="side" aria-label={words.list.title}>
          <Sidebar chat={chat} onChoose={() => thenCompose(() => undefined)} />
        </nav>
      ) : (
        listOpen && (
          <Sheet title={words.list.title} side="left" onClose={() => setListOpen(false)}>
            <Sidebar chat={chat} onChoose={() => setListOpen(false)} />
          </Sheet>
        )
      )}
      <div class="talk">
        {empty ? (
          <Welcome model={model} onChoose={(text) => thenCompose(() => chat.send(text))} />
        ) : (
          <MessageList key={chat.conversation.id} chat={chat} models={models} onAct={thenCompose} />
        )}
        <footer class="dock">
          {chat.failure !== undefined && (
            <p class="failure" role="alert">
              {chat.failure}
            </p>
          )}
          <Composer model={model} chat={chat} field={composer} />
          <div class="dock-tools">
            {!wide && (
              <button type="button" class="quiet-button" onClick={() => setListOpen(true)}>
                <ListIcon />
                {words.list.title}
              </button>
            )}
            <button type="button" class="quiet-button" onClick={() => setSettingsOpen(true)}>
              <SlidersIcon />
              {words.chat.settings}
            </button>
            {!empty && (
              <button type="button" class="quiet-button" onClick={() => thenCompose(() => chat.open())}>
                <NewIcon />
                {words.chat.newConversation}
              </button>
            )}
          </div>
        </footer>
      </div>
      {settingsOpen && (
        <SettingsSheet
          chat={chat}
          contextLength={model.context_length}
          onClose={() => setSettingsOpen(false)}
        />
      )}
    </main>
  );
}
