/** @file A view whose code is fetched when it is first looked at. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { words } from "./words.ts";

interface LazyViewProps<Props> {
  readonly load: () => Promise<ComponentType<Props>>;
  /** What the view is given once it is there. */
  readonly props: Props;
}

export function LazyView<Props extends object>({ load, props }: LazyViewProps<Props>) {
  const [View, setView] = useState<ComponentType<Props>>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    load().then(
      (view) => setView(() => view),
      () => setFailed(true),
    );
  }, []);
  if (View !== undefined) return <View {...props} />;
  return (
    <main class="notice">
      <p role="status">{failed ? words.noServer : words.loading}</p>
    </main>
  );
}
