/** @file The conversation so far. It follows a growing answer until the reader scrolls away from its end. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { AgainIcon, CheckIcon, CopyIcon, DownIcon } from "../icons.tsx";
import { Markdown } from "../markdown.tsx";
import { words } from "../words.ts";
import type { Answer, Entry, Question } from "./conversation.ts";
import type { Chat } from "./use-chat.ts";

/** Nearer to the end than this, the list follows it. */
const FOLLOW_PX = 60;

interface MessageListProps {
  readonly chat: Chat;
  readonly onAgain: () => void;
}

export function MessageList({ chat, onAgain }: MessageListProps) {
  const { entries, busy } = chat;
  const scroller = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [away, setAway] = useState(false);
  const toBottom = (): void => scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  const onScroll = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current!;
    following.current = scrollHeight - scrollTop - clientHeight < FOLLOW_PX;
    setAway(!following.current);
  };
  const lastQuestion = entries.findLast((entry) => entry.role === "user")?.id;
  useLayoutEffect(() => {
    following.current = true;
  }, [lastQuestion]);
  useLayoutEffect(() => {
    if (following.current) toBottom();
  }, [entries]);

  const last = entries.at(-1);
  return (
    <div class="log-frame">
      <div
        class="log"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="region"
        aria-label={words.chat.conversation}
      >
        <ol class="messages">
          {entries.map((entry) => (
            <li key={entry.id} class={`message ${entry.role}`}>
              <Message entry={entry} {...(entry === last && !busy ? { onAgain } : {})} />
            </li>
          ))}
        </ol>
      </div>
      {away && (
        <button
          type="button"
          class="icon-button to-bottom"
          aria-label={words.chat.toBottom}
          title={words.chat.toBottom}
          onClick={toBottom}
        >
          <DownIcon />
        </button>
      )}
      <p class="hidden" role="status">
        {busy ? words.chat.thinking : last?.role === "assistant" ? words.chat.finished : ""}
      </p>
    </div>
  );
}

interface MessageProps {
  readonly entry: Entry;
  /** Present on the last answer. */
  readonly onAgain?: () => void;
}

function Message({ entry, onAgain }: MessageProps) {
  return entry.role === "user" ? (
    <QuestionMessage entry={entry} />
  ) : (
    <AnswerMessage entry={entry} {...(onAgain === undefined ? {} : { onAgain })} />
  );
}

function QuestionMessage({ entry }: { readonly entry: Question }) {
  return (
    <article>
      <h2 class="hidden">{words.chat.saidBy(words.chat.you)}</h2>
      <p class="bubble" dir="auto">
        {entry.text}
      </p>
    </article>
  );
}

function AnswerMessage({ entry, onAgain }: { readonly entry: Answer; readonly onAgain?: () => void }) {
  const streaming = entry.state === "streaming";
  return (
    <article aria-busy={streaming}>
      <h2 class="speaker">{entry.model}</h2>
      {entry.text === "" && streaming ? (
        <p class="waiting" aria-hidden="true">
          <i />
          <i />
          <i />
        </p>
      ) : entry.text === "" && entry.state !== "failed" ? (
        <p class="faint">{words.chat.emptyAnswer}</p>
      ) : (
        <Markdown text={entry.text} />
      )}
      {entry.state === "failed" ? (
        <div class="failure" role="alert">
          <p>{entry.failure}</p>
          {onAgain !== undefined && (
            <button type="button" class="button" onClick={onAgain}>
              {words.tryAgain}
            </button>
          )}
        </div>
      ) : (
        !streaming && <AnswerFoot entry={entry} {...(onAgain === undefined ? {} : { onAgain })} />
      )}
    </article>
  );
}

function AnswerFoot({ entry, onAgain }: { readonly entry: Answer; readonly onAgain?: () => void }) {
  const rate = entry.tokensPerSecond;
  const parts = [
    entry.tokens === undefined
      ? undefined
      : words.chat.stats(entry.tokens, rate === undefined ? undefined : formatRate(rate)),
    entry.state === "length" ? words.chat.cutByLimit : undefined,
    entry.state === "stopped" ? words.chat.stopped : undefined,
  ];
  const stats = parts.filter((part) => part !== undefined).join(" · ");
  return (
    <div class="answer-foot">
      {stats !== "" && <span class="stats">{stats}</span>}
      {entry.text !== "" && <CopyButton text={entry.text} />}
      {onAgain !== undefined && (
        <button
          type="button"
          class="icon-button small"
          aria-label={words.chat.regenerate}
          title={words.chat.regenerate}
          onClick={onAgain}
        >
          <AgainIcon />
        </button>
      )}
    </div>
  );
}

function formatRate(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString(words.code);
}

function CopyButton({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  const label = copied ? words.chat.copied : words.chat.copy;
  // Browsers offer the clipboard on secure pages and localhost only.
  if (!isSecureContext) return null;
  return (
    <button
      type="button"
      class="icon-button small"
      aria-label={label}
      title={label}
      onClick={() => void copy().catch(() => undefined)}
    >
      {copied ? <CheckIcon /> : <CopyIcon />}
    </button>
  );
}
