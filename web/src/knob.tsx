/** @file A labelled control with a line of help, and a slider as the commonest of them. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  readonly label: string;
  readonly help: string;
  readonly value?: string;
  readonly children: (ids: { readonly id: string; readonly "aria-describedby": string }) => ComponentChildren;
}

export function Field({ label, help, value, children }: FieldProps) {
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

export function Knob({ label, help, value, range, onChange }: KnobProps) {
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
