/** @file The prompt handed back in front of a completion, scored when log probabilities were asked for. */
import type { OffsetToken } from "./logprobs.ts";
import type { ServedModel } from "./served-model.ts";

export interface EchoedPrompt {
  readonly text: string;
  readonly tokens: readonly OffsetToken[];
}

/**
 * Text and tokens of `prompt`. `hideStart` leaves out a start token that the server itself put in front; `top` is the
 * number of alternatives per position, `undefined` when nothing is to be scored.
 */
export async function echoPrompt(
  served: ServedModel,
  prompt: readonly number[],
  hideStart: boolean,
  top: number | undefined,
): Promise<EchoedPrompt> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const first = hideStart && prompt[0] === served.chat.startId ? 1 : 0;
  const [scores] = top === undefined ? [] : await served.model.score([prompt]);
  const nextTokens = top === undefined || top === 0 ? [] : await served.model.distributions(prompt, top);
  const tokens: OffsetToken[] = [];
  let text = "";
  for (let i = first; i < prompt.length; i++) {
    const id = prompt[i]!;
    const logprob = i === 0 ? null : (scores?.[i] ?? null);
    tokens.push({ id, logprob, top: i === 0 ? [] : (nextTokens[i - 1] ?? []), offset: text.length });
    const bytes = served.chat.tokenBytes(id);
    if (bytes !== undefined) text += decoder.decode(bytes, { stream: true });
  }
  return { text: text + decoder.decode(), tokens };
}
