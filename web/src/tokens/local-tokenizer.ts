/** @file The served model's tokenizer in the page: a text's tokens are there while the server still thinks about them. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { fetchHere } from "../fetch-here.ts";
import type { DistributionAnswer, DistributionToken } from "../../../src/serve/index.ts";

/** Cuts a text as the model's tokenizer does, `<s>` included; probabilities are the server's to tell. */
type Cut = (text: string) => DistributionToken[];

async function load(model: string): Promise<Cut | undefined> {
  const [{ parseTokenizerJson, Tokenizer }, response] = await Promise.all([
    import("../../../src/tokenizer/browser.ts"),
    fetchHere(`api/tokenizer/${encodeURIComponent(model)}`),
  ]);
  // Not every model has a tokenizer that runs here.
  if (response.status !== 200) return undefined;
  const tokenizer = new Tokenizer(parseTokenizerJson(await response.text()));
  return (text) => [
    ...(tokenizer.has("<s>") ? [{ id: tokenizer.bosId, text: "<s>", bytes: null, logprob: null }] : []),
    ...tokenizer.encode(text).map((id) => ({
      id,
      text: tokenizer.tokenText(id),
      bytes: Array.from(tokenizer.tokenBytes(id)),
      logprob: null,
    })),
  ];
}

/**
 * The tokens of the text that is being typed. Those at its start that `answer` has too keep the probabilities of that
 * answer: what follows a token does not change them. `undefined` until the tokenizer is here, or without a text.
 */
export function useLocalCut(
  model: string,
  text: string | undefined,
  answer: DistributionAnswer | undefined,
): readonly DistributionToken[] | undefined {
  const [cut, setCut] = useState<Cut>();
  useEffect(() => {
    let current = true;
    load(model).then(
      (loaded) => current && setCut(() => loaded),
      // The server cuts the text too, a little later.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [model]);
  return useMemo(() => {
    if (cut === undefined || text === undefined) return undefined;
    const tokens = cut(text);
    const known = answer?.tokens ?? [];
    const differs = tokens.findIndex(({ id }, i) => known[i]?.id !== id);
    const same = differs < 0 ? tokens.length : differs;
    return [...known.slice(0, same), ...tokens.slice(same)];
  }, [cut, text, answer]);
}
