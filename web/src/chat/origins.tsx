/** @file "Where does this come from?": an answer with its passages that stand in training documents, and those documents. */
import { useEffect, useState } from "preact/hooks";
import type { OriginsAnswer } from "../../../src/serve/index.ts";
import { fetchOrigins } from "../api.ts";
import { ApiFailure } from "../fetch-here.ts";
import { OriginIcon } from "../icons.tsx";
import { Sheet } from "../sheet.tsx";
import { words } from "../words.ts";

interface OriginsProps {
  readonly model: string;
  readonly text: string;
}

export function OriginsButton(props: OriginsProps) {
  const [open, setOpen] = useState(false);
  const label = words.origins.ask;
  return (
    <>
      <button
        type="button"
        class="icon-button small"
        aria-label={label}
        title={label}
        onClick={() => setOpen(true)}
      >
        <OriginIcon />
      </button>
      {open && (
        <Sheet title={words.origins.title} onClose={() => setOpen(false)}>
          <Search {...props} />
        </Sheet>
      )}
    </>
  );
}

function Search({ model, text }: OriginsProps) {
  const [answer, setAnswer] = useState<OriginsAnswer>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    const controller = new AbortController();
    fetchOrigins(model, text, controller.signal).then(setAnswer, (error: unknown) => {
      if (controller.signal.aborted) return;
      setFailure(error instanceof ApiFailure ? error.message : words.noServer);
    });
    return () => controller.abort();
  }, [model, text]);
  if (failure !== undefined) {
    return (
      <p class="failure" role="alert">
        {failure}
      </p>
    );
  }
  if (answer === undefined) return <p role="status">{words.origins.searching}</p>;
  return <Found text={text} answer={answer} />;
}

function Found({ text, answer }: { readonly text: string; readonly answer: OriginsAnswer }) {
  const say = words.origins;
  const { spans, shortestBytes, complete, milliseconds } = answer;
  return (
    <div class="origins">
      <p role="status">
        {spans.length === 0
          ? say.none(shortestBytes)
          : say.found(spans.length, milliseconds.toLocaleString(words.code))}
      </p>
      {!complete && <p class="faint">{say.incomplete}</p>}
      <p class="origin-text" dir="auto">
        {marked(text, spans)}
      </p>
      {spans.length > 0 && <p class="faint">{say.explain}</p>}
      <ol>
        {spans.map((span) => (
          <li key={span.start}>
            <blockquote dir="auto">{text.slice(span.start, span.end).trim()}</blockquote>
            <p class="faint">{say.inDocuments(span.count)}</p>
            <ul>
              {span.documents.map(({ kind, id, source, url, licence, steps }) => (
                <li key={`${kind} ${id}`}>
                  {url === null || !/^https?:\/\//.test(url) ? (
                    <b>{id}</b>
                  ) : (
                    <a href={url} target="_blank" rel="noopener noreferrer nofollow">
                      {id}
                    </a>
                  )}
                  <span class="faint">
                    {kind === "conversation"
                      ? say.conversations
                      : `${say.source}: ${source ?? say.unknown} · ${say.licence}: ${licence ?? say.unknown}`}
                    {steps !== null && ` · ${say.steps(steps)}`}
                  </span>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** The text with its spans marked; spans that overlap become one mark. */
function marked(text: string, spans: OriginsAnswer["spans"]) {
  const parts = [];
  let done = 0;
  for (const { start, end } of spans) {
    if (start > done) parts.push(text.slice(done, start));
    if (end > done) parts.push(<mark key={start}>{text.slice(Math.max(start, done), end)}</mark>);
    done = Math.max(done, end);
  }
  parts.push(text.slice(done));
  return parts;
}
