/** @file Copies a text; the button says so for a moment. */
import { useState } from "preact/hooks";
import { CheckIcon, CopyIcon } from "../icons.tsx";
import { words } from "../words.ts";

export function CopyButton({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  const label = copied ? words.chat.copied : words.chat.copy;
  // Browsers offer the clipboard on secure pages and localhost only.
  if (!isSecureContext) return null;
  return (
    <button
      type="button"
      class="icon-button small"
      aria-label={label}
      title={label}
      onClick={() => void copy().catch(() => undefined)}
    >
      {copied ? <CheckIcon /> : <CopyIcon />}
    </button>
  );
}
