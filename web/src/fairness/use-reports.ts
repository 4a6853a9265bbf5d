/** @file The tokenizers on the page: the served model's, and those that the reader adds. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ParallelText } from "../../../src/serve/index.ts";
import { fetchHere, fetchJson, messageOf } from "../fetch-here.ts";
import type { MeasureAnswer, MeasureRequest } from "./measure-worker.ts";
import type { TokenizerReport } from "./measures.ts";

export interface Reports {
  /** In the order in which they came. */
  readonly reports: readonly TokenizerReport[];
  /** Names by code. */
  readonly names: ReadonlyMap<string, string>;
  /** What is being done: fetching the texts, or measuring the tokenizer of this name. */
  readonly busy: "texts" | { readonly name: string } | undefined;
  readonly failure: string | undefined;
  readonly add: (files: Iterable<File>) => void;
  readonly remove: (report: TokenizerReport) => void;
}

/** One worker, asked one thing after the other. */
class Measurer {
  readonly #worker = new Worker(new URL("./measure-worker.ts", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, (answer: MeasureAnswer) => void>();
  #count = 0;

  constructor() {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<MeasureAnswer>) => {
      this.#waiting.get(data.number)?.(data);
      this.#waiting.delete(data.number);
    });
  }

  setTexts(texts: readonly ParallelText[]): void {
    this.#worker.postMessage({ texts } satisfies MeasureRequest);
  }

  async measure(name: string, json: string): Promise<TokenizerReport> {
    const number = this.#count++;
    const answer = await new Promise<MeasureAnswer>((resolve) => {
      this.#waiting.set(number, resolve);
      this.#worker.postMessage({ number, name, json } satisfies MeasureRequest);
    });
    if ("failure" in answer) throw new Error(`${name}: ${answer.failure}`);
    return answer.report;
  }

  close(): void {
    this.#worker.terminate();
  }
}

/** A name that no report on the page has yet. */
function freeName(name: string, reports: readonly TokenizerReport[]): string {
  const taken = new Set(reports.map((report) => report.name));
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name} (${i})`;
  return free;
}

export function useReports(model: string): Reports {
  const measurer = useRef<Measurer>(undefined);
  /** Settled once the texts are there and the model's own tokenizer is measured. */
  const started = useRef<Promise<void>>(undefined);
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const [reports, setReports] = useState<readonly TokenizerReport[]>([]);
  const [busy, setBusy] = useState<Reports["busy"]>("texts");
  const [failure, setFailure] = useState<string>();

  const measure = async (name: string, read: () => Promise<string>): Promise<void> => {
    setBusy({ name });
    try {
      const report = await measurer.current?.measure(name, await read());
      if (report === undefined) return;
      setReports((before) => [...before, { ...report, name: freeName(name, before) }]);
    } catch (error) {
      setFailure(messageOf(error));
    }
  };

  useEffect(() => {
    const current = new Measurer();
    measurer.current = current;
    const start = async (): Promise<void> => {
      try {
        const texts = await fetchJson<readonly ParallelText[]>("api/parallel-text");
        current.setTexts(texts);
        setNames(new Map(texts.map(({ language, name }) => [language, name])));
        const json = await (await fetchHere(`api/tokenizer/${encodeURIComponent(model)}`)).text();
        // Not every model has a tokenizer that runs here; the reader may still bring one.
        if (json !== "") await measure(model, () => Promise.resolve(json));
      } catch (error) {
        setFailure(messageOf(error));
      } finally {
        setBusy(undefined);
      }
    };
    started.current = start();
    return () => current.close();
  }, [model]);

  const add = async (files: Iterable<File>): Promise<void> => {
    await started.current;
    setFailure(undefined);
    for (const file of files) await measure(file.name, () => file.text());
    setBusy(undefined);
  };
  return {
    reports,
    names,
    busy,
    failure,
    add: (files) => void add(files),
    remove: (report) => setReports((before) => before.filter((one) => one !== report)),
  };
}
