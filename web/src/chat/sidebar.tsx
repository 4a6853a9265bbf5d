/** @file The conversations the server keeps: searched, opened, renamed, exported, deleted. */
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import type { ConversationEntry } from "../../../src/serve/index.ts";
import { MoreIcon, NewIcon } from "../icons.tsx";
import { Sheet } from "../sheet.tsx";
import { words } from "../words.ts";
import {
  deleteAllConversations,
  deleteConversation,
  importConversation,
  listConversations,
  saveConversation,
} from "./conversations-api.ts";
import { exportConversation } from "./export.ts";
import type { Chat } from "./use-chat.ts";

const TYPING_PAUSE_MS = 150;

interface ListState {
  readonly entries: readonly ConversationEntry[];
  readonly failed: boolean;
}

function useList(query: string, version: number): ListState {
  const [state, setState] = useState<ListState>({ entries: [], failed: false });
  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(
      () => {
        listConversations(query, controller.signal).then(
          (entries) => setState({ entries, failed: false }),
          () => !controller.signal.aborted && setState({ entries: [], failed: true }),
        );
      },
      query === "" ? 0 : TYPING_PAUSE_MS,
    );
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [query, version]);
  return state;
}

interface SidebarProps {
  readonly chat: Chat;
  /** After a conversation was chosen. */
  readonly onChoose: () => void;
}

export function Sidebar({ chat, onChoose }: SidebarProps) {
  const [query, setQuery] = useState("");
  const [version, setVersion] = useState(0);
  const [chosen, setChosen] = useState<ConversationEntry>();
  const [removing, setRemoving] = useState(false);
  const [bringFailed, setBringFailed] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const { entries, failed } = useList(query.trim(), chat.saved + version);
  const text = words.list;
  const go = (id?: string): void => {
    chat.open(id);
    setVersion((count) => count + 1);
    onChoose();
  };
  // Made only when it changes, and not for every piece of an answer: dates take long to write.
  const list = useMemo(
    () => (
      <ul class="conversations">
        {entries.map((entry) => {
          const title = entry.title === "" ? text.untitled : entry.title;
          return (
            <li key={entry.id} class={entry.id === chat.conversation.id ? "current" : ""}>
              <button
                type="button"
                class="conversation"
                aria-current={entry.id === chat.conversation.id ? "true" : undefined}
                onClick={() => go(entry.id)}
              >
                <span class="conversation-title">{title}</span>
                <small>{entry.snippet ?? when(entry.updated)}</small>
              </button>
              <button
                type="button"
                class="icon-button small"
                aria-label={text.more(title)}
                title={text.more(title)}
                onClick={() => setChosen(entry)}
              >
                <MoreIcon />
              </button>
            </li>
          );
        })}
      </ul>
    ),
    [entries, chat.conversation.id, words],
  );
  return (
    <div class="sidebar">
      <div class="sidebar-head">
        <input
          type="search"
          class="search"
          data-search
          maxLength={200}
          placeholder={text.search}
          aria-label={words.help.keys.search}
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
        <button
          type="button"
          class="icon-button"
          aria-label={words.chat.newConversation}
          title={words.chat.newConversation}
          onClick={() => go()}
        >
          <NewIcon />
        </button>
      </div>
      {failed ? (
        <p class="faint">{words.noServer}</p>
      ) : (
        entries.length === 0 && <p class="faint">{query === "" ? text.none : text.nothingFound}</p>
      )}
      {list}
      <div class="sidebar-foot">
        <button type="button" class="quiet-button" onClick={() => picker.current?.click()}>
          {text.bring}
        </button>
        <input
          ref={picker}
          type="file"
          accept=".json,application/json"
          hidden
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? [];
            event.currentTarget.value = "";
            setBringFailed(false);
            file
              ?.text()
              .then(importConversation)
              .then(go, () => setBringFailed(true));
          }}
        />
        {entries.length > 0 && query === "" && (
          <button type="button" class="quiet-button" onClick={() => setRemoving(true)}>
            {text.removeAll}
          </button>
        )}
      </div>
      {bringFailed && (
        <p class="failure" role="alert">
          {text.bringFailed}
        </p>
      )}
      {chosen !== undefined && (
        <EntrySheet
          chat={chat}
          entry={chosen}
          onClose={() => {
            setChosen(undefined);
            setVersion((count) => count + 1);
          }}
        />
      )}
      {removing && (
        <Sheet title={text.removeAll} onClose={() => setRemoving(false)}>
          <Removal
            sure={text.removeAllSure}
            remove={async () => {
              await chat.forget();
              await deleteAllConversations();
              setRemoving(false);
              setVersion((count) => count + 1);
            }}
          />
        </Sheet>
      )}
    </div>
  );
}

function when(time: number): string {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString(words.code, { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString(words.code);
}

interface EntrySheetProps {
  readonly chat: Chat;
  readonly entry: ConversationEntry;
  readonly onClose: () => void;
}

function EntrySheet({ chat, entry, onClose }: EntrySheetProps) {
  const [title, setTitle] = useState(entry.title);
  const [failed, setFailed] = useState(false);
  const titleId = useId();
  const text = words.list;
  const attempt = (act: () => Promise<void>): void => void act().then(onClose, () => setFailed(true));
  return (
    <Sheet title={entry.title === "" ? text.untitled : entry.title} onClose={onClose}>
      <p class="faint">{`${text.messages(entry.messages)} · ${new Date(entry.created).toLocaleString(words.code)}`}</p>
      <form
        class="field"
        onSubmit={(event) => {
          event.preventDefault();
          attempt(async () => {
            await saveConversation(entry.id, { title: title.trim() });
            if (entry.id === chat.conversation.id) chat.rename(title.trim());
          });
        }}
      >
        <label for={titleId}>{text.newName}</label>
        <div class="rename">
          <input
            id={titleId}
            type="text"
            maxLength={200}
            dir="auto"
            value={title}
            onInput={(event) => setTitle(event.currentTarget.value)}
          />
          <button type="submit" class="button">
            {text.rename}
          </button>
        </div>
      </form>
      <div class="form-end start">
        <button
          type="button"
          class="button"
          onClick={() => attempt(() => exportConversation(entry.id, "markdown"))}
        >
          {text.asMarkdown}
        </button>
        <button
          type="button"
          class="button"
          onClick={() => attempt(() => exportConversation(entry.id, "json"))}
        >
          {text.asJson}
        </button>
      </div>
      <Removal
        sure={text.removeSure(entry.title === "" ? text.untitled : entry.title)}
        remove={async () => {
          await chat.forget(entry.id);
          await deleteConversation(entry.id);
          onClose();
        }}
      />
      {failed && (
        <p class="failure" role="alert">
          {words.noServer}
        </p>
      )}
    </Sheet>
  );
}

interface RemovalProps {
  readonly sure: string;
  readonly remove: () => Promise<void>;
}

/** Deleting takes two presses, and what it means stands beside the second. */
function Removal({ sure, remove }: RemovalProps) {
  const [asked, setAsked] = useState(false);
  const [failed, setFailed] = useState(false);
  if (!asked) {
    return (
      <button type="button" class="button danger" onClick={() => setAsked(true)}>
        {`${words.list.remove} …`}
      </button>
    );
  }
  return (
    <div class="failure" role="alert">
      <p>{failed ? words.noServer : sure}</p>
      <button type="button" class="button danger" onClick={() => void remove().catch(() => setFailed(true))}>
        {words.list.remove}
      </button>
    </div>
  );
}
