/** @file How the model answers: sampling knobs for every conversation; system prompt and tools of this one. */
import { Field, Knob } from "../knob.tsx";
import { Sheet } from "../sheet.tsx";
import { words } from "../words.ts";
import { type ChatSettings, DEFAULT_SETTINGS } from "./conversation.ts";
import type { Chat } from "./use-chat.ts";
import type { Tools } from "./use-tools.ts";

interface SettingsSheetProps {
  readonly chat: Chat;
  readonly contextLength: number;
  readonly onClose: () => void;
}

export function SettingsSheet({ chat, contextLength, onClose }: SettingsSheetProps) {
  const text = words.settings;
  const { settings, setSettings, setSystem } = chat;
  const set = (change: Partial<ChatSettings>): void => setSettings({ ...settings, ...change });
  return (
    <Sheet title={text.title} onClose={onClose}>
      <Knob
        label={text.temperature}
        help={text.temperatureHelp}
        value={settings.temperature}
        range={{ min: 0, max: 2, step: 0.05 }}
        onChange={(temperature) => set({ temperature })}
      />
      <Knob
        label={text.topP}
        help={text.topPHelp}
        value={settings.topP}
        range={{ min: 0.05, max: 1, step: 0.05 }}
        onChange={(topP) => set({ topP })}
      />
      <Knob
        label={text.topK}
        help={text.topKHelp}
        value={settings.topK}
        range={{ min: 0, max: 200, step: 1 }}
        onChange={(topK) => set({ topK })}
      />
      <Knob
        label={text.maxTokens}
        help={text.maxTokensHelp}
        value={Math.min(settings.maxTokens, contextLength)}
        range={{ min: 1, max: Math.min(contextLength, 4096), step: 1 }}
        onChange={(maxTokens) => set({ maxTokens })}
      />
      <Field label={text.system} help={text.systemHelp}>
        {(ids) => (
          <textarea
            {...ids}
            rows={6}
            dir="auto"
            value={chat.conversation.system}
            onInput={(event) => setSystem(event.currentTarget.value)}
          />
        )}
      </Field>
      <ToolSwitches tools={chat.tools} />
      <div class="form-end">
        <button type="button" class="button" onClick={() => setSystem(words.charter)}>
          {text.charter}
        </button>
        <button
          type="button"
          class="button"
          onClick={() => {
            setSettings(DEFAULT_SETTINGS);
            setSystem("");
            chat.tools.choose({ on: [], always: [] });
          }}
        >
          {text.reset}
        </button>
      </div>
    </Sheet>
  );
}

/** A switch for each tool of the server. */
function ToolSwitches({ tools }: { readonly tools: Tools }) {
  const text = words.settings;
  const { on, always } = tools.now();
  if (tools.offered.length === 0) return null;
  return (
    <fieldset class="tool-switches">
      <legend>{text.tools}</legend>
      <p>{text.toolsHelp}</p>
      {tools.offered.map(({ function: { name, description }, origin }) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={on.includes(name)}
            onChange={(event) => {
              const others = on.filter((one) => one !== name);
              tools.choose({ on: event.currentTarget.checked ? [...others, name] : others, always });
            }}
          />
          <span>
            <b>{name}</b> <span class="faint">{text.toolOrigin(origin)}</span>
            <span class="tool-description" lang="en">
              {description}
            </span>
            {always.includes(name) && <span class="tool-description">{text.toolAlways}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
