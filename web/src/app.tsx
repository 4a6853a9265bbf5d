/** @file The frame of the page: name, views, model, theme; and whichever view is chosen. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { listModels, type ModelInfo } from "./api.ts";
import { ChatView } from "./chat/chat-view.tsx";
import { type Chat, useChat } from "./chat/use-chat.ts";
import { askAgain, messageOf } from "./fetch-here.ts";
import { Mark } from "./icons.tsx";
import { KeyControl } from "./key-sheet.tsx";
import { LazyView } from "./lazy-view.tsx";
import { isStatic } from "./portal/portal-api.ts";
import { PortalView } from "./portal/portal-view.tsx";
import { RunsView } from "./runs/runs-view.tsx";
import { HelpButton, onShortcut } from "./shortcuts.tsx";
import { useStored } from "./storage.ts";
import { ThemeButton } from "./theme.tsx";
import { TokenView } from "./tokens/token-view.tsx";
import { chooseLanguage, LANGUAGES, words } from "./words.ts";

interface ViewProps {
  readonly model: ModelInfo;
  readonly models: readonly ModelInfo[];
  readonly chat: Chat;
}

interface View {
  /** Its address: `#name`, or `#name/…` for a place in it. */
  readonly name: string;
  readonly label: () => string;
  readonly show: (props: ViewProps) => ComponentChildren;
}

const PORTAL: View = {
  name: "transparency",
  label: () => words.views.transparency,
  show: () => <PortalView />,
};

const loadFairness = () => import("./fairness/fairness-view.tsx").then(({ FairnessView }) => FairnessView);
const loadDocuments = () =>
  import("./documents/documents-view.tsx").then(({ DocumentsView }) => DocumentsView);

/** The views of the page, in the order of its navigation. */
const VIEWS: readonly View[] = [
  { name: "chat", label: () => words.views.chat, show: (props) => <ChatView {...props} /> },
  {
    name: "next-token",
    label: () => words.views.nextToken,
    show: (props) => <TokenView key={props.model.id} {...props} />,
  },
  {
    name: "tokenizer",
    label: () => words.views.tokenizer,
    show: ({ model }) => <LazyView key={`tokenizer ${model.id}`} load={loadFairness} props={{ model }} />,
  },
  { name: "runs", label: () => words.views.runs, show: () => <RunsView /> },
  {
    name: "documents",
    label: () => words.views.documents,
    show: () => <LazyView key="documents" load={loadDocuments} props={{}} />,
  },
  PORTAL,
];
/** An exported site has papers and no model. */
const SHOWN: readonly View[] = isStatic ? [PORTAL] : VIEWS;

const isText = (value: unknown): value is string => typeof value === "string";

/** The view is part of the address, so that it can be linked to and the back button works. */
function useView(): View {
  const read = (): View => {
    const [name] = location.hash.slice(1).split("/");
    return SHOWN.find((view) => view.name === name) ?? SHOWN[0]!;
  };
  const [view, setView] = useState(read);
  useEffect(() => {
    const follow = (): void => setView(read());
    const stop = onShortcut({
      view: (event) => {
        const chosen = SHOWN[Number(event.code.slice(-1)) - 1];
        if (chosen !== undefined) location.hash = chosen.name;
      },
    });
    addEventListener("hashchange", follow);
    return () => {
      stop();
      removeEventListener("hashchange", follow);
    };
  }, []);
  return view;
}

interface ModelList {
  readonly models: readonly ModelInfo[];
  readonly failure: string | undefined;
  readonly reload: () => void;
}

/** Asked for once they are `wanted`: who only reads the papers needs no key. */
function useModels(wanted: boolean): ModelList {
  const [models, setModels] = useState<readonly ModelInfo[]>([]);
  const [failure, setFailure] = useState<string>();
  const reload = (): void => {
    setFailure(undefined);
    listModels().then(setModels, (error: unknown) => setFailure(messageOf(error)));
  };
  useEffect(() => {
    if (wanted) reload();
  }, [wanted]);
  return { models, failure, reload };
}

export function App() {
  const view = useView();
  const [seen, setSeen] = useState(view !== PORTAL);
  useEffect(() => {
    if (view !== PORTAL) setSeen(true);
  }, [view]);
  const { models, failure, reload } = useModels(seen);
  const [chosenId, chooseModel] = useStored("firn.model", "", isText);
  const [language, setLanguage] = useState(words.code);
  const model = models.find(({ id }) => id === chosenId) ?? models[0];
  useEffect(() => {
    document.documentElement.lang = words.code;
    document.title = `${view.label()} · ${words.appName}`;
    // On a phone the bar is wider than the screen.
    document.querySelector(".views [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [view, language]);
  return (
    <>
      <header class="bar">
        <a class="brand" href={`#${SHOWN[0]!.name}`} aria-label={words.appName}>
          <Mark />
          <span>{words.appName}</span>
        </a>
        <nav class="views" aria-label={words.chooseView}>
          {SHOWN.map((shown) => (
            <a key={shown.name} href={`#${shown.name}`} aria-current={shown === view ? "page" : undefined}>
              {shown.label()}
            </a>
          ))}
        </nav>
        <div class="bar-end">
          {model !== undefined && <ModelPicker models={models} model={model} onChoose={chooseModel} />}
          <LanguagePicker
            onChoose={(code) => {
              chooseLanguage(code);
              setLanguage(code);
            }}
          />
          <KeyControl />
          <HelpButton />
          <ThemeButton />
        </div>
      </header>
      {model === undefined && view === PORTAL ? (
        <PortalView />
      ) : model === undefined ? (
        <main class="notice">
          {failure === undefined ? (
            <p role="status">{words.loading}</p>
          ) : (
            <div class="failure" role="alert">
              <p>{failure}</p>
              <button
                type="button"
                class="button"
                onClick={() => {
                  askAgain();
                  reload();
                }}
              >
                {words.tryAgain}
              </button>
            </div>
          )}
        </main>
      ) : (
        <Views view={view} model={model} models={models} />
      )}
    </>
  );
}

interface ViewsProps extends Omit<ViewProps, "chat"> {
  readonly view: View;
}

/** The conversation lives here and not in its view, so that an answer goes on while the reader looks elsewhere. */
function Views({ view, ...props }: ViewsProps) {
  const chat = useChat(props.model);
  return <>{view.show({ ...props, chat })}</>;
}

function LanguagePicker({ onChoose }: { readonly onChoose: (code: string) => void }) {
  return (
    <select
      class="language"
      aria-label={words.language}
      title={words.language}
      value={words.code}
      onChange={(event) => onChoose(event.currentTarget.value)}
    >
      {LANGUAGES.map(({ code, languageName }) => (
        <option key={code} value={code} lang={code}>
          {languageName}
        </option>
      ))}
    </select>
  );
}

interface ModelPickerProps {
  readonly models: readonly ModelInfo[];
  readonly model: ModelInfo;
  readonly onChoose: (id: string) => void;
}

function ModelPicker({ models, model, onChoose }: ModelPickerProps) {
  if (models.length === 1) {
    return (
      <span class="model-name" title={model.id}>
        <span class="hidden">{`${words.model}: `}</span>
        {model.id}
      </span>
    );
  }
  return (
    <select
      class="model-name"
      aria-label={words.model}
      value={model.id}
      onChange={(event) => onChoose(event.currentTarget.value)}
    >
      {models.map(({ id }) => (
        <option key={id} value={id}>
          {id}
        </option>
      ))}
    </select>
  );
}
