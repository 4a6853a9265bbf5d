/** @file Asks the server about the text after every change, a little after the reader's last key. */
import { useEffect, useState } from "preact/hooks";
import type { DistributionAnswer } from "../../../src/serve/index.ts";
import { fetchDistribution } from "../api.ts";
import { ApiFailure } from "../fetch-here.ts";
import { words } from "../words.ts";

/** What the reader typed, or the tokens made by choosing one; choosing never cuts the text anew. */
export type TokenInput = { readonly text: string } | { readonly tokens: readonly number[] };

export interface DistributionState {
  /** The latest answer; it stays while the next one is on its way. */
  readonly answer: DistributionAnswer | undefined;
  readonly loading: boolean;
  readonly failure: string | undefined;
}

const TYPING_PAUSE_MS = 250;
/** Rows of the chart. */
const TOP = 12;

export function useDistribution(model: string, input: TokenInput): DistributionState {
  const [state, setState] = useState<DistributionState>({
    answer: undefined,
    loading: true,
    failure: undefined,
  });
  useEffect(() => {
    const controller = new AbortController();
    setState(({ answer }) => ({ answer, loading: true, failure: undefined }));
    const ask = async (): Promise<void> => {
      try {
        const answer = await fetchDistribution(model, input, TOP, controller.signal);
        if (!controller.signal.aborted) setState({ answer, loading: false, failure: undefined });
      } catch (error) {
        if (controller.signal.aborted) return;
        const failure = error instanceof ApiFailure ? error.message : words.noServer;
        setState(({ answer }) => ({ answer, loading: false, failure }));
      }
    };
    const timer = setTimeout(() => void ask(), "text" in input ? TYPING_PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [model, input]);
  return state;
}
