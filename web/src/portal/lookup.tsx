/** @file “Is my text in it?”: a domain from the table beside the page or from the server, a passage from the server. */
import { useState } from "preact/hooks";
import type { DomainLookup } from "../../../src/release/index.ts";
import type { LookupAnswer } from "../../../src/serve/index.ts";
import { messageOf } from "../fetch-here.ts";
import { bytes, integer } from "../format.ts";
import { fetchDomains, isStatic, lookUp } from "./portal-api.ts";
import { wordFor, words } from "../words.ts";

/** What a reader is told, line by line; `quotes` are places of a passage. */
interface Found {
  readonly lines: readonly string[];
  readonly quotes: readonly { readonly text: string; readonly where: string }[];
}

const stepName = (step: string): string => wordFor(words.transparency.refused.steps, step);
const reasonName = (reason: string): string => wordFor(words.transparency.refused.reasons, reason);

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
  const labels = words.transparency.lookup;
  const sum = (split: string, key: "documents" | "bytes"): number =>
    answer.kept.filter((group) => group.split === split).reduce((total, group) => total + group[key], 0);
  const documents = sum("train", "documents");
  const heldOut = sum("heldout", "documents");
  return {
    lines: [
      documents === 0
        ? labels.domainNone(answer.domain)
        : labels.domainKept(answer.domain, integer(documents), bytes(sum("train", "bytes"))),
      ...(heldOut === 0 ? [] : [labels.domainHeldOut(integer(heldOut))]),
      ...(answer.seen === undefined || answer.seen.steps === 0
        ? []
        : [labels.domainSteps(integer(answer.seen.tokens), integer(answer.seen.steps))]),
      ...answer.dropped.map((group) =>
        labels.dropped(integer(group.documents), stepName(group.step), reasonName(group.reason)),
      ),
    ],
    quotes: [],
  };
}

function textFound(answer: Extract<LookupAnswer, { kind: "text" }>): Found {
  const labels = words.transparency.lookup;
  return {
    lines: [
      answer.keptCount === 0 ? labels.textNone : labels.textKept(integer(answer.keptCount)),
      ...(answer.rejectedCount === 0 ? [] : [labels.textDropped(integer(answer.rejectedCount))]),
    ],
    quotes: answer.documents.map(({ id, excerpt, split }) => ({
      text: excerpt,
      where: `${id} · ${split === "train" ? labels.seen(integer(answer.steps[id] ?? 0)) : labels.heldOut}`,
    })),
  };
}

/** The answer of an exported page: the table knows registrable domains and what lies below them. */
function tableFound(domain: string, { domains, cut }: DomainLookup): Found {
  const labels = words.transparency.lookup;
  const name = Object.keys(domains).find((known) => domain === known || domain.endsWith(`.${known}`));
  const entry = name === undefined ? undefined : domains[name];
  const lines = entry === undefined ? [labels.domainNone(domain)] : [];
  if (entry !== undefined && name !== undefined) {
    const [documents, size] = entry.kept;
    lines.push(
      documents === 0 ? labels.domainNone(name) : labels.domainKept(name, integer(documents), bytes(size)),
    );
    for (const [step, reason, count] of entry.refused)
      lines.push(labels.dropped(integer(count), stepName(step), reasonName(reason)));
  }
  return { lines: cut && entry === undefined ? [...lines, labels.cut] : lines, quotes: [] };
}

/** What is told in the page's language of the moment. */
type Telling = () => Found;

async function answer(input: string): Promise<Telling> {
  const domain = asDomain(input);
  if (isStatic) {
    if (domain === undefined) return () => ({ lines: [words.transparency.lookup.passageStatic], quotes: [] });
    const table = await fetchDomains();
    return () => tableFound(domain, table);
  }
  const found = await lookUp(domain === undefined ? { text: input } : { domain });
  return () => (found.kind === "domain" ? domainFound(found) : textFound(found));
}

export function Lookup() {
  const labels = words.transparency.lookup;
  const [input, setInput] = useState("");
  const [telling, setTelling] = useState<Telling>();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const found = telling?.();
  const search = (event: Event): void => {
    event.preventDefault();
    const asked = input.trim();
    if (asked === "" || busy) return;
    setBusy(true);
    setFailure(undefined);
    answer(asked)
      .then(
        (told) => setTelling(() => told),
        (error: unknown) => setFailure(messageOf(error)),
      )
      .finally(() => setBusy(false));
  };
  return (
    <>
      <p>{isStatic ? labels.explainStatic : labels.explain}</p>
      <form class="lookup" onSubmit={search}>
        <textarea
          rows={2}
          aria-label={labels.label}
          placeholder={isStatic ? labels.placeholderStatic : labels.placeholder}
          value={input}
          maxLength={2000}
          onInput={(event) => setInput(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey) search(event);
          }}
        />
        <button type="submit" class="button" disabled={busy}>
          {labels.search}
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
