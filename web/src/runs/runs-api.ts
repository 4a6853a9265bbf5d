/** @file Where the page about runs gets its data. */
import type { RunInfo, RunSample, RunStep } from "../../../src/serve/index.ts";
import { fetchJson } from "../fetch-here.ts";

export const fetchRuns = (): Promise<readonly RunInfo[]> =>
  fetchJson<{ runs: readonly RunInfo[] }>("api/runs").then(({ runs }) => runs);

export const fetchSteps = (id: string): Promise<readonly RunStep[]> =>
  fetchJson<{ steps: readonly RunStep[] }>(`api/runs/${id}`).then(({ steps }) => steps);

export const fetchSamples = (id: string): Promise<readonly RunSample[]> =>
  fetchJson<{ samples: readonly RunSample[] }>(`api/runs/${id}/samples`).then(({ samples }) => samples);

/** What a step learnt from, as far as the page shows it. */
export interface StepDocuments {
  readonly documents: readonly { readonly document: string; readonly source?: string | null }[];
}

export const fetchStep = (id: string, step: number): Promise<StepDocuments> =>
  fetchJson<StepDocuments>(`api/runs/${id}/steps/${step}`);
