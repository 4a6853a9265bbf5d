/** @file A call of a tool, which waits for the reader's yes or no, and what came of it. */
import { useState } from "preact/hooks";
import { ToolIcon } from "../icons.tsx";
import { words } from "../words.ts";
import type { Message } from "./conversation.ts";
import type { ToolCall } from "./tool-calls.ts";
import type { Chat } from "./use-chat.ts";

interface ToolCallViewProps {
  readonly chat: Chat;
  readonly call: ToolCall;
  readonly waiting: boolean;
}

export function ToolCallView({ chat, call, waiting }: ToolCallViewProps) {
  const text = words.chat.tools;
  const [always, setAlways] = useState(false);
  return (
    <div class="tool">
      <details open={waiting}>
        <summary>
          <ToolIcon />
          {words.chat.toolCall(call.name)}
        </summary>
        <pre tabIndex={0}>{indented(call.arguments)}</pre>
      </details>
      {waiting && (
        <div class="tool-decision" role="group" aria-label={words.chat.toolCall(call.name)}>
          <button type="button" class="button" disabled={chat.busy} onClick={() => chat.allow(call, always)}>
            {text.allow}
          </button>
          <button type="button" class="button" disabled={chat.busy} onClick={() => chat.refuse(call)}>
            {text.refuse}
          </button>
          <label>
            <input
              type="checkbox"
              checked={always}
              onChange={(event) => setAlways(event.currentTarget.checked)}
            />
            {text.always}
          </label>
        </div>
      )}
    </div>
  );
}

/** Arguments of a tool call; what is not JSON (yet) stays as it is. */
function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

interface ToolResultViewProps {
  readonly message: Message;
  /** The model is not asked again before the reader asks. */
  readonly ended: boolean;
}

export function ToolResultView({ message, ended }: ToolResultViewProps) {
  const { isError = false, refused = false, citations = [] } = message.detail;
  const text = words.chat.tools;
  return (
    <article>
      <h2 class="hidden">{words.chat.toolSaid}</h2>
      <div class="tool">
        <details>
          <summary>
            <ToolIcon />
            {refused ? text.refused : isError ? text.failed : words.chat.toolResult}
          </summary>
          <pre tabIndex={0}>{message.content}</pre>
        </details>
      </div>
      {citations.length > 0 && (
        <>
          <h3 class="citations-title">{text.citations}</h3>
          <ol class="citations">
            {citations.map(({ title, place, quote }, index) => (
              <li key={`${index} ${place}`}>
                {!place.startsWith(title) && <b>{title}</b>} <span class="faint">{place}</span>
                <blockquote dir="auto">{quote}</blockquote>
              </li>
            ))}
          </ol>
        </>
      )}
      {ended && <p class="faint">{text.enough}</p>}
    </article>
  );
}
