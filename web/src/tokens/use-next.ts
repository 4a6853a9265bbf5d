/** @file The whole distribution at one place, asked for only while the sampling knobs are open. */
import { useEffect, useState } from "preact/hooks";
import { fetchNext } from "../api.ts";

/** Log probabilities of all tokens after `tokens`, largest first; undefined until they are here or where there are none. */
export function useNext(model: string, tokens: readonly number[] | undefined): Float32Array | undefined {
  const [logprobs, setLogprobs] = useState<Float32Array>();
  const key = tokens?.join();
  useEffect(() => {
    setLogprobs(undefined);
    if (tokens === undefined || tokens.length === 0) return undefined;
    const controller = new AbortController();
    fetchNext(model, tokens, controller.signal).then(
      (answer) => !controller.signal.aborted && setLogprobs(answer),
      // A full context has no next token; the bars keep showing the model's own distribution.
      () => undefined,
    );
    return () => controller.abort();
  }, [model, key]);
  return logprobs;
}
