/** @file What the reader thinks of an answer: kept by the server only after they have agreed to that. */
import { useId, useState } from "preact/hooks";
import { ThumbIcon } from "../icons.tsx";
import { Sheet } from "../sheet.tsx";
import { words } from "../words.ts";
import type { Message } from "./conversation.ts";
import type { Chat } from "./use-chat.ts";

interface FeedbackProps {
  readonly chat: Chat;
  readonly message: Message;
}

export function FeedbackControl({ chat, message }: FeedbackProps) {
  const [asked, setAsked] = useState<"good" | "bad">();
  const text = words.feedback;
  const given = message.feedback?.rating;
  const thumb = (rating: "good" | "bad") => (
    <button
      type="button"
      class={`icon-button small thumb ${rating}`}
      aria-label={text[rating]}
      title={text[rating]}
      aria-pressed={given === rating}
      onClick={() => setAsked(rating)}
    >
      <ThumbIcon />
    </button>
  );
  return (
    <>
      {thumb("good")}
      {thumb("bad")}
      {asked !== undefined && (
        <FeedbackSheet chat={chat} message={message} rating={asked} onClose={() => setAsked(undefined)} />
      )}
    </>
  );
}

interface FeedbackSheetProps extends FeedbackProps {
  readonly rating: "good" | "bad";
  readonly onClose: () => void;
}

function FeedbackSheet({ chat, message, rating, onClose }: FeedbackSheetProps) {
  const text = words.feedback;
  const [comment, setComment] = useState(message.feedback?.comment ?? "");
  const [consent, setConsent] = useState(message.feedback !== null);
  const [failure, setFailure] = useState<string>();
  const commentId = useId();
  const send = (feedback: { rating: "good" | "bad"; comment: string } | undefined): void => {
    chat.rate(message.id, feedback).then(onClose, () => setFailure(words.chat.notSaved));
  };
  return (
    <Sheet title={text.title} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (consent) send({ rating, comment: comment.trim() });
        }}
      >
        <p class="rating">
          <span class={`thumb ${rating}`}>
            <ThumbIcon />
          </span>
          {text[rating]}
        </p>
        <div class="field">
          <label for={commentId}>{text.comment}</label>
          <textarea
            id={commentId}
            rows={3}
            maxLength={10_000}
            dir="auto"
            value={comment}
            onInput={(event) => setComment(event.currentTarget.value)}
          />
        </div>
        <label class="consent">
          <input
            type="checkbox"
            checked={consent}
            onChange={(event) => setConsent(event.currentTarget.checked)}
          />
          <span>{text.consent}</span>
        </label>
        {failure !== undefined && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        {message.feedback !== null && <p class="faint">{text.kept}</p>}
        <div class="form-end">
          {message.feedback !== null && (
            <button type="button" class="quiet-button" onClick={() => send(undefined)}>
              {text.withdraw}
            </button>
          )}
          <button type="submit" class="button" disabled={!consent}>
            {text.give}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
