/**
 * @file The largest logits and the sum of all, without sorting them all. llama.cpp's binding sorts the whole vocabulary to tell the
 * largest, nine milliseconds a token at Apertus' 131,072; llama.cpp's own top-k sampler finds them in one, but leaves nothing
 * to add up. So it is asked twice about the same logits: for the largest by top-k, and for the rest by a sampler that only
 * looks for the maximum.
 */
import type { LlamaContext } from "node-llama-cpp";

/** Tokens to tell the logits of; whether to add the largest, the smallest, the chosen one; and so many of the largest. */
type LogitFilter = readonly [
  tokens: readonly number[],
  max: boolean,
  min: boolean,
  selected: boolean,
  top: number,
];

/** Logits as the binding hands them over: token, logit, token, logit … */
type Sampled = [
  token: number,
  probabilities: number[] | undefined,
  confidence: number | undefined,
  logits: number[] | undefined,
  totalWeight: number | undefined,
];

interface NativeSampler {
  applyConfig(config: Readonly<Record<string, number>>): void;
}

/** The part of node-llama-cpp's native context that is meant here; not published, so that any of it may be missing. */
interface NativeContext {
  sampleToken?: (
    place: number,
    sampler: NativeSampler,
    probabilities?: boolean,
    confidence?: boolean,
    logits?: boolean | LogitFilter,
    totalWeight?: boolean,
  ) => Promise<Sampled>;
}

/** Makes `context` find the largest logits in that way; where the binding is another one, everything stays as it is. */
export function findLargestWithoutSorting(context: LlamaContext): void {
  const native = (context as unknown as { readonly _ctx?: NativeContext })._ctx;
  const sample = native?.sampleToken?.bind(native);
  if (native === undefined || sample === undefined) return;
  const twice: typeof sample = async (place, sampler, probabilities, confidence, logits, totalWeight) => {
    const whole = probabilities === true || confidence === true || totalWeight !== true;
    if (whole || !Array.isArray(logits) || (logits as LogitFilter)[4] <= 1)
      return sample(place, sampler, probabilities, confidence, logits, totalWeight);
    const [tokens, max, min, selected, top] = logits as LogitFilter;
    // The sampler is this call's own: the binding makes one for each and waits for its end.
    const config = { topK: top, topP: 1, minP: 0, seed: 0 };
    sampler.applyConfig({ ...config, temperature: 1 });
    const [, , , largest = []] = await sample(place, sampler, false, false, [[], false, false, false, top]);
    sampler.applyConfig({ ...config, temperature: 0 });
    const rest = await sample(place, sampler, false, false, [tokens, max, min, selected, 0], true);
    rest[3] = [...largest, ...(rest[3] ?? [])];
    return rest;
  };
  Object.defineProperty(native, "sampleToken", { value: twice });
}
