/** @file Where the reader writes: Enter sends, Shift+Enter makes a line, Escape stops the answer. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { ModelInfo } from "../api.ts";
import { SendIcon, StopIcon } from "../icons.tsx";
import { words } from "../words.ts";
import type { Chat } from "./use-chat.ts";

const MAX_HEIGHT_PX = 220;

interface ComposerProps {
  readonly model: ModelInfo;
  readonly chat: Chat;
  readonly field: RefObject<HTMLTextAreaElement | null>;
}

export function Composer({ model, chat, field }: ComposerProps) {
  const [draft, setDraft] = useState("");
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, MAX_HEIGHT_PX)}px`;
  }, [draft]);
  useEffect(() => {
    // On a touch screen focus would open the keyboard over the page.
    if (matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, []);

  const send = (): void => {
    if (chat.busy || draft.trim() === "") return;
    chat.send(draft.trim());
    setDraft("");
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && chat.busy) {
      chat.stop();
    }
  };
  const label = words.chat.placeholder(model.id);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        value={draft}
        placeholder={label}
        aria-label={label}
        enterkeyhint="send"
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {chat.busy ? (
        <button
          type="button"
          class="send"
          aria-label={words.chat.stop}
          title={words.chat.stop}
          onClick={chat.stop}
        >
          <StopIcon />
        </button>
      ) : (
        <button
          type="submit"
          class="send"
          aria-label={words.chat.send}
          title={words.chat.send}
          disabled={draft.trim() === ""}
        >
          <SendIcon />
        </button>
      )}
    </form>
  );
}
