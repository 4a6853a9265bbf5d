/** @file Loads the page about tokenizers when it is asked for: it brings the whole tokenizer along. */
import { useEffect, useState } from "preact/hooks";
import type { ModelInfo } from "../api.ts";
import { words } from "../words.ts";
import type { FairnessView } from "./fairness-view.tsx";

type View = typeof FairnessView;

export function LazyFairness({ model }: { readonly model: ModelInfo }) {
  const [View, setView] = useState<View>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    import("./fairness-view.tsx").then(
      (loaded) => setView(() => loaded.FairnessView),
      () => setFailed(true),
    );
  }, []);
  if (View !== undefined) return <View key={model.id} model={model} />;
  return (
    <main class="notice">
      <p role="status">{failed ? words.noServer : words.loading}</p>
    </main>
  );
}
