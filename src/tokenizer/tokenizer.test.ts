import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";
import { PieceCounter } from "./count-pieces.ts";
import { giniCoefficient, measureFairness, spreadOf } from "./fairness.ts";
import { APERTUS_PATTERN, PreTokenizer } from "./pretokenize.ts";
import { Tokenizer } from "./tokenizer.ts";
import { parseTokenizerJson, tokenizerJson } from "./tokenizer-json.ts";
import { tokenizerFromMerges } from "./train-tokenizer.ts";
import { trainMerges } from "./train.ts";

const TEXT =
  "Alle Menschen sind frei und gleich an Würde und Rechten geboren. 全ての人間は、生まれながらにして自由であり、";
const random = randomStream(1, "letters");
const RANDOM_LETTERS = Array.from({ length: 9973 }, () => "enisratdhu"[random.integer(10)]).join("");
let tokenizer: Tokenizer;

beforeAll(async () => {
  const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
  counter.add(TEXT.repeat(20));
  const merges = await trainMerges(counter.total(), { tokens: 360, minFrequency: 2 });
  tokenizer = tokenizerFromMerges(merges, { specialBlock: 80, systemText: "S" });
});

/** The parts of a tokenizer file that the tests damage; anything may be written into them. */
interface HostileFile {
  added_tokens: Record<string, unknown>[];
  pre_tokenizer: {
    type: string;
    pretokenizers: [{ pattern: { Regex: string } }, { add_prefix_space: boolean }?];
  };
  post_processor: { special_tokens: Record<string, { ids: unknown }> };
  model: { type: unknown; vocab: Record<string, unknown>; merges: unknown[] };
}

/** Changes one thing of a good file. */
function fileWith(change: (file: HostileFile) => unknown): string {
  const file = JSON.parse(tokenizerJson(tokenizer.model)) as HostileFile;
  change(file);
  return JSON.stringify(file);
}

describe("Tokenizer", () => {
  it("gives back any text it encoded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it("reads unpaired surrogates as U+FFFD", () => {
    expect(tokenizer.encode("a\ud800b\udc00")).toEqual(tokenizer.encode("a\ufffdb\ufffd"));
    expect(tokenizer.decode(tokenizer.encode("\udc00\ud800"))).toBe("\ufffd\ufffd");
  });

  it("gives bytes the ids behind the special block, in byte order", () => {
    for (let byte = 0; byte < 256; byte++)
      expect(Array.from(tokenizer.tokenBytes(80 + byte))).toEqual([byte]);
    expect(tokenizer.encode("\u0000")).toEqual([80]);
  });

  it("never makes special tokens of user text unless told to", () => {
    const text = "<s>a</s><|assistant_start|><SPECIAL_79><pad>";
    expect(tokenizer.encode(text).some((id) => tokenizer.isSpecial(id))).toBe(false);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.encode("<s>a</s>", { allowSpecial: true })).toEqual([1, ...tokenizer.encode("a"), 2]);
    expect(tokenizer.decode([1, 81 + 0x40, 2], { skipSpecial: true })).toBe("A");
  });

  it("reads the four LaTeX openers as one token each, as Apertus does", () => {
    expect(tokenizer.encode("\\boxed{x}")).toEqual([17, 80 + 0x78, 80 + 0x7d]);
    expect(tokenizer.decode([17], { skipSpecial: true })).toBe("\\boxed{");
  });

  it("streams text that is whole at every step and the same in the end", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize - 1 }), { maxLength: 60 }),
        (ids) => {
          const stream = tokenizer.streamDecoder({ skipSpecial: true });
          const parts = [...ids.map((id) => stream.push(id)), stream.end()];
          expect(parts.join("")).toBe(tokenizer.decode(ids, { skipSpecial: true }));
          for (const part of parts) expect(part).not.toMatch(/\p{Surrogate}/u);
        },
      ),
    );
    const stream = tokenizer.streamDecoder();
    const steps = [0xf0, 0x9f, 0x8f, 0x94].map((byte) => stream.push(80 + byte));
    expect(steps).toEqual(["", "", "", "🏔"]);
  });

  it("shows a token as text, or as bytes where it is none", () => {
    expect(tokenizer.tokenText(80 + 0x41)).toBe("A");
    expect(tokenizer.tokenText(80 + 0xe4)).toBe("\\xe4");
    expect(tokenizer.tokenText(68)).toBe("<|assistant_end|>");
  });

  it.each([
    ["one letter", "a"],
    ["spaces", " "],
    ["line ends", "\n"],
    ["capitals that no small letter follows", "A"],
    ["one syllable without spaces", "ある"],
    ["symbols", "/\r"],
    ["random letters", RANDOM_LETTERS],
  ])("encodes a megabyte of %s in time that is linear enough", (_, unit) => {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    const start = performance.now();
    const ids = tokenizer.encodeArray(text);
    expect(performance.now() - start).toBeLessThan(8000);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it("keeps no memory of what it encoded, but for a cache of bounded size", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const letters = randomStream(3, "memory");
    const words = (count: number): string =>
      Array.from({ length: count }, () => `${letters.integer(2 ** 31).toString(36)}é`).join(" ");
    const kept = (): number => {
      // The memory of what the first one finds is let go by another thread; the second one waits for it.
      collect();
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const encodeMuch = (): void => {
      for (let i = 0; i < 4; i++) tokenizer.encode(words(20_000));
      tokenizer.encode("a".repeat(2_000_000));
      tokenizer.encode("the end");
    };
    encodeMuch();
    const before = kept();
    for (let i = 0; i < 2; i++) encodeMuch();
    expect(kept() - before).toBeLessThan(2 ** 20);
  });

  it("refuses what is not text, ids outside the vocabulary and names it does not have", () => {
    expect(() => tokenizer.encode(7 as unknown as string)).toThrowError(
      expect.objectContaining({ code: "TOKENIZER_NOT_TEXT" }),
    );
    for (const id of [-1, tokenizer.vocabSize, 1.5, Number.NaN]) {
      expect(() => tokenizer.decode([id])).toThrowError(
        expect.objectContaining({ code: "TOKENIZER_ID_RANGE" }),
      );
    }
    expect(() => tokenizer.idOf("<|asistant_end|>")).toThrowError(/Did you mean <\|assistant_end\|>/);
  });
});

describe("tokenizer.json", () => {
  it("comes back as the same tokenizer and the same bytes", () => {
    const json = tokenizerJson(tokenizer.model);
    const again = parseTokenizerJson(json);
    expect(again).toEqual(tokenizer.model);
    expect(tokenizerJson(again)).toBe(json);
  });

  it("holds pieces named like JavaScript's own properties", async () => {
    const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
    counter.add("__proto__ constructor toString ".repeat(9));
    const merges = await trainMerges(counter.total(), { tokens: 320, minFrequency: 2 });
    const model = tokenizerFromMerges(merges, { specialBlock: 80, systemText: "S" }).model;
    expect(model.pieces).toContain("__");
    const read = new Tokenizer(parseTokenizerJson(tokenizerJson(model)));
    expect(read.decode(read.encode("__proto__ constructor"))).toBe("__proto__ constructor");
  });

  it.each<[string, string, (file: HostileFile) => unknown]>([
    [
      "a gap in the ids",
      "TOKENIZER_VOCABULARY",
      (file) => delete file.model.vocab["<|assistant_end|>"] && file.added_tokens.splice(68, 1),
    ],
    ["two tokens with one id", "TOKENIZER_VOCABULARY", (file) => (file.model.vocab["zzzz"] = 100)],
    ["an id that is no number", "TOKENIZER_VOCABULARY", (file) => (file.model.vocab["zzzz"] = "7")],
    ["a huge id", "TOKENIZER_VOCABULARY", (file) => (file.model.vocab["zzzz"] = 2 ** 31)],
    [
      "an added token with two ids",
      "TOKENIZER_VOCABULARY",
      (file) => (file.added_tokens[5]!["content"] = "<s>"),
    ],
    [
      "a byte without a token",
      "TOKENIZER_VOCABULARY",
      (file) => {
        file.model.vocab["ĀĀ"] = file.model.vocab["Ā"];
        delete file.model.vocab["Ā"];
      },
    ],
    [
      "a template with an unknown id",
      "TOKENIZER_VOCABULARY",
      (file) => (file.post_processor.special_tokens["<s>"]!.ids = [99999]),
    ],
    ["a merge of unknown tokens", "TOKENIZER_MERGES", (file) => file.model.merges.push(["nope", "never"])],
    ["a merge of the wrong kind", "TOKENIZER_MERGES", (file) => file.model.merges.push(7)],
    ["a merge without a result", "TOKENIZER_MERGES", (file) => file.model.merges.push(["a", "\u0100"])],
    [
      "a rule that makes a special token of ordinary text",
      "TOKENIZER_MERGES",
      (file) => {
        file.model.vocab["<s"] = Object.keys(file.model.vocab).length;
        file.model.merges.push(["<", "s"], ["<s", ">"]);
      },
    ],
    [
      "a special token that is a byte",
      "TOKENIZER_MERGES",
      (file) => {
        file.added_tokens.push({ ...file.added_tokens[0], content: "a", id: file.model.vocab["a"] });
      },
    ],
    ["half a character", "TOKENIZER_VOCABULARY", (file) => (file.model.vocab["\ud800"] = 440)],
    [
      "a token as long as a book",
      "TOKENIZER_VOCABULARY",
      (file) => (file.model.vocab["a".repeat(5000)] = 440),
    ],
    [
      "tokens that no memory would hold",
      "TOKENIZER_VOCABULARY",
      (file) => {
        for (let i = 0; i < 2100; i++) file.model.vocab[`${i}${"a".repeat(4090)}`] = 440 + i;
      },
    ],
    [
      "more names of added tokens than can be looked for",
      "TOKENIZER_VOCABULARY",
      (file) => {
        const [token] = file.added_tokens;
        for (let i = 0; i < 1100; i++)
          file.added_tokens.push({ ...token, id: 440 + i, content: `${i}${"a".repeat(4000)}` });
      },
    ],
    [
      "ten million merges",
      "TOKENIZER_UNSUPPORTED",
      (file) => (file.model.merges = Array.from({ length: 10_000_000 }, () => 0)),
    ],
    ["merges that are no list", "TOKENIZER_UNSUPPORTED", (file) => Object.assign(file.model, { merges: {} })],
    ["an added token without an id", "TOKENIZER_UNSUPPORTED", (file) => delete file.added_tokens[3]!["id"]],
    ["another model", "TOKENIZER_UNSUPPORTED", (file) => (file.model.type = "Unigram")],
    [
      "a vocabulary that is a list",
      "TOKENIZER_UNSUPPORTED",
      (file) => Object.assign(file.model, { vocab: [] }),
    ],
    ["another pre-tokenizer", "TOKENIZER_UNSUPPORTED", (file) => (file.pre_tokenizer.type = "Whitespace")],
    ["no bytes in the end", "TOKENIZER_UNSUPPORTED", (file) => file.pre_tokenizer.pretokenizers.pop()],
    [
      "an added space",
      "TOKENIZER_UNSUPPORTED",
      (file) => (file.pre_tokenizer.pretokenizers[1]!.add_prefix_space = true),
    ],
    ["a token that eats spaces", "TOKENIZER_UNSUPPORTED", (file) => (file.added_tokens[4]!["lstrip"] = true)],
    [
      "a rule with notation of another meaning",
      "TOKENIZER_PATTERN",
      (file) => (file.pre_tokenizer.pretokenizers[0].pattern.Regex = "\\p{L}++"),
    ],
  ])("refuses %s", (_, code, change) => {
    expect(() => new Tokenizer(parseTokenizerJson(fileWith(change)))).toThrowError(
      expect.objectContaining({ code }),
    );
  });

  it("reads rules in any order, in a circle too, as merging one by one does", () => {
    // "ab" needs "b|c" undone, "bc" is made first; the empty token joined to another is that token again.
    const circular = fileWith((file) => {
      const next = Object.keys(file.model.vocab).length;
      Object.assign(file.model.vocab, { "": next, ab: next + 1, bc: next + 2, abc: next + 3 });
      file.model.merges = [
        ["ab", "c"],
        ["b", "c"],
        ["a", "bc"],
        ["a", "b"],
        ["a", ""],
        ["", "a"],
        ["", ""],
      ];
    });
    const read = new Tokenizer(parseTokenizerJson(circular));
    const text = (input: string): string[] => read.encode(input).map((id) => read.tokenText(id));
    expect(text("abc")).toEqual(["abc"]);
    expect(text("abab")).toEqual(["ab", "ab"]);
    expect(text("abbc")).toEqual(["ab", "bc"]);
    expect(text("a".repeat(5))).toEqual(["a", "a", "a", "a", "a"]);
  });

  it("needs no token for bytes that text never has, as files trained on text lack them", () => {
    const plain = fileWith((file) => {
      file.model.merges = [];
      const kept = BYTE_CHARACTERS.filter((_, byte) => byte !== 0xc0 && byte !== 0xc1 && byte < 0xf5);
      const special = tokenizer.model.pieces.slice(0, 80);
      file.model.vocab = Object.fromEntries([...special, ...kept].map((piece, id) => [piece, id]));
    });
    const read = new Tokenizer(parseTokenizerJson(plain));
    const everything = "\u0000 aé€🏔\u{10ffff}\ufffd";
    expect(read.decode(read.encode(everything))).toBe(everything);
    expect(read.vocabSize).toBe(80 + 243);
  });

  it("says where a file that is no JSON breaks off, and survives any text", () => {
    expect(() => parseTokenizerJson('{"model": ')).toThrowError(
      expect.objectContaining({ code: "TOKENIZER_JSON" }),
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(() => parseTokenizerJson(json)).toThrowError(/^TOKENIZER_/);
      }),
    );
  });

  it("reads a file as short as GPT-2's", () => {
    const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
    const file = {
      added_tokens: [{ id: 257, content: "<|endoftext|>", special: true }],
      pre_tokenizer: byteLevel,
      post_processor: { ...byteLevel, add_prefix_space: true },
      decoder: { ...byteLevel, add_prefix_space: true },
      model: {
        vocab: Object.fromEntries([...BYTE_CHARACTERS, "Ġa"].map((piece, id) => [piece, id])),
        merges: ["Ġ a"],
      },
    };
    const gpt2 = new Tokenizer(parseTokenizerJson(JSON.stringify(file)));
    expect(gpt2.encode(" a b<|endoftext|>", { allowSpecial: true })).toEqual([256, 32, 98, 257]);
  });

  it("reads merges written as text, as older files have them", () => {
    const old = parseTokenizerJson(
      fileWith((file: HostileFile) => {
        file.model.merges = file.model.merges.map((pair) => (pair as string[]).join(" "));
      }),
    );
    expect(old).toEqual(tokenizer.model);
  });
});

describe("fairness", () => {
  it("measures bytes per token by language, worst first", () => {
    const report = measureFairness(tokenizer, [
      { language: "deu", text: "Alle Menschen sind frei" },
      { language: "tha", text: "มนุษย์ทั้งหลายเกิดมามีอิสระ" },
      { language: "deu", text: " und gleich" },
    ]);
    expect(report.languages.map(({ language }) => language)).toEqual(["tha", "deu"]);
    expect(report.languages[0]!.bytesPerToken).toBeGreaterThanOrEqual(1);
    expect(report.languages[1]!.bytes).toBe(35);
    expect(report.perByte.worstFactor).toBeGreaterThan(1.5);
    expect(report.sameText).toEqual({ languages: 0, worstFactor: 1, gini: 0 });
  });

  it("compares tokens for the same text, and sees what is cut, lost and used", () => {
    const texts = [
      { language: "a", text: "aaaa" },
      { language: "b", text: "ééé" },
      { language: "c", text: "\ud800" },
      { language: "part", text: "a" },
    ];
    const bytes = new PieceCounter(new PreTokenizer([]));
    bytes.add("q");
    return trainMerges(bytes.total(), { tokens: 256, minFrequency: 2 }).then((merges) => {
      const plain = tokenizerFromMerges(merges, { specialBlock: 80, systemText: "S" });
      const report = measureFairness(plain, texts, new Set(["a", "b"]));
      expect(report.sameText).toEqual({ languages: 2, worstFactor: 1.5, gini: giniCoefficient([4, 6]) });
      const of = (name: string) => report.languages.find(({ language }) => language === name)!;
      expect(of("b")).toMatchObject({
        tokens: 6,
        characters: 3,
        tokensPerCharacter: 2,
        splitsCharacters: 0.5,
      });
      expect(of("a").roundTrip).toBe(true);
      expect(of("c").roundTrip).toBe(false);
      expect(report.digitsApart).toBe(true);
      expect(report.vocabularyUse).toBeCloseTo(6 / (256 + 4), 10);
    });
  });

  it("computes the Gini coefficient of the definition", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (costs) => {
          const mean = costs.reduce((a, b) => a + b, 0) / costs.length;
          let sum = 0;
          for (const a of costs) for (const b of costs) sum += Math.abs(a - b);
          expect(giniCoefficient(costs)).toBeCloseTo(sum / (2 * costs.length ** 2 * mean), 10);
        },
      ),
    );
    expect(spreadOf([])).toEqual({ languages: 0, worstFactor: 1, gini: 0 });
  });
});
