/** @file How numbers look to people: one way each for counts, bytes, durations and tables. */

const SI = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** `1234567` → `1,234,567`. */
export function formatInteger(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Three significant figures with an SI prefix: `1234567` → `1.23 M`. */
export function formatCount(value: number): string {
  if (Math.abs(value) >= 1e15) return value.toExponential(2);
  for (const [size, prefix] of SI) {
    if (Math.abs(value) >= size) return `${(value / size).toPrecision(3)} ${prefix}`;
  }
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}

/** Bytes in binary units: `1536` → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Seconds as people say them: `4.2 s`, `3 min 05 s`, `2 h 10 min`, `61 d 4 h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  if (whole < 86400)
    return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** `0.1234` → `12.3 %`. */
export function formatPercent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Rows as aligned columns; columns whose cells all look numeric are set flush right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => displayWidth(row[column] ?? ""))));
  const numeric = header.map(
    (_, column) =>
      rows.length > 0 &&
      rows.every(
        (row) =>
          /^[-+–]?[\d.,]*(\s?\S{0,6})?$/.test(row[column] ?? "") && /^[-+–\d]/.test(row[column] ?? "–"),
      ),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const gap = " ".repeat(Math.max(0, widths[column]! - displayWidth(cell)));
        return numeric[column] === true ? gap + cell : cell + gap;
      })
      .join("  ")
      .trimEnd();
  return [line(header), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** Terminal cells a text takes: wide East Asian characters count two, combining marks none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(
        character,
      ) || character > "\uffff"
        ? 2
        : 1;
  }
  return width;
}
