/**
 * @file A conversation line by line: what is typed is a question, what the model wants to call is put to whoever types. Text
 * from the model and from tools cannot command the terminal.
 */
import {
  type ChatMessage,
  runAgent,
  type ServedModel,
  type SpokenCall,
  type Toolbox,
  type ToolResult,
} from "../serve/index.ts";
import type { Terminal } from "./terminal.ts";

export interface TalkOptions {
  readonly served: ServedModel;
  readonly toolbox: Toolbox;
  /** Calls run without being asked about. */
  readonly allowAll: boolean;
  readonly system: string | undefined;
  readonly sampling: {
    readonly temperature: number;
    readonly topP: number;
    readonly maxTokens: number;
    readonly seed: number;
  };
  /** What is typed or piped in. */
  readonly lines: AsyncIterator<string>;
  readonly terminal: Terminal;
  /** Say nothing: the transcript is all that is wanted. */
  readonly silent: boolean;
  readonly signal: AbortSignal;
}

/** A call in the transcript. */
type TranscriptCall = {
  readonly name: string;
  /** JSON text, as the model wrote it. */
  readonly arguments: string;
  readonly allowed: boolean;
  readonly result: string | null;
  readonly isError: boolean;
};

export type TranscriptTurn = {
  readonly user: string;
  readonly assistant: string;
  /** Left out where no tools are offered. */
  readonly calls?: TranscriptCall[];
};

/** Lines of a result that are shown; the model reads all of it. */
const SHOWN_LINES = 8;

/** Talks until the lines end; returns what was said. */
export async function talk(options: TalkOptions): Promise<TranscriptTurn[]> {
  const { served, toolbox, lines, terminal, silent, signal } = options;
  const { temperature, topP, maxTokens, seed } = options.sampling;
  const desk = new CallDesk(options);
  const messages: ChatMessage[] =
    options.system === undefined ? [] : [{ role: "system", content: options.system }];
  const transcript: TranscriptTurn[] = [];
  const live = terminal.interactive && !silent;
  if (terminal.interactive) {
    const offered = toolbox.definitions().map(({ function: { name } }) => name);
    const tools = offered.length === 0 ? "" : ` Tools: ${offered.join(", ")}.`;
    terminal.writeStatus(`${served.id}; Ctrl-D ends.${tools}\n`);
  }
  for (;;) {
    if (terminal.interactive) terminal.writeStatus(terminal.style("bold", "you   "));
    const { value: line, done } = await lines.next();
    if (done === true) return transcript;
    const content = line.trim();
    if (content === "") continue;
    messages.push({ role: "user", content });
    const label = (): void => {
      if (live) terminal.writeStatus(terminal.style("bold", "model "));
    };
    label();
    const calls: TranscriptCall[] = [];
    let said = "";
    let afterCall = false;
    const agent = runAgent(messages, {
      served,
      toolbox,
      sampling: { temperature, top_p: topP, seed: (seed + messages.length) % 2 ** 32 },
      maxTokens,
      signal,
      allow: (call) => desk.ask(call),
    });
    for await (const event of agent) {
      if (event.kind === "text") {
        if (afterCall) {
          label();
          if (said !== "") said += "\n";
          afterCall = false;
        }
        said += event.text;
        if (live) terminal.writeStatus(harmless(event.text));
      } else if (event.kind === "answered") {
        if (live) terminal.writeStatus("\n");
      } else if (event.kind === "call") {
        calls.push(transcribe(event.call, event.result));
        if (event.result !== undefined) desk.show(event.result);
        afterCall = true;
      } else if (!silent) {
        terminal.writeStatus("The model has called tools so often that it waits for you to go on.\n");
      }
    }
    if (!live && !silent) terminal.print(said);
    transcript.push({ user: content, assistant: said, ...(toolbox.size === 0 ? {} : { calls }) });
  }
}

function transcribe(call: SpokenCall, result: ToolResult | undefined): TranscriptCall {
  const decided = { name: call.name, arguments: call.arguments, allowed: result !== undefined };
  return { ...decided, result: result?.text ?? null, isError: result?.isError ?? false };
}

/** Where calls are shown and decided. */
class CallDesk {
  readonly #options: TalkOptions;
  /** Tools that were allowed for the rest of the conversation. */
  readonly #always = new Set<string>();

  constructor(options: TalkOptions) {
    this.#options = options;
  }

  async ask(call: SpokenCall): Promise<boolean> {
    const { allowAll, lines, terminal, signal } = this.#options;
    this.#say(`${terminal.style("bold", "calls")} ${this.#describe(call)}`);
    if (allowAll || this.#always.has(call.name)) return true;
    if (!terminal.interactive) {
      this.#say("      refused: nobody is here to allow it (--allow-tools does)");
      return false;
    }
    for (;;) {
      terminal.writeStatus("      run it? y(es), n(o), a(lways): ");
      const { value, done } = await lines.next();
      signal.throwIfAborted();
      if (done === true) {
        terminal.writeStatus("\n");
        return false;
      }
      const reply = value.trim().toLowerCase();
      if (/^a(lways)?$/.test(reply)) this.#always.add(call.name);
      if (/^(y(es)?|a(lways)?)$/.test(reply)) return true;
      if (/^no?$/.test(reply)) return false;
    }
  }

  show(result: ToolResult): void {
    const { terminal } = this.#options;
    const lines = harmless(result.text).split("\n");
    const more = lines.length > SHOWN_LINES ? [`… ${lines.length - SHOWN_LINES} more lines`] : [];
    const places = result.citations.map(({ place }, i) => `[${i + 1}] ${harmless(place)}`);
    const shown = places.length > 0 ? places : [...lines.slice(0, SHOWN_LINES), ...more];
    const head = result.isError ? terminal.style("red", "fails") : "gives";
    this.#say(`${head} ${shown.join("\n      ")}`);
  }

  #describe(call: SpokenCall): string {
    const { toolbox } = this.#options;
    const known = toolbox.definitions().find((tool) => tool.function.name === call.name);
    const origin = known === undefined || known.origin === "firn" ? "" : ` (of ${known.origin})`;
    return `${harmless(call.name)}${origin} ${harmless(call.arguments)}`;
  }

  /** Whoever is asked must see what about, even where the transcript alone is wanted. */
  #say(text: string): void {
    const { silent, terminal } = this.#options;
    if (!silent || terminal.interactive) terminal.writeStatus(`${text}\n`);
  }
}

/**
 * `text` without what would move the cursor, colour, erase, or turn the direction of writing: whoever allows a call must see
 * the call. Line ends and tabs stay.
 */
function harmless(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
