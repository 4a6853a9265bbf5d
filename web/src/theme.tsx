/** @file Light or dark: the system's choice until the reader makes one. `theme.js` applies it before first paint. */
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { MoonIcon, SunIcon } from "./icons.tsx";
import { useStored } from "./storage.ts";
import { words } from "./words.ts";

type Theme = "light" | "dark";

const isTheme = (value: unknown): value is Theme | null =>
  value === null || value === "light" || value === "dark";

function useSystemTheme(): Theme {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const [theme, setTheme] = useState<Theme>(query.matches ? "dark" : "light");
  useEffect(() => {
    const follow = (): void => setTheme(query.matches ? "dark" : "light");
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  return theme;
}

export function ThemeButton() {
  const system = useSystemTheme();
  const [chosen, choose] = useStored<Theme | null>("firn.theme", null, isTheme);
  const dark = (chosen ?? system) === "dark";
  // Before the next paint: the button and the page change together.
  useLayoutEffect(() => {
    if (chosen === null) delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = chosen;
  }, [chosen]);
  const label = dark ? words.theme.toLight : words.theme.toDark;
  return (
    <button
      type="button"
      class="icon-button"
      title={label}
      aria-label={label}
      onClick={() => choose(dark ? "light" : "dark")}
    >
      {dark ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}
