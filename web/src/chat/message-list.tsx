/**
 * @file The conversation so far. It follows a growing answer until the reader scrolls away from its end. Only messages
 * near the screen are in the document, however long the conversation is.
 */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { ModelInfo } from "../api.ts";
import { DownIcon } from "../icons.tsx";
import { words } from "../words.ts";
import { MessageView } from "./message.tsx";
import type { Chat } from "./use-chat.ts";
import { useVirtualizer } from "./virtual-list.ts";

/** Nearer to the end than this, the list follows it. */
const FOLLOW_PX = 60;
const LIKELY_HEIGHT_PX = 90;

interface MessageListProps {
  readonly chat: Chat;
  readonly models: readonly ModelInfo[];
  /** After a message's own button has gone, the composer takes the focus. */
  readonly onAct: (act: () => void) => void;
}

export function MessageList({ chat, models, onAct }: MessageListProps) {
  const { conversation, busy } = chat;
  const { path } = conversation;
  const scroller = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: path.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LIKELY_HEIGHT_PX,
    getItemKey: (index) => path[index] ?? index,
    overscan: 6,
    gap: 24,
    paddingStart: 28,
    paddingEnd: 20,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: FOLLOW_PX,
    initialOffset: path.length * LIKELY_HEIGHT_PX * 2,
  });
  const lastQuestion = path.findLast((id) => conversation.message(id).role === "user");
  // A conversation opens at its end, and whoever has just asked wants to see the answer.
  useLayoutEffect(() => list.scrollToEnd(), [lastQuestion]);

  const traced = useMemo(
    () => new Set(models.filter((model) => model.training_documents).map(({ id }) => id)),
    [models],
  );
  const last = path.at(-1);
  const lastRole = last === undefined ? undefined : conversation.message(last).role;
  return (
    <div class="log-frame">
      <div class="log" ref={scroller} tabIndex={0} role="region" aria-label={words.chat.conversation}>
        <ol class="messages" style={{ height: `${list.getTotalSize()}px` }}>
          {list.getVirtualItems().map(({ key, index, start }) => {
            const message = conversation.message(path[index]!);
            return (
              <li
                key={key}
                ref={list.measureElement}
                data-index={index}
                class={`message ${message.role}`}
                aria-posinset={index + 1}
                aria-setsize={path.length}
                style={{ transform: `translateY(${start}px)` }}
              >
                <MessageView
                  chat={chat}
                  message={message}
                  last={message.id === last}
                  traced={traced}
                  onAct={onAct}
                />
              </li>
            );
          })}
        </ol>
      </div>
      {!list.isAtEnd(FOLLOW_PX) && (
        <button
          type="button"
          class="icon-button to-bottom"
          aria-label={words.chat.toBottom}
          title={words.chat.toBottom}
          onClick={() => list.scrollToEnd()}
        >
          <DownIcon />
        </button>
      )}
      <p class="hidden" role="status">
        {busy
          ? words.chat.thinking
          : chat.waiting !== undefined
            ? words.chat.tools.waiting
            : lastRole === "assistant"
              ? words.chat.finished
              : ""}
      </p>
    </div>
  );
}
