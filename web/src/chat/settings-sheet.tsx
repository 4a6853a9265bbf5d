/** @file How the model answers: sampling knobs for every conversation, and the system prompt of this one. */
import { Field, Knob } from "../knob.tsx";
import { Sheet } from "../sheet.tsx";
import { words } from "../words.ts";
import { type ChatSettings, DEFAULT_SETTINGS } from "./conversation.ts";
import type { Chat } from "./use-chat.ts";

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
          }}
        >
          {text.reset}
        </button>
      </div>
    </Sheet>
  );
}
