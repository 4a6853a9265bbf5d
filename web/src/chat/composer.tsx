/** @file Where the reader writes: Enter sends, Shift+Enter makes a line, Escape stops the answer; text files go along. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { countTokens, type ModelInfo } from "../api.ts";
import { ClipIcon, CloseIcon, FileIcon, SendIcon, StopIcon } from "../icons.tsx";
import { words } from "../words.ts";
import { withFiles } from "./conversation.ts";
import { readFiles, type TextFile } from "./files.ts";
import type { Chat } from "./use-chat.ts";

const MAX_HEIGHT_PX = 220;
/** Shorter texts are not counted before they are sent. */
const COUNTED_FROM = 400;
const TYPING_PAUSE_MS = 300;
const MOST_FILES = 20;

interface ComposerProps {
  readonly model: ModelInfo;
  readonly chat: Chat;
  readonly field: RefObject<HTMLTextAreaElement | null>;
}

/** Tokens of what would be sent: `undefined` while unknown, Infinity if more than fit. */
function useSize(
  model: ModelInfo,
  chat: Chat,
  draft: string,
  files: readonly TextFile[],
): number | undefined {
  const [size, setSize] = useState<number>();
  const { conversation } = chat;
  const counted = files.length > 0 || draft.length > COUNTED_FROM;
  useEffect(() => {
    setSize(undefined);
    if (!counted) return undefined;
    const controller = new AbortController();
    const before = conversation.leaf === null ? [] : conversation.turnsTo(conversation.leaf);
    const text = [...before.map(({ content }) => content), withFiles(draft, files)].join("\n");
    const timer = setTimeout(() => {
      countTokens(model.id, text, controller.signal).then(
        (tokens) => !controller.signal.aborted && setSize(tokens ?? Number.POSITIVE_INFINITY),
        () => undefined,
      );
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [model.id, conversation, conversation.leaf, chat.busy, draft, files, counted]);
  return size;
}

export function Composer({ model, chat, field }: ComposerProps) {
  const [draft, setDraft] = useState("");
  const [files, setFiles] = useState<readonly TextFile[]>([]);
  const [refused, setRefused] = useState<readonly string[]>([]);
  const picker = useRef<HTMLInputElement>(null);
  const size = useSize(model, chat, draft, files);
  const tooLong = size !== undefined && size >= model.context_length;
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

  const attach = async (list: Iterable<File>): Promise<void> => {
    const { read, refused: wrong } = await readFiles(list);
    setRefused(wrong);
    setFiles((now) => [...now, ...read].slice(0, MOST_FILES));
  };
  const nothing = draft.trim() === "" && files.length === 0;
  const send = (): void => {
    if (chat.busy || nothing || tooLong) return;
    chat.send(draft.trim(), files);
    setDraft("");
    setFiles([]);
    setRefused([]);
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
      onDragOver={(event) => {
        if (event.dataTransfer?.types.includes("Files") === true) event.preventDefault();
      }}
      onDrop={(event) => {
        const dropped = event.dataTransfer?.files;
        if (dropped === undefined || dropped.length === 0) return;
        event.preventDefault();
        void attach(dropped);
      }}
    >
      {files.length > 0 && (
        <ul class="files">
          {files.map(({ name }, index) => (
            <li key={index} class="file">
              <FileIcon />
              <span>{name}</span>
              <button
                type="button"
                class="icon-button small"
                aria-label={words.files.remove(name)}
                title={words.files.remove(name)}
                onClick={() => setFiles(files.filter((_, other) => other !== index))}
              >
                <CloseIcon />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="composer-row">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            void attach(event.currentTarget.files ?? []);
            event.currentTarget.value = "";
          }}
        />
        <button
          type="button"
          class="icon-button attach"
          aria-label={words.files.attach}
          title={words.files.attach}
          onClick={() => picker.current?.click()}
        >
          <ClipIcon />
        </button>
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
            disabled={nothing || tooLong}
          >
            <SendIcon />
          </button>
        )}
      </div>
      {size !== undefined && (
        <p class={tooLong ? "size too-long" : "size"} role="status">
          {Number.isFinite(size)
            ? words.files.size(
                size.toLocaleString(words.code),
                model.context_length.toLocaleString(words.code),
              )
            : ""}{" "}
          {tooLong && words.files.tooLong}
        </p>
      )}
      {refused.map((reason) => (
        <p key={reason} class="size too-long" role="alert">
          {reason}
        </p>
      ))}
    </form>
  );
}
