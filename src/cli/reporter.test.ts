/** @file What the progress reporter writes on a live terminal and in a log, with a clock that the test moves. */
import { describe, expect, it } from "vitest";
import { createReporter } from "./reporter.ts";
import type { Terminal } from "./terminal.ts";

function recorder(live: boolean, columns = 100): { terminal: Terminal; written: () => string } {
  let text = "";
  return {
    terminal: {
      print: () => undefined,
      writeStatus: (chunk) => {
        text += chunk;
      },
      live,
      interactive: false,
      columns: () => columns,
      style: (_, plain) => plain,
    },
    written: () => text,
  };
}

/** What a terminal shows after it obeyed "up n lines" and "clear below". */
function screenAfter(output: string): string[] {
  const lines: string[] = [];
  for (const part of output.split(/(\u001b\[\d+A\u001b\[0J|\n)/)) {
    const up = /\u001b\[(\d+)A/.exec(part);
    if (up !== null) lines.splice(lines.length - Number(up[1]));
    else if (part !== "\n" && part !== "") lines.push(part);
  }
  return lines;
}

describe("plain progress", () => {
  it("speaks at most once per interval and says rate, time left and note", () => {
    const { terminal, written } = recorder(false);
    let now = 0;
    const reporter = createReporter(terminal, { clock: () => now });
    const task = reporter.task("pretrain", 1000, "steps");
    for (let step = 1; step <= 120; step++) {
      now += 100;
      task.update(step, `loss ${(6 - step / 100).toFixed(2)}`);
    }
    expect(written().trimEnd().split("\n")).toEqual([
      "  pretrain   5 %  50/1,000 steps  10.0 steps/s  1 min 35 s left  loss 5.50",
      "  pretrain  10 %  100/1,000 steps  10.0 steps/s  1 min 30 s left  loss 5.00",
    ]);
  });

  it("ends with the summary and the time taken", () => {
    const { terminal, written } = recorder(false);
    let now = 0;
    const reporter = createReporter(terminal, { clock: () => now });
    const task = reporter.task("clean", 10, "documents");
    now = 4200;
    task.update(10);
    task.finish("kept 9 of 10");
    task.finish("said twice");
    expect(written()).toBe("  clean: kept 9 of 10 (4.2 s)\n");
  });

  it("does not count work that an earlier run had done in the rate", () => {
    const { terminal, written } = recorder(false);
    let now = 0;
    const reporter = createReporter(terminal, { clock: () => now, plainMs: 10_000 });
    const task = reporter.task("pretrain", 1000, "steps");
    task.update(500);
    now = 10_000;
    task.update(510);
    expect(written()).toBe("  pretrain  51 %  510/1,000 steps  1.00 steps/s  8 min 10 s left\n");
  });

  it("prints bytes as bytes", () => {
    const { terminal, written } = recorder(false);
    let now = 0;
    const reporter = createReporter(terminal, { clock: () => now, plainMs: 1000 });
    const task = reporter.task("gguf", 4 * 1024 * 1024, "bytes");
    task.update(0);
    now = 1000;
    task.update(1024 * 1024);
    expect(written()).toBe("  gguf  25 %  1.0 MiB/4.0 MiB  1.0 MiB/s  3.0 s left\n");
  });
});

describe("live progress", () => {
  it("keeps one moving line per running task below the lines worth keeping", () => {
    const { terminal, written } = recorder(true);
    let now = 0;
    const reporter = createReporter(terminal, { clock: () => now });
    const first = reporter.task("extract", 4, "files");
    const second = reporter.task("clean", 2, "files");
    now = 1000;
    first.update(2);
    reporter.line("a line worth keeping");
    expect(screenAfter(written())).toEqual([
      "a line worth keeping",
      "  extract  ██████████░░░░░░░░░░  50 %  2/4 files",
      "  clean  ░░░░░░░░░░░░░░░░░░░░   0 %  0/2 files",
    ]);
    first.finish("done");
    second.finish();
    expect(screenAfter(written())).toEqual([
      "a line worth keeping",
      "  extract: done (1.0 s)",
      "  clean: 0 files (1.0 s)",
    ]);
  });

  it("redraws no more often than asked and never wider than the terminal", () => {
    const { terminal, written } = recorder(true, 40);
    let now = 0;
    const reporter = createReporter(terminal, { clock: () => now, redrawMs: 100 });
    const task = reporter.task("tokenize", 1_000_000, "documents");
    const before = written().split("\n").length;
    for (let i = 0; i < 100; i++) {
      now += 10;
      task.update(i * 1000, "ein sehr langer Hinweis, der nicht passt");
    }
    expect(written().split("\n").length - before).toBe(10);
    for (const line of screenAfter(written())) expect(line.length).toBeLessThan(40);
  });

  it("leaves a clean screen when closed in the middle", () => {
    const { terminal, written } = recorder(true);
    const reporter = createReporter(terminal, { clock: () => 0 });
    reporter.task("serve", 0, "requests");
    reporter.close();
    expect(screenAfter(written())).toEqual([]);
  });
});
