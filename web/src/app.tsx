/** @file The frame of the page: name, views, model, theme; and whichever view is chosen. */
import { useEffect, useState } from "preact/hooks";
import { ApiFailure, listModels, type ModelInfo } from "./api.ts";
import { ChatView } from "./chat/chat-view.tsx";
import { useChat } from "./chat/use-chat.ts";
import { documentsWords } from "./documents/documents-words.ts";
import { fairnessWords } from "./fairness/fairness-words.ts";
import { LazyFairness } from "./fairness/lazy.tsx";
import { Mark } from "./icons.tsx";
import { LazyView } from "./lazy-view.tsx";
import { isStatic } from "./portal/portal-api.ts";
import { PortalView } from "./portal/portal-view.tsx";
import { portalWords } from "./portal/portal-words.ts";
import { RunsView } from "./runs/runs-view.tsx";
import { runsWords } from "./runs/runs-words.ts";
import { useStored } from "./storage.ts";
import { ThemeButton } from "./theme.tsx";
import { TokenView } from "./tokens/token-view.tsx";
import { words } from "./words.ts";

type ViewName = "chat" | "next-token" | "tokenizer" | "runs" | "documents" | "transparency";

const VIEWS: readonly { readonly name: ViewName; readonly label: string }[] = [
  { name: "chat", label: words.views.chat },
  { name: "next-token", label: words.views.nextToken },
  { name: "tokenizer", label: fairnessWords.view },
  { name: "runs", label: runsWords.view },
  { name: "documents", label: documentsWords.view },
  { name: "transparency", label: portalWords.view },
];
/** An exported site has papers and no model. */
const SHOWN = VIEWS.filter(({ name }) => !isStatic || name === "transparency");

const isText = (value: unknown): value is string => typeof value === "string";

/** The view is part of the address, so that it can be linked to and the back button works. */
function useView(): ViewName {
  const read = (): ViewName => SHOWN.find(({ name }) => location.hash === `#${name}`)?.name ?? SHOWN[0]!.name;
  const [view, setView] = useState(read);
  useEffect(() => {
    const follow = (): void => setView(read());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return view;
}

interface ModelList {
  readonly models: readonly ModelInfo[];
  readonly failure: string | undefined;
  readonly reload: () => void;
}

function useModels(): ModelList {
  const [models, setModels] = useState<readonly ModelInfo[]>([]);
  const [failure, setFailure] = useState<string>();
  const reload = (): void => {
    if (isStatic) return;
    setFailure(undefined);
    listModels().then(setModels, (error: unknown) =>
      setFailure(error instanceof ApiFailure ? error.message : words.noServer),
    );
  };
  useEffect(reload, []);
  return { models, failure, reload };
}

export function App() {
  const view = useView();
  const { models, failure, reload } = useModels();
  const [chosenId, chooseModel] = useStored("firn.model", "", isText);
  const model = models.find(({ id }) => id === chosenId) ?? models[0];
  useEffect(() => {
    document.documentElement.lang = words.code;
    const label = VIEWS.find(({ name }) => name === view)?.label ?? "";
    document.title = `${label} · ${words.appName}`;
  }, [view]);
  return (
    <>
      <header class="bar">
        <a class="brand" href={`#${SHOWN[0]!.name}`} aria-label={words.appName}>
          <Mark />
          <span>{words.appName}</span>
        </a>
        <nav class="views" aria-label={words.chooseView}>
          {SHOWN.map(({ name, label }) => (
            <a key={name} href={`#${name}`} aria-current={name === view ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <div class="bar-end">
          {model !== undefined && <ModelPicker models={models} model={model} onChoose={chooseModel} />}
          <ThemeButton />
        </div>
      </header>
      {model === undefined && view === "transparency" ? (
        <PortalView />
      ) : model === undefined ? (
        <main class="notice">
          {failure === undefined ? (
            <p role="status">{words.loading}</p>
          ) : (
            <div class="failure" role="alert">
              <p>{failure}</p>
              <button type="button" class="button" onClick={reload}>
                {words.tryAgain}
              </button>
            </div>
          )}
        </main>
      ) : (
        <Views view={view} model={model} />
      )}
    </>
  );
}

const loadDocuments = () =>
  import("./documents/documents-view.tsx").then(({ DocumentsView }) => DocumentsView);

/** The conversation lives here and not in its view, so that an answer goes on while the reader looks elsewhere. */
function Views({ view, model }: { readonly view: ViewName; readonly model: ModelInfo }) {
  const chat = useChat(model);
  if (view === "transparency") return <PortalView />;
  if (view === "runs") return <RunsView />;
  if (view === "documents") return <LazyView key={view} load={loadDocuments} />;
  if (view === "tokenizer") return <LazyFairness model={model} />;
  return view === "chat" ? (
    <ChatView model={model} chat={chat} />
  ) : (
    <TokenView key={model.id} model={model} />
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
