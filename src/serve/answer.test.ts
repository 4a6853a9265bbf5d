import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteCodec, NgramModel, specialId, trainedNgram } from "../../test/serve/ngram-model.ts";
import { type AnswerEnd, type AnswerOptions, type AnswerPiece, answer } from "./answer.ts";
import type { ServedModel } from "./served-model.ts";

const START = specialId("<s>");

function serve(model: NgramModel): ServedModel {
  return { id: "ngram", model, chat: byteCodec, created: 0 };
}

/** A model of one sequence: greedy decoding says it again. */
function parrot(bytes: readonly number[], contextLength = 4096): ServedModel {
  return serve(
    new NgramModel([[START, ...bytes, specialId("</s>")]], {
      order: bytes.length + 2,
      contextLength,
    }),
  );
}

async function collect(served: ServedModel, prompt: readonly number[], changes: Partial<AnswerOptions> = {}) {
  const pieces: AnswerPiece[] = [];
  const iterator = answer(served, prompt, {
    maxTokens: undefined,
    sampling: { temperature: 0 },
    stops: [],
    topLogprobs: 0,
    constraint: undefined,
    filter: undefined,
    channels: false,
    signal: new AbortController().signal,
    ...changes,
  });
  let step = await iterator.next();
  for (; step.done !== true; step = await iterator.next()) pieces.push(step.value);
  const end: AnswerEnd = step.value;
  return { pieces, end, text: pieces.map((piece) => piece.text).join("") };
}

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];

describe("an answer", () => {
  it("ends with stop at a stop token and with length at the token limit", async () => {
    const served = parrot(utf8("snow"));
    const { end } = await collect(served, [START]);
    expect(end).toMatchObject({ finishReason: "stop", completionTokens: 4 });
    expect(end.generationSeconds).toBeGreaterThan(0);
    const cut = await collect(served, [START], { maxTokens: 3 });
    expect(cut.end).toMatchObject({ finishReason: "length", completionTokens: 3 });
    expect(cut.text).toBe("sno");
  });

  it("ends with length when the context is full", async () => {
    const { end, text } = await collect(parrot(utf8("snow falls"), 6), [START]);
    expect(end).toMatchObject({ finishReason: "length", completionTokens: 5 });
    expect(text).toBe("snow ");
  });

  it("sends whole characters only, and drops one that the token limit cut in half", async () => {
    const served = parrot(utf8("a❄️🌙"));
    const whole = await collect(served, [START]);
    expect(whole.pieces.map((piece) => piece.text)).toEqual(["a", "❄", "\ufe0f", "🌙"]);
    const cut = await collect(served, [START], { maxTokens: 9 });
    expect(cut.text).toBe("a❄\ufe0f");
    expect(cut.pieces.flatMap((piece) => piece.tokens)).toHaveLength(9);
  });

  it("stops before a stop string that spans tokens and keeps its tokens to itself", async () => {
    const { pieces, end, text } = await collect(parrot(utf8("one two three")), [START], { stops: ["two"] });
    expect(text).toBe("one ");
    expect(end).toMatchObject({ finishReason: "stop", completionTokens: 7 });
    expect(pieces.flatMap((piece) => piece.tokens.map((token) => token.id))).toEqual(utf8("one "));
  });

  it("shows the text held back for a stop string that never came", async () => {
    const { text, end } = await collect(parrot(utf8("one tw")), [START], { stops: ["two"] });
    expect([text, end.finishReason]).toEqual(["one tw", "stop"]);
  });

  it("spells any bytes a model says just as decoding them at once would", async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ unit: "grapheme", maxLength: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (content) => {
        const bytes = typeof content === "string" ? utf8(content) : [...content];
        const { text, pieces } = await collect(parrot(bytes), [START]);
        const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
        expect(text).toBe(decoder.decode(Uint8Array.from(bytes), { stream: true }));
        expect(pieces.flatMap((piece) => piece.tokens.map((token) => token.id))).toEqual(bytes);
        for (const piece of pieces)
          for (const token of piece.tokens) expect(token.offset).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 60 },
    );
  });

  it("throws the reason when its client has gone", async () => {
    const client = new AbortController();
    const iterator = answer(serve(trainedNgram()), [START], {
      maxTokens: undefined,
      sampling: { temperature: 1, topP: 1 },
      stops: [],
      topLogprobs: 0,
      constraint: undefined,
      filter: undefined,
      channels: false,
      signal: client.signal,
    });
    await iterator.next();
    client.abort(new Error("gone"));
    await expect(iterator.next()).rejects.toThrow("gone");
  });
});
