/** @file The transparency portal: what the model is, what it learnt from, what was refused, the papers, how to object. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { PortalData } from "../../../src/release/index.ts";
import { integer, percent, power, rough } from "./format.ts";
import { Lookup } from "./lookup.tsx";
import { fetchPortal } from "./portal-api.ts";
import { portalWords } from "./portal-words.ts";
import { Treemap } from "./treemap-view.tsx";

function Fact({ id }: { readonly id: string | undefined }) {
  return id === undefined ? null : (
    <a class="fact" href="legal/facts.jsonl" title="line of the ledger that says so">
      {id}
    </a>
  );
}

function Part(props: { readonly id: string; readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section aria-labelledby={props.id}>
      <h2 id={props.id}>{props.title}</h2>
      {props.children}
    </section>
  );
}

function Lead({ data }: { readonly data: PortalData }) {
  const { training, compute, domains, provider } = data;
  const words = portalWords;
  const tokens = training?.tokens ?? undefined;
  const documents = training?.documents ?? undefined;
  const tiles: readonly (readonly [string, string, string | undefined])[] = [
    [tokens === undefined ? "–" : rough(tokens), words.tiles.tokens, training?.fact],
    [documents === undefined ? "–" : integer(documents), words.tiles.documents, training?.fact],
    [integer(data.languages.length), words.tiles.languages, training?.fact],
    [rough(data.parameters), words.tiles.parameters, data.fact ?? undefined],
    ...(domains === null || domains.count === 0
      ? []
      : [[integer(domains.count), words.tiles.domains, domains.fact] as const]),
    [compute === null ? "–" : power(compute.flop), words.tiles.compute, compute?.fact],
  ];
  const about: readonly (readonly [string, string | null])[] = [
    [words.use, provider?.intendedUse ?? null],
    [words.notFor, provider?.outOfScopeUse ?? null],
    [words.limits, provider?.limitations ?? null],
  ];
  return (
    <header class="portal-lead">
      <h1>{words.title(data.name)}</h1>
      <p>
        {words.lead({
          name: data.name,
          version: data.version,
          parameters: rough(data.parameters),
          documents: documents === undefined ? "an unrecorded number of" : integer(documents),
          sources: data.sources.map(({ title }) => title).join(", ") || "sources that were not recorded",
        })}
      </p>
      <dl class="tiles">
        {tiles.map(([value, label, fact]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {value} <Fact id={fact} />
            </dd>
          </div>
        ))}
      </dl>
      {compute !== null && <p class="faint">{compute.sentence}</p>}
      <dl class="about">
        {about.map(([label, text]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd class={text === null ? "open" : ""}>{text ?? words.notSaid}</dd>
          </div>
        ))}
      </dl>
    </header>
  );
}

function Sources({ data }: { readonly data: PortalData }) {
  const words = portalWords.ate;
  return (
    <div class="wide">
      <table>
        <caption>{words.sources}</caption>
        <thead>
          <tr>
            <th scope="col">{words.source}</th>
            <th scope="col">{words.licenceColumn}</th>
            <th scope="col">{words.rights}</th>
            <th scope="col">{words.period}</th>
            <th scope="col" class="number">
              {words.tokens}
            </th>
            <th scope="col">fact</th>
          </tr>
        </thead>
        <tbody>
          {data.sources.map((source) => (
            <tr key={source.id}>
              <td>{source.url === null ? source.title : <a href={source.url}>{source.title}</a>}</td>
              <td>{source.licence}</td>
              <td>{source.rights ?? words.unknown}</td>
              <td>{source.period ?? words.unknown}</td>
              <td class="number">{source.tokens === null ? words.unknown : integer(source.tokens)}</td>
              <td>
                <Fact id={source.fact} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Conversations({ data }: { readonly data: PortalData }) {
  const { conversations } = data;
  if (conversations === null) return null;
  const { count, tokens, madeBy, licence, fact } = conversations;
  return (
    <p>
      {portalWords.ate.conversations({
        count: integer(count),
        tokens: tokens === null ? undefined : rough(tokens),
        madeBy,
        licence,
      })}{" "}
      <Fact id={fact} />
    </p>
  );
}

/** What sites and people had said beforehand, also where it made no difference. */
function Reservations({ data }: { readonly data: PortalData }) {
  const words = portalWords.refused;
  return (
    <>
      <h3>{words.reservations}</h3>
      {data.reservations.length === 0 ? (
        <p class="open">{words.noReservations}</p>
      ) : (
        <ul class="reservations">
          {data.reservations.map(({ text, fact }) => (
            <li key={text}>
              {text} <Fact id={fact} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Refused({ data }: { readonly data: PortalData }) {
  const words = portalWords.refused;
  const steps = data.steps.filter(
    ({ step, reasons, changed }) => step === "opt-out" || reasons.length > 0 || (changed ?? 0) > 0,
  );
  return (
    <>
      <Reservations data={data} />
      <p>{steps.length === 0 ? words.none : words.explain}</p>
      <ul class="steps">
        {steps.map((step) => (
          <li key={`${step.step} ${step.source} ${step.fact}`}>
            <h3>
              {words.steps[step.step] ?? step.step}
              <small class="faint">
                {step.step}
                {step.source === null ? "" : ` · ${step.source}`}
                {step.in === null || step.out === null
                  ? ""
                  : ` · ${words.kept(integer(step.out), integer(step.in))}`}
                {step.changed === null || step.changed === 0
                  ? ""
                  : ` · ${words.changed(integer(step.changed))}`}
              </small>{" "}
              <Fact id={step.fact} />
            </h3>
            <Bars rows={step.reasons} of={step.in} />
            {step.marks.length > 0 && (
              <>
                <p class="faint small-print">{words.marks}</p>
                <Bars rows={step.marks} of={step.in} />
              </>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Bars(props: {
  readonly rows: readonly { readonly name: string; readonly documents: number }[];
  readonly of: number | null;
}) {
  const most = Math.max(1, ...props.rows.map(({ documents }) => documents));
  return (
    <ul class="reasons">
      {[...props.rows]
        .sort((a, b) => b.documents - a.documents)
        .map(({ name, documents }) => (
          <li key={name}>
            <span>{portalWords.refused.reasons[name] ?? name}</span>
            <i style={{ width: `${(documents / most) * 100}%` }} />
            <span class="number">
              {integer(documents)}
              {props.of === null || props.of === 0 ? "" : ` · ${percent(documents / props.of)}`}
            </span>
          </li>
        ))}
    </ul>
  );
}

function Papers({ data }: { readonly data: PortalData }) {
  const words = portalWords.papers;
  return (
    <>
      <p>{words.explain}</p>
      <ul class="papers">
        {data.papers.map(({ title, file, open }, index) => (
          <li key={file}>
            <a href={`legal/${file}.html`}>{title}</a>
            {open !== null && (
              <span class={open === 0 ? "faint" : "open"}>
                {open === 0 ? words.complete : words.open(open)}
              </span>
            )}
            <span class="formats">
              {index === 0 && <a href={`legal/${file}.docx`}>{words.word}</a>}
              <a href={`legal/${file}.md`}>Markdown</a>
              <a href={`legal/${file}.json`}>{words.data}</a>
            </span>
          </li>
        ))}
        <li>
          <a href="legal/facts.jsonl">{words.facts}</a>
        </li>
      </ul>
      <h3>{words.others}</h3>
      <ul>
        {data.files.map(({ title, path }) => (
          <li key={path}>
            <a href={`legal/${path}`}>{title}</a>
          </li>
        ))}
      </ul>
    </>
  );
}

function Objection({ data }: { readonly data: PortalData }) {
  const words = portalWords.object;
  const { provider } = data;
  const contact = provider?.contact ?? null;
  const complaints = provider?.complaints ?? null;
  return (
    <>
      <p>{words.explain}</p>
      <dl class="about">
        <div>
          <dt>{words.contact}</dt>
          <dd class={contact === null ? "open" : ""}>
            {contact === null ? words.none : `${provider?.name ?? ""}, ${contact}`}
          </dd>
        </div>
        {complaints !== null && (
          <div>
            <dt>{words.complaints}</dt>
            <dd>{complaints}</dd>
          </div>
        )}
      </dl>
      <h3>{words.template}</h3>
      <pre class="template">{words.text(`${data.name} ${data.version}`)}</pre>
    </>
  );
}

export function PortalView() {
  const [data, setData] = useState<PortalData>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    fetchPortal().then(setData, () => setFailed(true));
  }, []);
  const words = portalWords;
  if (data === undefined) {
    return (
      <main class="notice">
        <p role="status">{failed ? words.missing : words.loading}</p>
      </main>
    );
  }
  return (
    <main class="portal">
      <div class="portal-column">
        <Lead data={data} />
        <Part id="lookup" title={words.lookup.title}>
          <Lookup />
        </Part>
        <Part id="ate" title={words.ate.title}>
          <Treemap data={data} />
          <Sources data={data} />
          <Conversations data={data} />
        </Part>
        <Part id="refused" title={words.refused.title}>
          <Refused data={data} />
        </Part>
        <Part id="papers" title={words.papers.title}>
          <Papers data={data} />
        </Part>
        <Part id="object" title={words.object.title}>
          <Objection data={data} />
        </Part>
      </div>
    </main>
  );
}
