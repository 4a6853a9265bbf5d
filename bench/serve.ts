/**
 * @file The service against llama.cpp itself on the same file and threads, many streams at once, a long prompt beside a
 * running answer, conversations that begin alike, and ten thousand requests. The server is a process of its own; this one is
 * its clients. `FIRN_BENCH_PART` (one, large, many, shared, long) runs one part alone; large makes a model that takes 7 GB of
 * memory and of disk once.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { formatBytes, formatInteger, formatTable } from "../src/core/index.ts";
import { benchModel, type Size } from "./serve-model.ts";

interface Engine {
  readonly url: string;
  direct(tokens: number, temperature: number): Promise<number>;
  stop(): Promise<void>;
}

async function startEngine(size: Size, threads: number, parallel: number): Promise<Engine> {
  const script = join(import.meta.dirname, "serve-engine.ts");
  const child: ChildProcess = fork(script, [await benchModel(size), String(threads), String(parallel)], {
    execArgv: ["--import", "tsx"],
  });
  const answer = async <T>(): Promise<T> => ((await once(child, "message")) as [T])[0];
  const { url } = await answer<{ url: string }>();
  return {
    url,
    direct: async (tokens, temperature) => {
      child.send({ tokens, temperature });
      return (await answer<{ rate: number }>()).rate;
    },
    stop: async () => {
      const exit = once(child, "exit");
      child.send("stop");
      await exit;
    },
  };
}

const PROMPT = Array.from({ length: 64 }, (_, i) => 1500 + 7 * i);

/** When each token of a streamed completion came, in milliseconds from its request. */
async function stream(url: string, body: object, times: number[] = []): Promise<number[]> {
  const start = performance.now();
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "bench", temperature: 0, stream: true, ...body }),
  });
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of response.body!) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = parts.pop()!;
    // One event is one token here; the last two are the reason and [DONE].
    for (const part of parts) if (/"logprobs":\{/.test(part)) times.push(performance.now() - start);
  }
  return times;
}

const rate = (times: readonly number[]): number => ((times.length - 1) / (times.at(-1)! - times[0]!)) * 1000;
const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;

async function singleStream(size: Size, threads: number, seconds: number): Promise<void> {
  const engine = await startEngine(size, threads, 1);
  const tokens = size === "1B" ? 50 : 200;
  const rows: string[][] = [];
  for (const temperature of [0, 0.8]) {
    const ratios: number[] = [];
    const ours: number[] = [];
    const theirs: number[] = [];
    const until = performance.now() + seconds * 1000;
    while (ratios.length < 3 || performance.now() < until) {
      // Side by side, in turn, so that a busy moment of the machine meets both.
      theirs.push(await engine.direct(tokens, temperature));
      ours.push(
        rate(
          await stream(engine.url, { prompt: PROMPT, max_tokens: tokens, temperature, seed: 1, logprobs: 0 }),
        ),
      );
      ratios.push(ours.at(-1)! / theirs.at(-1)!);
    }
    rows.push([
      `temperature ${temperature}`,
      quantile(theirs, 0.5).toFixed(1),
      quantile(ours, 0.5).toFixed(1),
      `${(100 * quantile(ratios, 0.5)).toFixed(1)} %`,
      String(ratios.length),
    ]);
  }
  console.log(
    formatTable([`one stream, ${size}`, "llama.cpp tok/s", "over HTTP tok/s", "median ratio", "pairs"], rows),
  );
  await engine.stop();
}

async function manyStreams(threads: number): Promise<void> {
  const engine = await startEngine("10M", threads, 64);
  const rows: string[][] = [];
  for (const streams of [1, 8, 64]) {
    const all = Array.from({ length: streams }, (): number[] => []);
    const start = performance.now();
    const prompts = all.map((_, i) => PROMPT.map((id) => id + i));
    const running = all.map((times, i) =>
      stream(engine.url, { prompt: prompts[i], max_tokens: 48, logprobs: 0 }, times),
    );
    await Promise.race(running);
    // When the first is done, nobody may be far behind.
    const counts = all.map((times) => times.length);
    await Promise.all(running);
    const elapsed = (performance.now() - start) / 1000;
    const firsts = all.map((times) => times[0]!);
    rows.push([
      String(streams),
      ((48 * streams) / elapsed).toFixed(0),
      `${Math.min(...counts)}–${Math.max(...counts)}`,
      `${quantile(firsts, 0.5).toFixed(0)} ms`,
      `${quantile(firsts, 0.95).toFixed(0)} ms`,
    ]);
  }
  console.log(
    formatTable(
      ["streams", "tok/s in all", "tokens when the first ends", "first token, median", "95 %"],
      rows,
    ),
  );
  const times: number[] = [];
  const talking = stream(engine.url, { prompt: PROMPT, max_tokens: 300, logprobs: 0 }, times);
  while (times.length < 50) await new Promise((resolve) => setTimeout(resolve, 10));
  const gapsBefore = times.slice(1).map((time, i) => time - times[i]!);
  const from = times.length;
  const reading = stream(engine.url, {
    prompt: Array.from({ length: 1900 }, (_, i) => 1200 + ((i * 13) % 9000)),
    max_tokens: 1,
    logprobs: 0,
  });
  const [first] = await reading;
  const during = times.length - from;
  await talking;
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  console.log(
    `A prompt of 1,900 tokens was read in ${first!.toFixed(0)} ms; meanwhile another answer grew by ${during} tokens, ` +
      `longest pause ${Math.max(...gaps).toFixed(0)} ms (before: median ${quantile(gapsBefore, 0.5).toFixed(1)} ms).\n`,
  );
  await engine.stop();
}

/** Four users in turn, each with a conversation of its own; they begin with the same 600 tokens, or each with other ones. */
async function sharedBeginnings(threads: number): Promise<void> {
  const rows: string[][] = [];
  for (const shares of [true, false]) {
    const engine = await startEngine("100M", threads, 4);
    const users = [0, 1, 2, 3].map((user) =>
      Array.from({ length: 600 }, (_, i) => 1500 + ((i * 7 + (shares ? 0 : user * 1009)) % 9000)),
    );
    for (let turn = 1; turn <= 3; turn++) {
      const spent: number[] = [];
      const read: number[] = [];
      for (const [user, prompt] of users.entries()) {
        prompt.push(
          ...Array.from({ length: 120 }, (_, i) => 2000 + ((i * 11 + user * 997 + turn * 89) % 9000)),
        );
        const start = performance.now();
        const response = await fetch(`${engine.url}/v1/completions`, {
          method: "POST",
          body: JSON.stringify({ model: "bench", temperature: 0, prompt, max_tokens: 1 }),
        });
        const { usage } = (await response.json()) as {
          usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
        };
        spent.push(performance.now() - start);
        read.push(usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens);
      }
      rows.push([
        shares ? "the same" : "their own",
        String(turn),
        read.map(formatInteger).join(", "),
        spent.map((time) => `${time.toFixed(0)} ms`).join(", "),
      ]);
    }
    await engine.stop();
  }
  console.log(formatTable(["four users begin with", "turn", "tokens read", "first token after"], rows));
}

async function manyRequests(): Promise<void> {
  const engine = await startEngine("1M", 1, 8);
  const memory = async (): Promise<number> => {
    const text = await (await fetch(`${engine.url}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)![1]);
  };
  const body = (i: number): string =>
    JSON.stringify({
      model: "bench",
      messages: [{ role: "user", content: `Request number ${i}` }],
      max_tokens: 2,
      temperature: 0,
      stream: i % 2 === 0,
      ...(i % 5 === 0 ? { response_format: { type: "json_object" } } : {}),
    });
  const rows: string[][] = [];
  const start = performance.now();
  let sent = 0;
  for (const goal of [1000, 2500, 5000, 7500, 10_000]) {
    const client = async (): Promise<void> => {
      while (sent < goal) {
        const response = await fetch(`${engine.url}/v1/chat/completions`, {
          method: "POST",
          body: body(sent++),
        });
        await response.text();
        if (!response.ok) throw new Error(`status ${response.status}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    rows.push([formatInteger(sent), formatBytes(await memory())]);
  }
  const perSecond = sent / ((performance.now() - start) / 1000);
  console.log(formatTable(["requests so far", "resident memory of the server"], rows));
  console.log(`${perSecond.toFixed(0)} requests/s of a random model with 1M parameters.`);
  await engine.stop();
}

export async function benchServe(cores: number, seconds: number): Promise<void> {
  // One core is left to the server and its clients.
  const threads = Math.max(1, cores - 1);
  console.log(`llama.cpp computes on ${threads} thread(s).\n`);
  const parts = {
    one: () => singleStream("100M", threads, seconds),
    large: () => singleStream("1B", threads, seconds),
    many: () => manyStreams(threads),
    shared: () => sharedBeginnings(threads),
    long: manyRequests,
  };
  const only = process.env["FIRN_BENCH_PART"];
  for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part();
}
