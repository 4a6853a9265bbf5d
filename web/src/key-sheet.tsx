/** @file The reader's API key: asked for when the server wants one, changed or forgotten by a button in the bar. */
import { useEffect, useState } from "preact/hooks";
import {
  ApiFailure,
  askAgain,
  forgetKey,
  hasKey,
  keepKey,
  type KeyQuestion,
  messageOf,
  onKeyQuestion,
} from "./fetch-here.ts";
import { KeyIcon } from "./icons.tsx";
import { Field } from "./knob.tsx";
import { Sheet } from "./sheet.tsx";
import { words } from "./words.ts";

/** The button is there from the first time that the server has asked for a key. */
export function KeyControl() {
  const [question, setQuestion] = useState<KeyQuestion>();
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState(hasKey());
  useEffect(
    () =>
      onKeyQuestion((asked) => {
        setQuestion(asked);
        if (asked !== undefined) setWanted(true);
      }),
    [],
  );
  if (!wanted) return null;
  const close = (): void => {
    setOpen(false);
    question?.answer(false);
  };
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-label={words.key.title}
        title={words.key.title}
        onClick={() => {
          askAgain();
          setOpen(true);
        }}
      >
        <KeyIcon />
      </button>
      {(open || question !== undefined) && <KeySheet question={question} onClose={close} />}
    </>
  );
}

/** Reads the page again, without the open conversation: it belongs to the key from before. */
function startAnew(): void {
  history.replaceState(null, "", location.hash.split("/")[0]);
  location.reload();
}

interface KeySheetProps {
  readonly question: KeyQuestion | undefined;
  readonly onClose: () => void;
}

function KeySheet({ question, onClose }: KeySheetProps) {
  const text = words.key;
  const [draft, setDraft] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const keep = (event: SubmitEvent): void => {
    event.preventDefault();
    if (draft.trim() === "" || busy) return;
    setBusy(true);
    setFailure(undefined);
    keepKey(draft.trim()).then(
      (replaced) => {
        // What is on the page belongs to the key from before, or nothing waits for this one.
        if (replaced || question === undefined) startAnew();
        else question.answer(true);
      },
      (error: unknown) => {
        setFailure(
          error instanceof ApiFailure && error.code === "invalid_api_key" ? text.refused : messageOf(error),
        );
        setBusy(false);
      },
    );
  };
  const forget = (): void => {
    forgetKey();
    startAnew();
  };
  return (
    <Sheet title={text.title} onClose={onClose}>
      <p>
        {question?.refused === true
          ? text.refused
          : question === undefined && hasKey()
            ? text.kept
            : text.wanted}
      </p>
      <form class="stack" onSubmit={keep}>
        <Field label={text.label} help={text.help}>
          {(ids) => (
            <input
              {...ids}
              type="password"
              name="api-key"
              autocomplete="current-password"
              spellcheck={false}
              autofocus
              required
              maxLength={200}
              value={draft}
              onInput={(event) => setDraft(event.currentTarget.value)}
            />
          )}
        </Field>
        {failure !== undefined && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        <div class="form-end start">
          <button type="submit" class="button" disabled={busy}>
            {text.keep}
          </button>
          {hasKey() && (
            <button type="button" class="button" onClick={forget}>
              {text.forget}
            </button>
          )}
        </div>
      </form>
    </Sheet>
  );
}
