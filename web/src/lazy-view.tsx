/** @file A view whose code is fetched when it is first looked at. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { words } from "./words.ts";

export function LazyView({ load }: { readonly load: () => Promise<ComponentType> }) {
  const [View, setView] = useState<ComponentType>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    load().then(
      (view) => setView(() => view),
      () => setFailed(true),
    );
  }, []);
  if (View !== undefined) return <View />;
  return (
    <main class="notice">
      <p role="status">{failed ? words.noServer : ""}</p>
    </main>
  );
}
