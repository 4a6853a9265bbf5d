/**
 * @file Opening long conversations in the page: time until the last message is on the screen, and the processor time that
 * the page's main thread and the server took. No other chat page could be installed beside it here; the bar is 200 ms.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright-core";
import { build } from "vite";
import { serveNgram } from "../test/serve/service.ts";

const SIZES = [100, 1000, 10_000];
const ROUNDS = 7;
const WORDS = "Der Schnee wird zu Firn, und der Firn wird zu Eis. ";

async function bring(url: string, count: number): Promise<string> {
  const id = (i: number): string => `message-${i}`;
  const messages = Array.from({ length: count }, (_, i) => ({
    id: id(i),
    parent: i === 0 ? null : id(i - 1),
    role: i % 2 === 0 ? "user" : "assistant",
    content: `Message ${i} of ${count}. ${WORDS.repeat(1 + (i % 9))}`,
    detail: i % 2 === 0 ? {} : { model: "nano", state: "done" },
  }));
  const conversation = { title: String(count), system: "", created: 0, updated: 0, leaf: id(count - 1) };
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ conversation, messages });
  const answer = await fetch(`${url}/api/conversations`, { method: "POST", headers, body });
  return ((await answer.json()) as { id: string }).id;
}

/** Opens a conversation; resolves to milliseconds until its last message is in the document and a frame has been drawn. */
function open(page: Page, id: string, last: string): Promise<number> {
  return page.evaluate(
    async ({ address, text }) => {
      const start = performance.now();
      location.hash = address;
      do await new Promise(requestAnimationFrame);
      while (document.querySelector(".messages")?.textContent?.includes(text) !== true);
      return performance.now() - start;
    },
    { address: `chat/${id}`, text: last },
  );
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** `npm run bench -- page` */
export async function benchPage(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "firn-bench-page-"));
  const webDir = join(dir, "web");
  const root = fileURLToPath(new URL("../web", import.meta.url));
  await build({ root, logLevel: "error", build: { outDir: webDir, emptyOutDir: true } });
  const server = await serveNgram({ webDir, conversations: join(dir, "conversations.db") });
  const executablePath = process.env["FIRN_CHROMIUM"] ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const taskMs = async (): Promise<number> => {
      const { metrics } = await session.send("Performance.getMetrics");
      return metrics.find(({ name }) => name === "TaskDuration")!.value * 1000;
    };
    for (const count of SIZES) {
      const id = await bring(server.url, count);
      const rounds: { shown: number; page: number; server: number }[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await page.goto(`${server.url}/#chat`);
        await page.reload();
        await page.waitForSelector(".conversation");
        const [before, cpu] = [await taskMs(), process.cpuUsage()];
        const shown = await open(page, id, `Message ${count - 1} of ${count}.`);
        const used = process.cpuUsage(cpu);
        rounds.push({ shown, page: (await taskMs()) - before, server: (used.user + used.system) / 1000 });
      }
      const line = (key: "shown" | "page" | "server"): string => median(rounds.map((r) => r[key])).toFixed(0);
      const least = Math.min(...rounds.map(({ shown }) => shown)).toFixed(0);
      console.log(
        `${count} messages: shown after ${line("shown")} ms (least ${least}); page ${line("page")} ms, server ${line("server")} ms of processor`,
      );
    }
  } finally {
    await browser.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
}
