/** @file The server's tools, and which of them the reader has switched on in a conversation: none, to begin with. */
import { useEffect, useRef, useState } from "preact/hooks";
import { listTools, type ToolInfo } from "../api.ts";
import { useStored } from "../storage.ts";

export interface ToolChoice {
  /** Names of the tools that the model may call. */
  readonly on: readonly string[];
  /** Of these, the ones that are called without asking. */
  readonly always: readonly string[];
}

export interface Tools {
  readonly offered: readonly ToolInfo[];
  /** What holds at this moment, also for what began some renderings ago. */
  readonly now: () => ToolChoice & { readonly sent: readonly ToolInfo[] };
  readonly choose: (choice: ToolChoice) => void;
  /** Of a conversation that is deleted, or of all, nothing stays here. */
  readonly forget: (conversation?: string) => void;
}

type Stored = readonly (ToolChoice & { readonly conversation: string })[];

/** Choices of so many conversations are kept in this browser. */
const KEPT = 200;
const NOTHING: ToolChoice = { on: [], always: [] };

const isNames = (value: unknown): boolean =>
  Array.isArray(value) && value.every((name) => typeof name === "string");

function isStored(value: unknown): value is Stored {
  return (
    Array.isArray(value) &&
    value.every((entry: Partial<Stored[number]> | null) => isNames(entry?.on) && isNames(entry?.always))
  );
}

export function useTools(conversation: string): Tools {
  const [offered, setOffered] = useState<readonly ToolInfo[]>([]);
  const [stored, store] = useStored<Stored>("firn.tools", [], isStored);
  useEffect(() => {
    // Without the list the chat works as before.
    listTools().then(setOffered, () => undefined);
  }, []);
  const latest = useRef<Stored>(stored);
  const known = useRef(offered);
  known.current = offered;
  return {
    offered,
    now: () => {
      const { on, always } = latest.current.find((entry) => entry.conversation === conversation) ?? NOTHING;
      return { on, always, sent: known.current.filter((tool) => on.includes(tool.function.name)) };
    },
    choose: ({ on, always }) => {
      const others = latest.current.filter((entry) => entry.conversation !== conversation);
      const entry = { conversation, on, always: always.filter((name) => on.includes(name)) };
      latest.current = [...others, entry].slice(-KEPT);
      store(latest.current);
    },
    forget: (id) => {
      latest.current = id === undefined ? [] : latest.current.filter((entry) => entry.conversation !== id);
      store(latest.current);
    },
  };
}
