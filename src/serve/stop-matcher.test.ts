import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StopMatcher } from "./stop-matcher.ts";

function run(stops: readonly string[], pieces: readonly string[]): { text: string; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  let text = "";
  for (const piece of pieces) {
    const step = matcher.push(piece);
    text += step.text;
    if (step.stopString !== undefined) return { text, stopped: true };
  }
  return { text: text + matcher.end(), stopped: false };
}

describe("stop strings", () => {
  it("end the text just before them, also when they span pieces", () => {
    expect(run(["\n\n"], ["one\n", "\ntwo"])).toEqual({ text: "one", stopped: true });
    expect(run(["STOP"], ["a S", "T", "OP b"])).toEqual({ text: "a ", stopped: true });
  });

  it("hold back nothing but what may still become one", () => {
    const matcher = new StopMatcher(["END"]);
    expect(matcher.push("the E")).toEqual({ text: "the ", stopString: undefined });
    expect(matcher.push("N")).toEqual({ text: "", stopString: undefined });
    expect(matcher.push("T")).toEqual({ text: "ENT", stopString: undefined });
    expect(matcher.push("EN")).toEqual({ text: "", stopString: undefined });
    expect(matcher.end()).toBe("EN");
  });

  it("give the same text however it was cut into pieces", () => {
    const letters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 20 });
    const stops = fc.array(fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(letters, stops, fc.array(fc.nat(4)), (text, stopLetters, cuts) => {
        const words = stopLetters.map((word) => word.join(""));
        const pieces: string[] = [];
        let rest = text.join("");
        for (const cut of cuts) {
          pieces.push(rest.slice(0, cut));
          rest = rest.slice(cut);
        }
        pieces.push(rest);
        expect(run(words, pieces)).toEqual(run(words, text));
      }),
    );
  });

  it("never let a whole stop string through", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab]{0,12}$/), fc.stringMatching(/^[ab]{1,3}$/), (text, stop) => {
        expect(run([stop], text.split("")).text.includes(stop)).toBe(false);
      }),
    );
  });
});
