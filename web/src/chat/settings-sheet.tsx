/** @file How the model answers: sampling knobs and the system prompt, in a sheet at the side (on a phone: below). */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { CloseIcon } from "../icons.tsx";
import { words } from "../words.ts";
import { type ChatSettings, DEFAULT_SETTINGS } from "./conversation.ts";

interface SettingsSheetProps {
  readonly settings: ChatSettings;
  readonly contextLength: number;
  readonly onChange: (settings: ChatSettings) => void;
  readonly onClose: () => void;
}

export function SettingsSheet({ settings, contextLength, onChange, onClose }: SettingsSheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const text = words.settings;
  useEffect(() => dialog.current?.showModal(), []);
  const set = (change: Partial<ChatSettings>): void => onChange({ ...settings, ...change });
  const close = (): void => dialog.current?.close();
  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-labelledby={titleId}
      onClose={onClose}
      onClick={(event) => {
        // The dialog itself is only hit outside its content: on the backdrop.
        if (event.target === event.currentTarget) close();
      }}
    >
      <div class="sheet-body">
        <header>
          <h2 id={titleId}>{text.title}</h2>
          <button
            type="button"
            class="icon-button"
            aria-label={words.close}
            title={words.close}
            onClick={close}
          >
            <CloseIcon />
          </button>
        </header>
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
              rows={4}
              dir="auto"
              value={settings.system}
              onInput={(event) => set({ system: event.currentTarget.value })}
            />
          )}
        </Field>
        <button type="button" class="button" onClick={() => onChange(DEFAULT_SETTINGS)}>
          {text.reset}
        </button>
      </div>
    </dialog>
  );
}

interface FieldProps {
  readonly label: string;
  readonly help: string;
  readonly value?: string;
  readonly children: (ids: { readonly id: string; readonly "aria-describedby": string }) => ComponentChildren;
}

function Field({ label, help, value, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{label}</label>
        {value !== undefined && <output for={id}>{value}</output>}
      </div>
      {children({ id, "aria-describedby": `${id}-help` })}
      <p id={`${id}-help`}>{help}</p>
    </div>
  );
}

interface KnobProps {
  readonly label: string;
  readonly help: string;
  readonly value: number;
  readonly range: { readonly min: number; readonly max: number; readonly step: number };
  readonly onChange: (value: number) => void;
}

function Knob({ label, help, value, range, onChange }: KnobProps) {
  return (
    <Field label={label} help={help} value={range.step < 1 ? value.toFixed(2) : String(value)}>
      {(ids) => (
        <input
          {...ids}
          {...range}
          type="range"
          value={value}
          onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
        />
      )}
    </Field>
  );
}
