/** @file “Is my text in it?”: a domain from the table beside the page or from the server, a passage from the server. */
import { useState } from "preact/hooks";
import type { LookupAnswer } from "../../../src/serve/index.ts";
import { messageOf } from "../fetch-here.ts";
import { bytes, integer } from "./format.ts";
import { fetchDomains, isStatic, lookUp } from "./portal-api.ts";
import { portalWords } from "./portal-words.ts";

const words = portalWords.lookup;

/** What a reader is told, line by line; `quotes` are places of a passage. */
interface Found {
  readonly lines: readonly string[];
  readonly quotes: readonly { readonly text: string; readonly where: string }[];
}

const stepName = (step: string): string => portalWords.refused.steps[step] ?? step;

/** A domain as somebody types or pastes it; undefined for a passage. */
function asDomain(input: string): string | undefined {
  const host = input
    .replace(/^https?:\/\//i, "")
    .replace(/[/?#].*$/, "")
    .replace(/^www\./i, "")
    .toLowerCase();
  return /^[a-z0-9äöüß.-]+\.[a-z]{2,}$/i.test(host) ? host : undefined;
}

function domainFound(answer: Extract<LookupAnswer, { kind: "domain" }>): Found {
  const sum = (split: string, key: "documents" | "bytes"): number =>
    answer.kept.filter((group) => group.split === split).reduce((total, group) => total + group[key], 0);
  const documents = sum("train", "documents");
  const heldOut = sum("heldout", "documents");
  return {
    lines: [
      documents === 0
        ? words.domainNone(answer.domain)
        : words.domainKept(answer.domain, integer(documents), bytes(sum("train", "bytes"))),
      ...(heldOut === 0 ? [] : [words.domainHeldOut(integer(heldOut))]),
      ...(answer.seen === undefined || answer.seen.steps === 0
        ? []
        : [words.domainSteps(integer(answer.seen.tokens), integer(answer.seen.steps))]),
      ...answer.dropped.map((group) =>
        words.dropped(integer(group.documents), stepName(group.step), group.reason),
      ),
    ],
    quotes: [],
  };
}

function textFound(answer: Extract<LookupAnswer, { kind: "text" }>): Found {
  return {
    lines: [
      answer.keptCount === 0 ? words.textNone : words.textKept(integer(answer.keptCount)),
      ...(answer.rejectedCount === 0 ? [] : [words.textDropped(integer(answer.rejectedCount))]),
    ],
    quotes: answer.documents.map(({ id, excerpt, split }) => ({
      text: excerpt,
      where: `${id} · ${split === "train" ? words.seen(integer(answer.steps[id] ?? 0)) : words.heldOut}`,
    })),
  };
}

/** The answer of an exported page: the table knows registrable domains and what lies below them. */
async function fromTable(domain: string): Promise<Found> {
  const { domains, cut } = await fetchDomains();
  const name = Object.keys(domains).find((known) => domain === known || domain.endsWith(`.${known}`));
  const entry = name === undefined ? undefined : domains[name];
  const lines = entry === undefined ? [words.domainNone(domain)] : [];
  if (entry !== undefined && name !== undefined) {
    const [documents, size] = entry.kept;
    lines.push(
      documents === 0 ? words.domainNone(name) : words.domainKept(name, integer(documents), bytes(size)),
    );
    for (const [step, reason, count] of entry.refused)
      lines.push(words.dropped(integer(count), stepName(step), reason));
  }
  return { lines: cut && entry === undefined ? [...lines, words.cut] : lines, quotes: [] };
}

async function answer(input: string): Promise<Found> {
  const domain = asDomain(input);
  if (isStatic)
    return domain === undefined ? { lines: [words.passageStatic], quotes: [] } : fromTable(domain);
  const found = await lookUp(domain === undefined ? { text: input } : { domain });
  return found.kind === "domain" ? domainFound(found) : textFound(found);
}

export function Lookup() {
  const [input, setInput] = useState("");
  const [found, setFound] = useState<Found>();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const search = (event: Event): void => {
    event.preventDefault();
    const asked = input.trim();
    if (asked === "" || busy) return;
    setBusy(true);
    setFailure(undefined);
    answer(asked)
      .then(setFound, (error: unknown) => setFailure(messageOf(error)))
      .finally(() => setBusy(false));
  };
  return (
    <>
      <p>{isStatic ? words.explainStatic : words.explain}</p>
      <form class="lookup" onSubmit={search}>
        <textarea
          rows={2}
          aria-label={words.label}
          placeholder={isStatic ? words.placeholderStatic : words.placeholder}
          value={input}
          maxLength={2000}
          onInput={(event) => setInput(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey) search(event);
          }}
        />
        <button type="submit" class="button" disabled={busy}>
          {words.search}
        </button>
      </form>
      <div class="found" role="status" aria-busy={busy}>
        {failure !== undefined && <p class="failure">{failure}</p>}
        {failure === undefined && found !== undefined && (
          <>
            {found.lines.map((line) => (
              <p key={line}>{line}</p>
            ))}
            {found.quotes.map(({ text, where }) => (
              <blockquote key={where}>
                <p>… {text} …</p>
                <footer class="faint">{where}</footer>
              </blockquote>
            ))}
          </>
        )}
      </div>
    </>
  );
}
