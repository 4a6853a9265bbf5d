/**
 * @file Progress for people. On a terminal each running task is one line that is redrawn in place with its rate
 * and the time left; elsewhere a task says something at most every few seconds, in plain lines a log can keep.
 */
import {
  displayWidth,
  formatBytes,
  formatDuration,
  formatInteger,
  type ProgressTask,
  type Reporter,
} from "../core/index.ts";
import type { Terminal } from "./terminal.ts";

/** Milliseconds from any fixed start; monotonic. */
export type Clock = () => number;

export interface TerminalReporter extends Reporter {
  /** Removes moving lines; call before anything else writes to the terminal and at the end. */
  close(): void;
}

export interface ReporterOptions {
  readonly clock?: Clock;
  /** Shortest time between two redraws of a live terminal. Default: 100 ms. */
  readonly redrawMs?: number;
  /** Shortest time between two plain lines of one task. Default: 5000 ms. */
  readonly plainMs?: number;
}

/** The rate is measured over this much of the recent past, so that it follows changes and survives a resume. */
const RATE_WINDOW_MS = 20_000;
const BAR_CELLS = 20;

interface Sample {
  readonly at: number;
  readonly done: number;
}

interface Task {
  readonly label: string;
  readonly total: number;
  readonly unit: string;
  readonly startedAt: number;
  done: number;
  note: string;
  /** Recent (time, done) pairs, oldest first. The first is the first update: work resumed from is not counted. */
  samples: Sample[];
  lastLineAt: number;
}

function isBytes(unit: string): boolean {
  return unit === "bytes" || unit === "B";
}

function amount(value: number, unit: string): string {
  return isBytes(unit) ? formatBytes(Math.round(value)) : formatInteger(value);
}

function rateOf(task: Task): number | undefined {
  const first = task.samples[0];
  const last = task.samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < 200) return undefined;
  return ((last.done - first.done) / (last.at - first.at)) * 1000;
}

function formatRate(rate: number, unit: string): string {
  if (isBytes(unit)) return `${formatBytes(rate)}/s`;
  return `${rate >= 100 ? formatInteger(rate) : rate.toPrecision(3)} ${unit}/s`;
}

/** `420/1,000 steps  3.10 steps/s  3 min 07 s left  loss 3.21` */
function facts(task: Task): string {
  const parts = [
    task.total > 0
      ? `${amount(task.done, task.unit)}/${amount(task.total, task.unit)}${isBytes(task.unit) ? "" : ` ${task.unit}`}`
      : `${amount(task.done, task.unit)}${isBytes(task.unit) ? "" : ` ${task.unit}`}`,
  ];
  const rate = rateOf(task);
  if (rate !== undefined && rate > 0) {
    parts.push(formatRate(rate, task.unit));
    if (task.total > task.done) parts.push(`${formatDuration((task.total - task.done) / rate)} left`);
  }
  if (task.note !== "") parts.push(task.note);
  return parts.join("  ");
}

function share(task: Task): number {
  return task.total > 0 ? Math.min(1, task.done / task.total) : 0;
}

function percent(task: Task): string {
  return task.total > 0 ? `${String(Math.floor(share(task) * 100)).padStart(3)} %` : "     ";
}

function cut(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = "";
  for (const character of text) {
    if (displayWidth(kept + character) > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** A reporter that writes to the terminal's status stream. */
export function createReporter(terminal: Terminal, options: ReporterOptions = {}): TerminalReporter {
  const clock = options.clock ?? (() => performance.now());
  const redrawMs = options.redrawMs ?? 100;
  const plainMs = options.plainMs ?? 5000;
  const running: Task[] = [];
  let drawnLines = 0;
  let lastDraw = -Infinity;

  const erase = (): void => {
    if (drawnLines > 0) terminal.writeStatus(`\u001b[${drawnLines}A\u001b[0J`);
    drawnLines = 0;
  };
  const draw = (): void => {
    erase();
    const columns = terminal.columns();
    for (const task of running) {
      const filled = Math.round(share(task) * BAR_CELLS);
      const bar = task.total > 0 ? "█".repeat(filled) + "░".repeat(BAR_CELLS - filled) : "";
      terminal.writeStatus(
        `${cut(`  ${task.label}  ${bar} ${percent(task)}  ${facts(task)}`, columns - 1)}\n`,
      );
    }
    drawnLines = running.length;
    lastDraw = clock();
  };
  const line = (text: string): void => {
    erase();
    terminal.writeStatus(`${text}\n`);
    if (terminal.live && running.length > 0) draw();
  };

  const update = (task: Task, done: number, note: string | undefined): void => {
    const now = clock();
    task.done = done;
    if (note !== undefined) task.note = note;
    const last = task.samples.at(-1);
    if (last === undefined || now - last.at >= 50) task.samples.push({ at: now, done });
    while (task.samples.length > 2 && now - task.samples[1]!.at > RATE_WINDOW_MS) task.samples.shift();
    if (terminal.live) {
      if (now - lastDraw >= redrawMs) draw();
    } else if (now - task.lastLineAt >= plainMs) {
      task.lastLineAt = now;
      line(`  ${task.label} ${percent(task)}  ${facts(task)}`);
    }
  };

  const start = (label: string, total: number, unit: string): ProgressTask => {
    const now = clock();
    const task: Task = {
      label,
      total,
      unit,
      startedAt: now,
      done: 0,
      note: "",
      samples: [],
      lastLineAt: now,
    };
    running.push(task);
    if (terminal.live) draw();
    return {
      update: (done, note) => update(task, done, note),
      finish: (summary) => {
        const index = running.indexOf(task);
        if (index < 0) return;
        running.splice(index, 1);
        const took = formatDuration((clock() - task.startedAt) / 1000);
        const text = summary ?? `${amount(task.done, unit)}${isBytes(unit) ? "" : ` ${unit}`}`;
        line(`  ${task.label}: ${text} (${took})`);
        if (terminal.live) draw();
      },
    };
  };

  return {
    line,
    task: start,
    close: () => {
      erase();
      running.length = 0;
    },
  };
}
