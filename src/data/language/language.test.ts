import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeDocument } from "../../artifacts/index.ts";
import { identifyLanguageStep } from "../steps/identify-language.ts";
import { DeclaredText } from "./declared-text.ts";
import { LanguageIdentifier } from "./identifier.ts";
import { parseLanguageCode } from "./language-code.ts";
import { dominantScript } from "./script.ts";
import { trainLanguageModel } from "./train-identifier.ts";

const TEXTS = {
  deu_Latn:
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen. Jeder hat das Recht auf Leben, Freiheit und Sicherheit der Person.",
  eng_Latn:
    "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood. Everyone has the right to life, liberty and the security of person.",
  ita_Latn:
    "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza. Ogni individuo ha diritto alla vita, alla libertà ed alla sicurezza della propria persona.",
  rus_Cyrl:
    "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства. Каждый человек имеет право на жизнь, на свободу и на личную неприкосновенность.",
  cmn_Hani:
    "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。人人有权享有生命、自由和人身安全。",
};
const identifier = new LanguageIdentifier(
  trainLanguageModel(new Map(Object.entries(TEXTS).map(([label, text]) => [label, [text]]))),
);

describe("scripts", () => {
  it.each([
    ["Die Sonne scheint", "Latn"],
    ["Солнце светит (sun)", "Cyrl"],
    ["今日は天気がいいですね", "Jpan"],
    ["人人生而自由", "Hani"],
    ["모든 인간은 人間 태어날", "Hang"],
    ["ကမ္ဘာ", "Mymr"],
    ["𞤒𞤢𞥄𞤤", "Adlm"],
    ["1234 !?", "Zyyy"],
    ["", "Zyyy"],
  ])("of %s", (text, script) => {
    expect(dominantScript(text).script).toBe(script);
  });
});

describe("language codes", () => {
  it.each([
    ["de", { language: "deu" }],
    ["de-CH", { language: "deu" }],
    ["zh-Hant-TW", { language: "cmn", script: "Hant" }],
    ["eng_Latn", { language: "eng", script: "Latn" }],
    ["ROH", { language: "roh" }],
    ["und", undefined],
    ["German", undefined],
    ["xx", undefined],
    ["", undefined],
  ])("%s is read", (code, expected) => {
    expect(parseLanguageCode(code)).toEqual(expected);
  });
});

describe("the identifier", () => {
  it.each([
    ["Jede Person hat Anspruch auf gleichen Schutz durch das Recht.", "deu"],
    ["Everybody is entitled to equal rights and to the protection of the person.", "eng"],
    ["Ogni persona ha diritto alla protezione della propria libertà", "ita"],
    ["Каждый человек имеет право на защиту", "rus"],
    ["人人有权享有自由", "cmn"],
  ])("knows %s", (text, language) => {
    const found = identifier.identify(text);
    expect(found.language).toBe(language);
    expect(found.score).toBeGreaterThan(0.2);
    expect(found.known).toBeGreaterThan(0.3);
  });

  it("says und where there is nothing to go by", () => {
    for (const text of ["", "12", "??", "ok", "ⴰⵎⴷⴰⵏ ⴰⴽⴽⵡ ⵍⴰⵏ ⵉⵣⵔⴼⴰⵏ ⴷ ⵉⵙⵎⴰⵍ"]) {
      expect(identifier.identify(text)).toMatchObject({ language: "und", score: 0 });
    }
    expect(new LanguageIdentifier(trainLanguageModel(new Map())).identify("text")).toMatchObject({
      language: "und",
    });
  });

  it("is the same model from the same texts in any order, and as read back from its file", () => {
    const reversed = new Map(
      Object.entries(TEXTS)
        .map(([label, text]) => [label, [text]] as const)
        .reverse(),
    );
    expect(new LanguageIdentifier(trainLanguageModel(reversed)).toJson()).toBe(identifier.toJson());
    const back = LanguageIdentifier.fromJson(identifier.toJson(), "test");
    expect(back.toJson()).toBe(identifier.toJson());
    expect(back.identify(TEXTS.ita_Latn)).toEqual(identifier.identify(TEXTS.ita_Latn));
    const shared = new LanguageIdentifier(identifier.shareCounts());
    expect(shared.identify(TEXTS.ita_Latn)).toEqual(identifier.identify(TEXTS.ita_Latn));
  });

  it("refuses a damaged file", () => {
    const good = JSON.parse(identifier.toJson()) as Record<string, unknown>;
    for (const bad of [
      "",
      "{}",
      JSON.stringify({ ...good, grams: "AAAA" }),
      JSON.stringify({ ...good, labels: [] }),
    ]) {
      expect(() => LanguageIdentifier.fromJson(bad, "x")).toThrow(/DATA_LANGUAGE_MODEL_BROKEN/);
    }
  });

  it("gives a probability for any text and never fails", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const { score, known } = identifier.identify(text);
        expect(score >= 0 && score <= 1 && known >= 0 && known <= 1).toBe(true);
      }),
    );
  });

  it("measures how alike two languages are", () => {
    expect(identifier.overlap("deu_Latn", "deu_Latn")).toBeCloseTo(1, 6);
    expect(identifier.overlap("deu_Latn", "eng_Latn")).toBeLessThan(0.4);
    expect(identifier.overlap("deu_Latn", "rus_Cyrl")).toBe(0);
  });
});

describe("learning from declared text", () => {
  it("never learns from what is held out, and tests on it", () => {
    const declared = new DeclaredText(0, 5000);
    const add = (label: string, text: string, heldout: boolean): void => {
      const id = `s/${label}#${heldout ? 2 : 1}`;
      const declaredLanguage = label.slice(0, 3);
      declared.add(makeDocument({ id, text, source: "s", licence: "MIT", declaredLanguage }), heldout);
    };
    for (const [label, text] of Object.entries(TEXTS)) add(label, text, false);
    add("deu_Latn", "Jede Person hat Anspruch auf gleichen Schutz durch das Recht.", true);
    add("ita_Latn", "Jede Person hat Anspruch auf gleichen Schutz durch das Recht.", true);
    const model = declared.train();
    const taught = Object.entries(TEXTS).filter(([, text]) => text.length >= 200);
    const expected = trainLanguageModel(new Map(taught.map(([label, text]) => [label, [text]])));
    expect(model.toJson()).toBe(new LanguageIdentifier(expected).toJson());
    expect(declared.measure(model)).toMatchObject({
      labels: 4,
      documents: 2,
      accuracy: 0.5,
      macroAccuracy: 0.5,
      confusions: [{ pair: "ita_Latn>deu_Latn", count: 1 }],
    });
  });

  it("does not let a stray document found a language of its own", () => {
    const declared = new DeclaredText(0, 5000);
    const add = (id: string, text: string): void =>
      declared.add(makeDocument({ id, source: "s", text, licence: "MIT", declaredLanguage: "rus" }), false);
    for (let i = 0; i < 20; i++) add(`good/${i}`, TEXTS.rus_Cyrl);
    add("stray", TEXTS.eng_Latn);
    expect(declared.train().labels).toEqual(["rus_Cyrl"]);
  });

  it("hears every source of a language, however small", () => {
    const declared = new DeclaredText(0, 400);
    const add = (id: string, source: string, text: string): void =>
      declared.add(makeDocument({ id, source, text, licence: "MIT", declaredLanguage: "deu" }), false);
    for (let i = 0; i < 50; i++)
      add(`big/${i}`, "big", "Die Sonne scheint hell am Himmel über dem Tal. ".repeat(8));
    add("small/1", "small", "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich.");
    expect(declared.train().identify("zwölf boxkämpfer jagen viktor").language).toBe("deu");
  });
});

describe("the language step", () => {
  const step = identifyLanguageStep(identifier, { minScore: 0.5, thresholds: {} });
  const judge = (text: string, more: object) =>
    step.judge(makeDocument({ id: "s/1", text, source: "s", licence: "MIT", ...more }));

  it("trusts a declaration that fits, and decides where there is none", () => {
    expect(judge(TEXTS.deu_Latn, { declaredLanguage: "deu" })).toMatchObject({
      keep: { language: "deu", script: "Latn" },
    });
    expect(judge(TEXTS.ita_Latn, {})).toMatchObject({ keep: { language: "ita", script: "Latn" } });
    expect(judge("12 34", {})).toMatchObject({ keep: { language: "und", script: null } });
    expect(judge(TEXTS.deu_Latn, { declaredLanguage: "gsw" })).toMatchObject({ keep: { language: "gsw" } });
  });

  it("drops what is plainly another language or script than declared", () => {
    expect(judge(TEXTS.eng_Latn, { declaredLanguage: "deu" })).toMatchObject({ reason: "language-mismatch" });
    expect(judge(TEXTS.rus_Cyrl, { declaredLanguage: "rus", script: "Latn" })).toMatchObject({
      reason: "script-mismatch",
    });
    expect(judge("Short English line", { declaredLanguage: "deu" })).toHaveProperty("keep");
    expect(judge(TEXTS.cmn_Hani.repeat(3), { declaredLanguage: "cmn", script: "Hans" })).toHaveProperty(
      "keep",
    );
  });
});
