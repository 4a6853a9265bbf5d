/** @file The open conversation and what can be done with it. Whatever changes is saved on the server, message by message. */
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { MAX_ROUNDS } from "../../../src/serve/browser.ts";
import type { Feedback } from "../../../src/serve/index.ts";
import { callTool, type ModelInfo } from "../api.ts";
import { ApiFailure, messageOf } from "../fetch-here.ts";
import { useStored } from "../storage.ts";
import { words } from "../words.ts";
import {
  type ChatSettings,
  Conversation,
  DEFAULT_SETTINGS,
  isSettings,
  type Message,
  newId,
  titleOf,
} from "./conversation.ts";
import { readConversation, saveConversation, saveFeedback, saveMessage } from "./conversations-api.ts";
import type { TextFile } from "./files.ts";
import { runAnswer } from "./run-answer.ts";
import {
  refusalMessage,
  resultMessage,
  roundsOf,
  type ToolCall,
  type WaitingCalls,
  waitingCalls,
} from "./tool-calls.ts";
import { type Tools, useTools } from "./use-tools.ts";

export interface Chat {
  /** Changed in place; every change renders the page again. */
  readonly conversation: Conversation;
  /** An answer is streaming in. */
  readonly busy: boolean;
  /** Counts what was saved: lists of conversations are read again when it changes. */
  readonly saved: number;
  /** Why something could not be kept or opened. */
  readonly failure: string | undefined;
  readonly settings: ChatSettings;
  readonly setSettings: (settings: ChatSettings) => void;
  readonly setSystem: (system: string) => void;
  readonly tools: Tools;
  /** Calls of the last answer that the reader has to allow or refuse. */
  readonly waiting: WaitingCalls | undefined;
  /** The model has called tools so often that it is not asked again without a question. */
  readonly roundsSpent: boolean;
  /** Has a waiting call run, from now on without asking if `always`; the model then reads the result. */
  readonly allow: (call: ToolCall, always: boolean) => void;
  readonly refuse: (call: ToolCall) => void;
  readonly send: (text: string, files?: readonly TextFile[]) => void;
  /** Asks for another version of an answer; without an id, of the last one. */
  readonly regenerate: (answer?: string) => void;
  /** Sends a changed question as a new branch. */
  readonly edit: (question: string, text: string) => void;
  readonly show: (message: string) => void;
  readonly stop: () => void;
  /** Opens a conversation; without an id a new one. */
  readonly open: (id?: string) => void;
  /** Before conversations are deleted: nothing more of this one, or of any, is saved. Resolves when all saves are over. */
  readonly forget: (id?: string) => Promise<void>;
  readonly rename: (title: string) => void;
  readonly rate: (answer: string, feedback: Feedback | undefined) => Promise<void>;
}

const ADDRESS = "#chat";
const TYPING_PAUSE_MS = 400;
/** A conversation opens with so many of its last messages; the others come when these are on the screen. */
const FIRST_MESSAGES = 60;
const idInAddress = (): string | undefined => /^#chat\/([A-Za-z0-9_-]{8,64})$/.exec(location.hash)?.[1];

export function useChat(model: ModelInfo): Chat {
  const [settings, setSettings] = useStored("firn.settings.2", DEFAULT_SETTINGS, isSettings);
  const [conversation, setConversation] = useState(() => new Conversation(newId()));
  const [busy, setBusy] = useState(false);
  const [saved, countSaved] = useReducer((count: number) => count + 1, 0);
  const [failure, setFailure] = useState<string>();
  const [, render] = useReducer((count: number) => count + 1, 0);
  const running = useRef<{ readonly controller: AbortController; readonly answer?: string } | undefined>(
    undefined,
  );
  /** Saves happen one after the other: a message finds its conversation and its parent there. */
  const queue = useRef<Promise<void>>(Promise.resolve());
  const systemTimer = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** Settled when all of the open conversation is here; its end is shown before that. */
  const complete = useRef<Promise<void>>(Promise.resolve());
  const tools = useTools(conversation.id);
  const current = useRef(conversation);
  current.current = conversation;

  /** Conversations that are being deleted. */
  const forgotten = useRef(new Set<string>());
  const keep = (id: string, save: () => Promise<void>): void => {
    const wanted = (): Promise<void> => (forgotten.current.has(id) ? Promise.resolve() : save());
    queue.current = queue.current.then(wanted).then(
      () => countSaved(undefined),
      () => setFailure(words.chat.notSaved),
    );
  };
  const stop = (): void => running.current?.controller.abort();

  const open = (id?: string): void => {
    stop();
    running.current = undefined;
    setBusy(false);
    setFailure(undefined);
    complete.current = Promise.resolve();
    if (id === undefined) {
      setConversation(new Conversation(newId()));
      if (location.hash !== ADDRESS) location.hash = ADDRESS;
      return;
    }
    if (idInAddress() !== id) location.hash = `${ADDRESS}/${id}`;
    const before = current.current;
    const read = async (): Promise<void> => {
      await queue.current;
      const end = await readConversation(id, FIRST_MESSAGES);
      // Whoever has gone elsewhere since is not called back.
      if (current.current !== before) return;
      const opened = Conversation.fromServer(end);
      setConversation(opened);
      if (end.messages.length === 0) return;
      complete.current = readConversation(id).then((all) => opened.complete(all));
      await complete.current;
      render(undefined);
    };
    read().catch((error: unknown) =>
      setFailure(error instanceof ApiFailure ? error.message : words.noServer),
    );
  };
  useEffect(() => {
    const follow = (): void => {
      const id = idInAddress();
      if (id !== undefined && id !== current.current.id) open(id);
    };
    follow();
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    // An answer that was streaming when the page is closed has been stopped by that.
    const leave = (): void => {
      const { answer } = running.current ?? {};
      if (answer === undefined || !current.current.has(answer)) return;
      const message = stopped(current.current.message(answer));
      void saveMessage(current.current.id, message, true).catch(() => undefined);
    };
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, []);

  /** Puts a message at the end of the branch and saves it. */
  const add = (message: Message): void => {
    const fresh = conversation.size === 0;
    if (fresh && conversation.title === "") conversation.title = titleOf(message.content);
    conversation.put(message);
    const { id, title, system } = conversation;
    if (fresh) {
      history.replaceState(null, "", `${ADDRESS}/${id}`);
      keep(id, () => saveConversation(id, { title, system }));
    }
    keep(id, () => saveMessage(id, storable(message)));
  };

  const ask = (parent: string): void => {
    stop();
    const controller = new AbortController();
    const start: Message = {
      id: newId(),
      parent,
      role: "assistant",
      content: "",
      detail: { model: model.id, state: "streaming" },
      feedback: null,
    };
    const run = { controller, answer: start.id };
    running.current = run;
    setBusy(true);
    conversation.put(start);
    render(undefined);
    const update = (answer: Message): void => {
      conversation.put(answer);
      if (current.current === conversation) render(undefined);
    };
    const answerOf = async (): Promise<Message> => {
      await complete.current.catch(() => undefined);
      return runAnswer(
        start,
        conversation.turnsTo(parent),
        settings,
        tools.now().sent,
        controller.signal,
        update,
      );
    };
    void answerOf().then((answer) => {
      update(answer);
      keep(conversation.id, () => saveMessage(conversation.id, storable(answer)));
      if (running.current !== run) return;
      running.current = undefined;
      setBusy(false);
      if (answer.id === conversation.leaf) goOn();
    });
  };

  /** Has `call` run; what goes wrong on the way leaves it waiting. */
  const runTool = async (call: ToolCall): Promise<void> => {
    const controller = new AbortController();
    const run = { controller };
    running.current = run;
    setBusy(true);
    setFailure(undefined);
    try {
      const {
        text,
        is_error: isError,
        citations,
      } = await callTool(call.name, call.arguments, controller.signal);
      if (controller.signal.aborted) return;
      const detail = { toolCallId: call.id, isError, citations: [...citations] };
      add(resultMessage(conversation.leaf, text, detail));
    } catch (error) {
      if (!controller.signal.aborted) setFailure(messageOf(error));
      return;
    } finally {
      if (running.current === run) {
        running.current = undefined;
        setBusy(false);
      }
    }
    goOn();
  };

  /** After an answer or a result: the next call that needs no yes, or, when all have results, the model again. */
  const goOn = (): void => {
    const waiting = waitingCalls(conversation);
    const { always } = tools.now();
    const next = waiting?.calls.find(({ name }) => always.includes(name));
    const { leaf } = conversation;
    if (next !== undefined) void runTool(next);
    else if (waiting !== undefined || leaf === null || conversation.message(leaf).role !== "tool")
      render(undefined);
    else if (roundsOf(conversation) < MAX_ROUNDS) ask(leaf);
    else render(undefined);
  };
  /** Says no to `call`, and to nothing else. */
  const refuse = (call: ToolCall): void => add(refusalMessage(conversation.leaf, call));

  const send = (text: string, files: readonly TextFile[] = []): void => {
    // Whoever asks something else has not allowed what was waiting.
    for (const call of waitingCalls(conversation)?.calls ?? []) refuse(call);
    const id = newId();
    add({
      id,
      parent: conversation.leaf,
      role: "user",
      content: text,
      detail: files.length === 0 ? {} : { files: [...files] },
      feedback: null,
    });
    ask(id);
  };

  return {
    conversation,
    busy,
    saved,
    failure,
    settings,
    setSettings,
    setSystem: (system) => {
      conversation.system = system;
      render(undefined);
      clearTimeout(systemTimer.current);
      if (conversation.size === 0) return;
      systemTimer.current = setTimeout(
        () => keep(conversation.id, () => saveConversation(conversation.id, { system })),
        TYPING_PAUSE_MS,
      );
    },
    tools,
    waiting: busy ? undefined : waitingCalls(conversation),
    roundsSpent: !busy && roundsOf(conversation) >= MAX_ROUNDS,
    allow: (call, always) => {
      const choice = tools.now();
      if (always)
        tools.choose({ on: [...new Set([...choice.on, call.name])], always: [...choice.always, call.name] });
      void runTool(call);
    },
    refuse: (call) => {
      refuse(call);
      goOn();
    },
    send,
    regenerate: (
      answer = conversation.path.findLast((id) => conversation.message(id).role === "assistant"),
    ) => {
      const parent = answer === undefined ? null : conversation.message(answer).parent;
      if (parent !== null) ask(parent);
    },
    edit: (question, text) => {
      const { parent, detail } = conversation.message(question);
      const id = newId();
      add({ id, parent, role: "user", content: text, detail, feedback: null });
      ask(id);
    },
    show: (message) => {
      conversation.show(message);
      render(undefined);
      const { id, leaf } = conversation;
      if (leaf !== null) keep(id, () => saveConversation(id, { leaf }));
    },
    stop,
    open,
    forget: async (id) => {
      forgotten.current.add(id ?? conversation.id);
      tools.forget(id);
      if (id === undefined || id === conversation.id) open();
      await queue.current;
    },
    rename: (title) => {
      conversation.title = title;
      render(undefined);
    },
    rate: async (answer, feedback) => {
      await queue.current;
      await saveFeedback(conversation.id, answer, feedback);
      conversation.put({ ...conversation.message(answer), feedback: feedback ?? null });
      render(undefined);
    },
  };
}

function stopped(message: Message): Parameters<typeof saveMessage>[1] {
  return storable({ ...message, detail: { ...message.detail, state: "stopped" } });
}

function storable({ id, parent, role, content, detail }: Message): Parameters<typeof saveMessage>[1] {
  return { id, parent, role, content, detail: { ...detail } };
}
