/** @file Documents as cards: examples of both sides beside each other, and what a search finds. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { DocumentsPage, DocumentsSearch, ShownDocument } from "../../../src/serve/index.ts";
import { bytes, integer } from "../format.ts";
import { messageOf } from "../fetch-here.ts";
import { search } from "./documents-api.ts";
import { words } from "../words.ts";

function Card({ document, mark }: { readonly document: ShownDocument; readonly mark?: string | undefined }) {
  const { url, id, reason, step, detail, language, source, text, cut } = document;
  const at = mark === undefined ? -1 : text.toLowerCase().indexOf(mark.toLowerCase());
  return (
    <article class="document">
      <h4>
        {/* Text and not a link: these are other people's addresses, some of them refused. */}
        <bdi>{url ?? id}</bdi>
      </h4>
      <p class="document-facts">
        {reason !== null && <b class="reason">{`${step}: ${reason}`}</b>}
        <span>{language}</span>
        <span>{source}</span>
        <span>{bytes(document.bytes)}</span>
      </p>
      {detail !== null && <p class="document-detail">{detail}</p>}
      {text === "" ? (
        <p class="faint">{words.documents.noText}</p>
      ) : (
        <pre dir="auto" tabIndex={0}>
          {at < 0 || mark === undefined ? (
            text
          ) : (
            <>
              {text.slice(0, at)}
              <mark>{text.slice(at, at + mark.length)}</mark>
              {text.slice(at + mark.length)}
            </>
          )}
          {cut ? " …" : ""}
        </pre>
      )}
    </article>
  );
}

function Side(props: { readonly title: string; readonly documents: readonly ShownDocument[] }) {
  return (
    <div>
      <h3>{props.title}</h3>
      {props.documents.length === 0 && <p class="faint">{words.documents.nothing}</p>}
      {props.documents.map((document) => (
        <Card key={document.id} document={document} />
      ))}
    </div>
  );
}

interface ExamplesProps {
  readonly page: DocumentsPage;
  readonly seed: number;
  readonly onDraw: () => void;
}

export function Examples({ page, seed, onDraw }: ExamplesProps) {
  return (
    <>
      <p>{words.documents.examplesLead}</p>
      <p>
        <button type="button" class="button" onClick={onDraw}>
          {words.documents.others}
        </button>{" "}
        <span class="faint">{words.documents.draw(seed)}</span>
      </p>
      <div class="sides">
        <Side title={words.documents.keptSide} documents={page.kept} />
        <Side title={words.documents.droppedSide} documents={page.rejected} />
      </div>
    </>
  );
}

/** Shown while a search runs, when it failed, and with its result. */
type SearchState =
  | { readonly state: "none" | "running" }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "done"; readonly text: string; readonly result: DocumentsSearch };

export function Search({ id }: { readonly id: string }) {
  const [text, setText] = useState("");
  const [side, setSide] = useState<"kept" | "dropped">("kept");
  const [answer, setAnswer] = useState<SearchState>({ state: "none" });
  const ask = (event: SubmitEvent): void => {
    event.preventDefault();
    setAnswer({ state: "running" });
    search(id, text.trim(), side).then(
      (result) => setAnswer({ state: "done", text: text.trim(), result }),
      (error: unknown) => setAnswer({ state: "failed", message: messageOf(error) }),
    );
  };
  return (
    <>
      <p>{words.documents.searchLead}</p>
      <form class="documents-search" onSubmit={ask}>
        <input
          type="search"
          required
          minLength={2}
          maxLength={500}
          aria-label={words.documents.searchFor}
          placeholder={words.documents.searchFor}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <select
          aria-label={words.documents.among}
          value={side}
          onChange={(event) => setSide(event.currentTarget.value === "dropped" ? "dropped" : "kept")}
        >
          <option value="kept">{words.documents.keptSide}</option>
          <option value="dropped">{words.documents.droppedSide}</option>
        </select>
        <button type="submit" class="button" disabled={answer.state === "running"}>
          {words.documents.find}
        </button>
      </form>
      <Answer answer={answer} />
    </>
  );
}

function Answer({ answer }: { readonly answer: SearchState }): ComponentChildren {
  switch (answer.state) {
    case "none":
      return null;
    case "running":
      return <p role="status">{words.documents.searching}</p>;
    case "failed":
      return <p role="alert">{answer.message}</p>;
    case "done": {
      const { found, seen, complete } = answer.result;
      return (
        <>
          <p role="status">{words.documents.found(found.length, integer(seen), complete)}</p>
          {found.map((document) => (
            <Card key={document.id} document={document} mark={answer.text} />
          ))}
        </>
      );
    }
  }
}
