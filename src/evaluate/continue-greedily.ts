/**
 * @file The likeliest continuation of a text, in fewer passes than tokens: a guess is put behind what is known, one pass
 * says the likeliest token at each of its places, and what agrees is kept with the first that does not. The result is that
 * of going token by token (Stern et al. 2018, blockwise parallel decoding); guesses only save passes.
 */
import type { LanguageModel } from "../generate/index.ts";

/** Tokens that a repetition is recognised by. */
const ANCHOR = 2;
/** Tokens guessed at once. */
const GUESS = 48;

/** What followed the last place where `ids` had its last tokens before: models that run in circles go on so. */
function repeatedGuess(ids: readonly number[]): number[] {
  for (let at = ids.length - ANCHOR - 1; at >= 0; at--) {
    let same = 0;
    while (same < ANCHOR && ids[at + same] === ids[ids.length - ANCHOR + same]) same += 1;
    if (same < ANCHOR) continue;
    const period = ids.length - ANCHOR - at;
    return Array.from({ length: GUESS }, (_, i) => ids[at + ANCHOR + (i % period)]!);
  }
  return [];
}

/**
 * At most `maxTokens` tokens after `prompt`, always the likeliest; ends before `stopId` or where the context is full.
 *
 * @param hope a continuation that is tried first, as long as it proves right
 */
export async function continueGreedily(
  model: LanguageModel,
  prompt: readonly number[],
  {
    maxTokens,
    stopId,
    hope,
    signal,
  }: {
    readonly maxTokens: number;
    readonly stopId: number;
    readonly hope: readonly number[];
    readonly signal: AbortSignal;
  },
): Promise<number[]> {
  const said: number[] = [];
  const most = Math.min(maxTokens, model.contextLength - prompt.length);
  let hopeful = true;
  while (said.length < most) {
    signal.throwIfAborted();
    const known = [...prompt, ...said];
    const guessed = hopeful ? hope.slice(said.length, said.length + GUESS) : repeatedGuess(known);
    // The last place of the context has no next token to ask for.
    const guess = guessed.slice(0, most - said.length - 1);
    const choices = await model.distributions([...known, ...guess], 1, known.length - 1);
    for (let place = 0; place <= guess.length; place++) {
      const { id } = choices[place]![0]!;
      if (id === stopId) return said;
      said.push(id);
      hopeful &&= id === hope[said.length - 1];
      if (id !== guess[place]) break;
    }
  }
  return said;
}
