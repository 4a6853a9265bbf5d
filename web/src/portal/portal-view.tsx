/** @file The transparency portal: what the model is, what it learnt from, what was refused, the papers, how to object. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { PortalData } from "../../../src/release/index.ts";
import { integer, percent, power, rough } from "../format.ts";
import { Lookup } from "./lookup.tsx";
import { fetchPortal } from "./portal-api.ts";
import { Treemap } from "./treemap-view.tsx";
import { wordFor, words } from "../words.ts";

function Fact({ id }: { readonly id: string | undefined }) {
  return id === undefined ? null : (
    <a class="fact" href="legal/facts.jsonl" title={words.transparency.factTitle}>
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
  const labels = words.transparency;
  const tokens = training?.tokens ?? undefined;
  const documents = training?.documents ?? undefined;
  const tiles: readonly (readonly [string, string, string | undefined])[] = [
    [tokens === undefined ? "–" : rough(tokens), labels.tiles.tokens, training?.fact],
    [documents === undefined ? "–" : integer(documents), labels.tiles.documents, training?.fact],
    [integer(data.languages.length), labels.tiles.languages, training?.fact],
    [rough(data.parameters), labels.tiles.parameters, data.fact ?? undefined],
    ...(domains === null || domains.count === 0
      ? []
      : [[integer(domains.count), labels.tiles.domains, domains.fact] as const]),
    [compute === null ? "–" : power(compute.flop), labels.tiles.compute, compute?.fact],
  ];
  const about: readonly (readonly [string, string | null])[] = [
    [labels.use, provider?.intendedUse ?? null],
    [labels.notFor, provider?.outOfScopeUse ?? null],
    [labels.limits, provider?.limitations ?? null],
  ];
  return (
    <header class="portal-lead">
      <h1>{labels.title(data.name)}</h1>
      <p>
        {labels.lead({
          name: data.name,
          version: data.version,
          parameters: rough(data.parameters),
          documents: documents === undefined ? undefined : integer(documents),
          sources: data.sources.map(({ title }) => title).join(", "),
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
            <dd class={text === null ? "open" : ""}>{text ?? labels.notSaid}</dd>
          </div>
        ))}
      </dl>
    </header>
  );
}

function Sources({ data }: { readonly data: PortalData }) {
  const labels = words.transparency.ate;
  return (
    <div class="wide" tabIndex={0}>
      <table>
        <caption>{labels.sources}</caption>
        <thead>
          <tr>
            <th scope="col">{labels.source}</th>
            <th scope="col">{labels.licenceColumn}</th>
            <th scope="col">{labels.rights}</th>
            <th scope="col">{labels.period}</th>
            <th scope="col" class="number">
              {labels.tokens}
            </th>
            <th scope="col">{words.transparency.fact}</th>
          </tr>
        </thead>
        <tbody>
          {data.sources.map((source) => (
            <tr key={source.id}>
              <td>{source.url === null ? source.title : <a href={source.url}>{source.title}</a>}</td>
              <td>{source.licence}</td>
              <td>{source.rights ?? labels.unknown}</td>
              <td>{source.period ?? labels.unknown}</td>
              <td class="number">{source.tokens === null ? labels.unknown : integer(source.tokens)}</td>
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
      {words.transparency.ate.conversations({
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
  const labels = words.transparency.refused;
  return (
    <>
      <h3>{labels.reservations}</h3>
      {data.reservations.length === 0 ? (
        <p class="open">{labels.noReservations}</p>
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
  const labels = words.transparency.refused;
  const steps = data.steps.filter(
    ({ step, reasons, changed }) => step === "opt-out" || reasons.length > 0 || (changed ?? 0) > 0,
  );
  return (
    <>
      <Reservations data={data} />
      <p>{steps.length === 0 ? labels.none : labels.explain}</p>
      <ul class="steps">
        {steps.map((step) => (
          <li key={`${step.step} ${step.source} ${step.fact}`}>
            <h3>
              {wordFor(labels.steps, step.step)}
              <small class="faint">
                {step.step}
                {step.source === null ? "" : ` · ${step.source}`}
                {step.in === null || step.out === null
                  ? ""
                  : ` · ${labels.kept(integer(step.out), integer(step.in))}`}
                {step.changed === null || step.changed === 0
                  ? ""
                  : ` · ${labels.changed(integer(step.changed))}`}
              </small>{" "}
              <Fact id={step.fact} />
            </h3>
            <Bars rows={step.reasons} of={step.in} />
            {step.marks.length > 0 && (
              <>
                <p class="faint small-print">{labels.marks}</p>
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
            <span>{wordFor(words.transparency.refused.reasons, name)}</span>
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
  const labels = words.transparency.papers;
  return (
    <>
      <p>{labels.explain}</p>
      <ul class="papers">
        {data.papers.map(({ title, file, open }, index) => (
          <li key={file}>
            <a href={`legal/${file}.html`}>{title}</a>
            {open !== null && (
              <span class={open === 0 ? "faint" : "open"}>
                {open === 0 ? labels.complete : labels.open(open)}
              </span>
            )}
            <span class="formats">
              {index === 0 && <a href={`legal/${file}.docx`}>{labels.word}</a>}
              <a href={`legal/${file}.md`}>Markdown</a>
              <a href={`legal/${file}.json`}>{labels.data}</a>
            </span>
          </li>
        ))}
        <li>
          <a href="legal/facts.jsonl">{labels.facts}</a>
        </li>
      </ul>
      <h3>{labels.others}</h3>
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
  const labels = words.transparency.object;
  const { provider } = data;
  const contact = provider?.contact ?? null;
  const complaints = provider?.complaints ?? null;
  return (
    <>
      <p>{labels.explain}</p>
      <dl class="about">
        <div>
          <dt>{labels.contact}</dt>
          <dd class={contact === null ? "open" : ""}>
            {contact === null ? labels.none : `${provider?.name ?? ""}, ${contact}`}
          </dd>
        </div>
        {complaints !== null && (
          <div>
            <dt>{labels.complaints}</dt>
            <dd>{complaints}</dd>
          </div>
        )}
      </dl>
      <h3>{labels.template}</h3>
      <pre class="template">{labels.text(`${data.name} ${data.version}`)}</pre>
    </>
  );
}

export function PortalView() {
  const [data, setData] = useState<PortalData>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    fetchPortal().then(setData, () => setFailed(true));
  }, []);
  const labels = words.transparency;
  if (data === undefined) {
    return (
      <main class="notice">
        <p role="status">{failed ? labels.missing : labels.loading}</p>
      </main>
    );
  }
  return (
    <main class="portal">
      <div class="portal-column">
        <Lead data={data} />
        <Part id="lookup" title={labels.lookup.title}>
          <Lookup />
        </Part>
        <Part id="ate" title={labels.ate.title}>
          <Treemap data={data} />
          <Sources data={data} />
          <Conversations data={data} />
        </Part>
        <Part id="refused" title={labels.refused.title}>
          <Refused data={data} />
        </Part>
        <Part id="papers" title={labels.papers.title}>
          <Papers data={data} />
        </Part>
        <Part id="object" title={labels.object.title}>
          <Objection data={data} />
        </Part>
      </div>
    </main>
  );
}
