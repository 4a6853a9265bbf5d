/** @file The page about documents: the funnel, examples of both sides, a search, and what there is by language, site, licence. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { DocumentsInfo, DocumentsPage } from "../../../src/serve/index.ts";
import { bytes, integer, languageName, percent } from "../format.ts";
import { messageOf } from "../fetch-here.ts";
import { fetchDocuments, fetchPage } from "./documents-api.ts";
import { Examples, Search } from "./examples.tsx";
import { Funnel } from "./funnel-view.tsx";
import { words } from "../words.ts";

const ROWS = 20;

function Part(props: { readonly id: string; readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section aria-labelledby={props.id}>
      <h2 id={props.id}>{props.title}</h2>
      {props.children}
    </section>
  );
}

function Names(props: { readonly kind: "languages" | "domains" | "licences"; readonly page: DocumentsPage }) {
  const { kind, page } = props;
  const rows = page[kind];
  const [all, setAll] = useState(false);
  const total = kind === "domains" ? page.domainCount : rows.length;
  const shown = all ? rows : rows.slice(0, ROWS);
  if (rows.length === 0) return null;
  return (
    <Part id={`documents-${kind}`} title={words.documents[kind]}>
      <div class="wide" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.documents.name[kind]}</th>
              <th scope="col" class="number">
                {words.documents.keptDocuments}
              </th>
              <th scope="col" class="number">
                {words.documents.text}
              </th>
              <th scope="col" class="number">
                {words.documents.droppedDocuments}
              </th>
              <th scope="col" class="number">
                {words.documents.share}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ name, kept, dropped }) => (
              <tr key={name}>
                <td>{kind === "languages" ? `${languageName(name)} (${name})` : name}</td>
                <td class="number">{integer(kept.documents)}</td>
                <td class="number">{bytes(kept.bytes)}</td>
                <td class="number">{integer(dropped.documents)}</td>
                <td class="number">
                  {percent(kept.documents / Math.max(1, kept.documents + dropped.documents))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < rows.length ? (
        <button type="button" class="button" onClick={() => setAll(true)}>
          {words.documents.more(integer(total - shown.length))}
        </button>
      ) : (
        total > shown.length && <p class="faint">{words.documents.more(integer(total - shown.length))}</p>
      )}
    </Part>
  );
}

function Totals({ page }: { readonly page: DocumentsPage }) {
  const tiles = [
    [page.train, words.documents.train],
    [page.heldout, words.documents.heldout],
    [page.dropped, words.documents.dropped],
  ] as const;
  return (
    <dl class="tiles">
      {tiles.map(([count, label]) => (
        <div key={label}>
          <dt>{`${label}, ${bytes(count.bytes)}`}</dt>
          <dd>{integer(count.documents)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Artifact({ id }: { readonly id: string }) {
  const [seed, setSeed] = useState(0);
  const [page, setPage] = useState<DocumentsPage>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    let current = true;
    fetchPage(id, seed).then(
      (fresh) => current && setPage(fresh),
      (error: unknown) => current && setFailure(messageOf(error)),
    );
    return () => {
      current = false;
    };
  }, [id, seed]);
  if (failure !== undefined) return <p role="alert">{failure}</p>;
  if (page === undefined) return <p role="status">{words.documents.loading}</p>;
  return (
    <>
      <Totals page={page} />
      <Part id="documents-funnel" title={words.documents.funnel}>
        <Funnel page={page} />
      </Part>
      <Part id="documents-search" title={words.documents.search}>
        <Search id={id} />
      </Part>
      <Part id="documents-examples" title={words.documents.examples}>
        <Examples page={page} seed={seed} onDraw={() => setSeed(seed + 1)} />
      </Part>
      <Names kind="domains" page={page} />
      <Names kind="licences" page={page} />
      <Names kind="languages" page={page} />
    </>
  );
}

export function DocumentsView() {
  const [list, setList] = useState<readonly DocumentsInfo[]>();
  const [failed, setFailed] = useState(false);
  const [chosen, choose] = useState<string>();
  useEffect(() => {
    fetchDocuments().then(setList, () => setFailed(true));
  }, []);
  const newest = list?.toSorted((a, b) => b.train - a.train)[0]?.id;
  const id = chosen ?? newest;
  return (
    <main class="portal documents">
      <div class="portal-column">
        <header class="portal-lead">
          <h1>{words.documents.title}</h1>
          <p>{words.documents.lead}</p>
        </header>
        {failed && <p role="alert">{words.documents.notHere}</p>}
        {list?.length === 0 && <p>{words.documents.none}</p>}
        {list !== undefined && list.length > 1 && (
          <label class="documents-choice">
            {words.documents.choose}{" "}
            <select value={id} onChange={(event) => choose(event.currentTarget.value)}>
              {list.map((info) => (
                <option key={info.id} value={info.id}>
                  {`${info.id.replace(/-([0-9a-f]{6})[0-9a-f]*$/, " $1")}: ${integer(info.train)} ${words.documents.train}`}
                </option>
              ))}
            </select>
          </label>
        )}
        {id !== undefined && <Artifact key={id} id={id} />}
      </div>
    </main>
  );
}
