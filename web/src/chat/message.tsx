/** @file One message: a question that can be changed, an answer with its tools, its figures and its foot, a tool's result. */
import { useEffect, useRef, useState } from "preact/hooks";
import { AgainIcon, ChevronIcon, FileIcon, PencilIcon } from "../icons.tsx";
import { Markdown } from "../markdown.tsx";
import { words } from "../words.ts";
import { CopyButton } from "./copy-button.tsx";
import type { Message } from "./conversation.ts";
import { FeedbackControl } from "./feedback.tsx";
import { OriginsButton } from "./origins.tsx";
import { ToolCallView, ToolResultView } from "./tool-call.tsx";
import type { Chat } from "./use-chat.ts";

interface MessageProps {
  readonly chat: Chat;
  readonly message: Message;
  readonly last: boolean;
  /** Ids of the models whose training documents can be searched. */
  readonly traced: ReadonlySet<string>;
  readonly onAct: (act: () => void) => void;
}

export function MessageView(props: MessageProps) {
  const { message } = props;
  if (message.role === "user") return <Question {...props} />;
  if (message.role === "assistant") return <Answer {...props} />;
  return <ToolResultView message={message} ended={props.last && props.chat.roundsSpent} />;
}

function Question({ chat, message, onAct }: MessageProps) {
  const [editing, setEditing] = useState(false);
  const { files = [] } = message.detail;
  if (editing) {
    return (
      <EditForm
        text={message.content}
        onCancel={() => setEditing(false)}
        onSend={(text) => {
          setEditing(false);
          onAct(() => chat.edit(message.id, text));
        }}
      />
    );
  }
  return (
    <article>
      <h2 class="hidden">{words.chat.saidBy(words.chat.you)}</h2>
      {files.length > 0 && (
        <ul class="files">
          {files.map(({ name, text }) => (
            <li key={name}>
              <details class="tool">
                <summary>
                  <FileIcon />
                  {name}
                </summary>
                <pre tabIndex={0}>{text}</pre>
              </details>
            </li>
          ))}
        </ul>
      )}
      <p class="bubble" dir="auto">
        {message.content}
      </p>
      <div class="foot question-foot">
        <Branches chat={chat} message={message} />
        {!chat.busy && (
          <button
            type="button"
            class="icon-button small"
            aria-label={words.chat.edit}
            title={words.chat.edit}
            onClick={() => setEditing(true)}
          >
            <PencilIcon />
          </button>
        )}
      </div>
    </article>
  );
}

interface EditFormProps {
  readonly text: string;
  readonly onSend: (text: string) => void;
  readonly onCancel: () => void;
}

function EditForm({ text, onSend, onCancel }: EditFormProps) {
  const [draft, setDraft] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const send = (): void => {
    if (draft.trim() !== "") onSend(draft.trim());
  };
  return (
    <form
      class="edit"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        if (event.target !== field.current) return;
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={Math.min(12, draft.split("\n").length + 1)}
        dir="auto"
        aria-label={words.chat.editLabel}
        value={draft}
        onInput={(event) => setDraft(event.currentTarget.value)}
      />
      <div class="form-end">
        <button type="button" class="quiet-button" onClick={onCancel}>
          {words.cancel}
        </button>
        <button type="submit" class="button" disabled={draft.trim() === ""}>
          {words.chat.sendEdited}
        </button>
      </div>
    </form>
  );
}

function Answer({ chat, message, last, traced, onAct }: MessageProps) {
  const { model = "", state, failure, toolCalls = [] } = message.detail;
  const streaming = state === "streaming";
  const { content } = message;
  const empty = content === "" && toolCalls.length === 0;
  const again = (): void => onAct(() => chat.regenerate(message.id));
  return (
    <article aria-busy={streaming}>
      <h2 class="speaker">{model}</h2>
      {empty && streaming ? (
        <p class="waiting" aria-hidden="true">
          <i />
          <i />
          <i />
        </p>
      ) : empty && state !== "failed" ? (
        <p class="faint">{words.chat.emptyAnswer}</p>
      ) : (
        content !== "" && <Markdown text={content} />
      )}
      {toolCalls.map((call) => (
        <ToolCallView
          key={call.id}
          chat={chat}
          call={call}
          waiting={chat.waiting?.answer === message.id && chat.waiting.calls.includes(call)}
        />
      ))}
      {state === "failed" && (
        <div class="failure" role={last ? "alert" : undefined}>
          <p>{failure}</p>
          {last && !chat.busy && (
            <button type="button" class="button" onClick={again}>
              {words.tryAgain}
            </button>
          )}
        </div>
      )}
      {!streaming && (
        <div class="foot answer-foot">
          <Statistics message={message} />
          <Branches chat={chat} message={message} />
          {content !== "" && <CopyButton text={content} />}
          {state !== "failed" && !chat.busy && (
            <button
              type="button"
              class="icon-button small"
              aria-label={words.chat.regenerate}
              title={words.chat.regenerate}
              onClick={again}
            >
              <AgainIcon />
            </button>
          )}
          {content !== "" && traced.has(model) && <OriginsButton model={model} text={content} />}
          {state !== "failed" && content !== "" && <FeedbackControl chat={chat} message={message} />}
        </div>
      )}
    </article>
  );
}

function Statistics({ message }: { readonly message: Message }) {
  const { state, tokens, tokensPerSecond, promptTokens, firstTokenMs, milliseconds } = message.detail;
  const parts = [
    tokens === undefined
      ? undefined
      : words.chat.stats(tokens, tokensPerSecond === undefined ? undefined : formatRate(tokensPerSecond)),
    state === "length" ? words.chat.cutByLimit : undefined,
    state === "stopped" ? words.chat.stopped : undefined,
    state === "filtered" ? words.chat.filtered : undefined,
  ];
  const stats = parts.filter((part) => part !== undefined).join(" · ");
  if (stats === "") return null;
  if (promptTokens === undefined || firstTokenMs === undefined || milliseconds === undefined) {
    return <span class="stats">{stats}</span>;
  }
  const seconds = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);
  return (
    <details class="stats">
      <summary>{stats}</summary>
      {words.chat.statsMore(
        promptTokens.toLocaleString(words.code),
        seconds(firstTokenMs),
        seconds(milliseconds),
      )}
    </details>
  );
}

function formatRate(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString(words.code);
}

/** Switches between the versions of a message. */
function Branches({ chat, message }: { readonly chat: Chat; readonly message: Message }) {
  const versions = chat.conversation.siblings(message.id);
  if (versions.length < 2) return null;
  const at = versions.indexOf(message.id);
  const step = (by: 1 | -1, label: string) => {
    const target = versions[at + by];
    return (
      <button
        type="button"
        class={`icon-button small ${by < 0 ? "back" : ""}`}
        aria-label={label}
        title={label}
        disabled={target === undefined || chat.busy}
        onClick={() => target !== undefined && chat.show(target)}
      >
        <ChevronIcon />
      </button>
    );
  };
  return (
    <span class="branches" role="group" aria-label={words.chat.branch(at + 1, versions.length)}>
      {step(-1, words.chat.previousBranch)}
      <span class="stats">{`${at + 1} / ${versions.length}`}</span>
      {step(1, words.chat.nextBranch)}
    </span>
  );
}
