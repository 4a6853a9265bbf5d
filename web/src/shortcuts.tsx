/** @file Keys that work all over the page, and the sheet that lists them. */
import { useEffect, useState } from "preact/hooks";
import { KeyboardIcon } from "./icons.tsx";
import { Sheet } from "./sheet.tsx";
import { words } from "./words.ts";

export type ShortcutName = "help" | "view" | "compose" | "newConversation" | "search";

const COMMAND = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";

/** Every key of the page as the help shows it. */
const SHOWN = [
  ["help", ["?"]],
  ["view", ["Alt", "1 … 9"]],
  ["compose", ["/"]],
  ["newConversation", [COMMAND, "Shift", "O"]],
  ["search", [COMMAND, "K"]],
  ["send", ["Enter"]],
  ["line", ["Shift", "Enter"]],
  ["stop", ["Esc"]],
  ["places", ["←", "→", "Home", "End"]],
] as const;

function nameOf(event: KeyboardEvent): ShortcutName | undefined {
  const command = event.ctrlKey || event.metaKey;
  if (command && event.shiftKey && event.code === "KeyO") return "newConversation";
  if (command && !event.shiftKey && !event.altKey && event.code === "KeyK") return "search";
  if (event.altKey && !command && /^Digit[1-9]$/.test(event.code)) return "view";
  if (command || event.altKey) return undefined;
  // Plain characters mean themselves where somebody writes.
  const { target } = event;
  if (target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null) {
    return undefined;
  }
  return event.key === "?" ? "help" : event.key === "/" ? "compose" : undefined;
}

/** Calls the action of a pressed shortcut; returns how to stop that. */
export function onShortcut(
  actions: Partial<Record<ShortcutName, (event: KeyboardEvent) => void>>,
): () => void {
  const onKeyDown = (event: KeyboardEvent): void => {
    const name = nameOf(event);
    const action = name === undefined ? undefined : actions[name];
    // A sheet over the page has the keys for itself.
    if (action === undefined || document.querySelector("dialog[open]") !== null) return;
    event.preventDefault();
    action(event);
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

export function HelpButton() {
  const [open, setOpen] = useState(false);
  useEffect(() => onShortcut({ help: () => setOpen(true) }), []);
  return (
    <>
      <button
        type="button"
        class="icon-button help-button"
        title={words.help.open}
        aria-label={words.help.open}
        onClick={() => setOpen(true)}
      >
        <KeyboardIcon />
      </button>
      {open && (
        <Sheet title={words.help.title} onClose={() => setOpen(false)}>
          <dl class="keys">
            {SHOWN.map(([name, keys]) => (
              <div key={name}>
                <dt>
                  {keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{words.help.keys[name]}</dd>
              </div>
            ))}
          </dl>
        </Sheet>
      )}
    </>
  );
}
