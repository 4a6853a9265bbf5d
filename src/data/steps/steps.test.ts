import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeDocument } from "../../artifacts/index.ts";
import { cleanConfigSchema } from "../clean-config.ts";
import { findIbans, isIbanChecksumRight } from "./iban.ts";
import { type MixRow, overQuota } from "./mix.ts";
import { normaliseStep, normaliseText } from "./normalise.ts";
import { qualityStep, repeatedLineShare, repeatedRunShare } from "./quality.ts";
import { scrubText } from "./scrub-pii.ts";
import { selectLanguageStep } from "./select-language.ts";
import { documentDraw, HeldoutPlan, splitDocuments } from "./split.ts";

const document = (text: string, more: object = {}) =>
  makeDocument({ id: "s/f#1", text, source: "s", licence: "MIT", ...more });
const all = ["email", "ip", "iban"] as const;
const scrub = (text: string): string => scrubText(text, all).text;

describe("normalising", () => {
  it("gives one form to line ends, controls, stray spaces and composed characters", () => {
    expect(normaliseText("\ufeffa\r\nb\rc\u2028d  \t\n\n\n\n e\u0000\u0007 \u00ad\n")).toBe(
      "a\nb\nc\nd\n\n e",
    );
    expect(normaliseText("Zu\u0308rich")).toBe("Zürich");
    expect(normaliseText("x² ﬁ \u200dक्‍ष")).toBe("x² ﬁ \u200dक्‍ष");
  });

  it("changes nothing when applied again, and always gives well-formed text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const once = normaliseText(text);
        expect(normaliseText(once)).toBe(once);
        expect(/\p{Surrogate}/u.test(once)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it("drops what is empty or was decoded wrongly", () => {
    expect(normaliseStep.judge(document(" \n\u0000\t"))).toMatchObject({ reason: "empty" });
    expect(normaliseStep.judge(document("Gr\ufffd\ufffde aus Z\ufffdrich"))).toMatchObject({
      reason: "broken-encoding",
    });
    expect(normaliseStep.judge(document(`${"Grüsse ".repeat(60)}\ufffd`))).toHaveProperty("keep");
  });

  it("takes linear time on a million spaces", () => {
    const started = performance.now();
    normaliseText(`a${" ".repeat(1_000_000)}b`);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("scrubbing personal identifiers", () => {
  it.each([
    ["Write to anna.muster+news@example.ch, please.", "Write to <email-pii>, please."],
    ["<a@b.co>;mailto:o'neil@sub.example.museum", "<<email-pii>>;mailto:<email-pii>"],
    ["Größe: jürgen@köln-büro.de.", "Größe: <email-pii>."],
    ["root@[192.168.1.7]", "<email-pii>"],
    ["a @b, user@host, @mention, x@y.z1", "a @b, user@host, @mention, x@y.z1"],
  ])("finds e-mail addresses: %s", (text, expected) => {
    expect(scrub(text)).toBe(expected);
  });

  it.each([
    ["from 192.168.0.1:8080 and 8.8.8.8.", "from <ip-pii>:8080 and <ip-pii>."],
    ["http://10.0.0.1/x", "http://<ip-pii>/x"],
    ["fe80::1ff:fe23:4567:890a%eth0 [2001:db8::1]:443", "<ip-pii>%eth0 [<ip-pii>]:443"],
    ["::ffff:192.0.2.128", "<ip-pii>"],
    [
      "version 1.2.3.4, v2.0.1.17, Firefox/120.0.1.2, § 3.2.1.4",
      "version 1.2.3.4, v2.0.1.17, Firefox/120.0.1.2, § 3.2.1.4",
    ],
    ["1.2.3.4.5 and 256.1.1.1 and 1.2.3", "1.2.3.4.5 and 256.1.1.1 and 1.2.3"],
    ["2.3.1.4 Results", "2.3.1.4 Results"],
    [
      "std::vector, a::b, 12:30:45, 1:2, Genesis 1:1, ::",
      "std::vector, a::b, 12:30:45, 1:2, Genesis 1:1, ::",
    ],
  ])("finds IP addresses and leaves other numbers alone: %s", (text, expected) => {
    expect(scrub(text)).toBe(expected);
  });

  it.each([
    ["IBAN CH93 0076 2011 6238 5295 7 at the bank", "IBAN <iban-pii> at the bank"],
    ["DE89370400440532013000,GB29 NWBK 6016 1331 9268 19", "<iban-pii>,<iban-pii>"],
    ["FR14 2004 1010 0505 0001 3M02 606.", "<iban-pii>."],
    ["mt84malt011000012345mtlcast001s", "<iban-pii>"],
    ["CH93 0076 2011 6238 5295 8", "CH93 0076 2011 6238 5295 8"],
    ["XX89370400440532013000 DE8937040044053201300", "XX89370400440532013000 DE8937040044053201300"],
  ])("finds bank account numbers by their checksum: %s", (text, expected) => {
    expect(scrub(text)).toBe(expected);
  });

  it("agrees with the checksum definition by big integers", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/), (iban) => {
        const digits = (iban.slice(4) + iban.slice(0, 4))
          .split("")
          .map((c) => Number.parseInt(c, 36))
          .join("");
        expect(isIbanChecksumRight(iban)).toBe(BigInt(digits) % 97n === 1n);
      }),
    );
  });

  it("finds every valid account number, however it is grouped, and nothing overlapping", () => {
    const made = fc
      .tuple(fc.stringMatching(/^[0-9]{18}$/), fc.constantFrom("", " ", "\u00a0"))
      .map(([account, gap]) => {
        for (let check = 2; check < 99; check++) {
          const iban = `DE${String(check).padStart(2, "0")}${account}`;
          if (isIbanChecksumRight(iban)) return iban.replace(/(.{4})(?=.)/g, `$1${gap}`);
        }
        return "";
      });
    fc.assert(
      fc.property(made, (iban) => {
        expect(findIbans(`x: ${iban}!`)).toEqual([{ start: 3, end: 3 + iban.length }]);
      }),
    );
  });

  it("survives any text, counts distinct finds, and finds nothing in what it wrote", () => {
    const noise = fc.string({ unit: fc.constantFrom(..."a1@.:-[] DE89/ü٣\n".split("")), maxLength: 80 });
    fc.assert(
      fc.property(noise, (text) => {
        const once = scrub(text);
        expect(scrub(once)).toBe(once);
      }),
      { numRuns: 2000 },
    );
    expect(scrubText("a@b.ch A@B.CH c@d.ch", all).distinct).toBe(2);
    expect(scrubText("a@b.ch 8.8.8.8", ["ip"]).text).toBe("a@b.ch <ip-pii>");
  });

  it("takes linear time on hostile text", () => {
    const started = performance.now();
    for (const piece of ["@", "a.", "1.", ":", "a:", "DE89 ", "a@b."]) scrub(piece.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

describe("quality", () => {
  const step = qualityStep(cleanConfigSchema.parse({}).quality);
  const reason = (text: string): string => {
    const verdict = step.judge(document(text));
    return "reason" in verdict ? verdict.reason : "kept";
  };

  it("keeps running text of every script", () => {
    expect(reason("Everyone has the right to life, liberty and the security of person.")).toBe("kept");
    expect(reason("人人有权享有生命、自由和人身安全。")).toBe("kept");
    expect(reason("འགྲོ་བ་མི་ག་ར་ལུ་མི་ཚེའི་དལ་དབང་དང་རང་དབང་།")).toBe("kept");
  });

  it("drops what is not running text, for the reason that it says", () => {
    expect(reason("Too short.")).toBe("too-short");
    expect(reason("+-- | == | ~~ | == | --+ x ".repeat(4))).toBe("symbols");
    expect(reason("Tel 0123456789 0123456789 0123456789 0123456789")).toBe("digits");
    expect(reason("Click here to subscribe\nto our letter\n".repeat(9))).toBe("repeated-lines");
    expect(reason("the cat sat on the mat and then ".repeat(12))).toBe("repeated-runs");
    expect(
      qualityStep({ ...cleanConfigSchema.parse({}).quality, maxCharacters: 10 }).judge(
        document("x ".repeat(40)),
      ),
    ).toMatchObject({
      reason: "too-long",
    });
  });

  it("measures repetition as a share", () => {
    expect(repeatedLineShare("aaa\nbbb\naaa\nbbb")).toBe(0.5);
    expect(repeatedLineShare("")).toBe(0);
    const words = Array.from({ length: 60 }, (_, i) => `w${i}`);
    expect(repeatedRunShare(words.join(" "))).toBe(0);
    expect(repeatedRunShare([...words, ...words].join(" "))).toBe(0.5);
  });
});

describe("selecting languages", () => {
  it("keeps the languages asked for, in the scripts asked for", () => {
    const step = selectLanguageStep(["deu", "srp_Cyrl"]);
    const judge = (language: string, script: string) => step.judge(document("x", { language, script }));
    expect(judge("deu", "Latn")).toHaveProperty("keep");
    expect(judge("srp", "Cyrl")).toHaveProperty("keep");
    expect(judge("srp", "Latn")).toMatchObject({ reason: "script-not-selected" });
    expect(judge("fra", "Latn")).toMatchObject({ reason: "language-not-selected", detail: "fra" });
    expect(judge("und", "Latn")).toMatchObject({ reason: "language-unknown" });
    expect(selectLanguageStep(undefined).judge(document("x", { language: "und" }))).toHaveProperty("keep");
  });
});

describe("the held-out split", () => {
  const counts = new Map(
    Array.from({ length: 31 }, (_, i) => [String(i), { documents: i === 0 ? 3 : 40, bytes: 400 * (i + 1) }]),
  );
  const plan = new HeldoutPlan(7, 0.1, new Map([["udhr", counts]]));

  it("holds out the same keys in every language, near the wanted share, only keys that every language has", () => {
    const keys = plan.heldoutKeys("udhr");
    expect(keys).not.toContain("0");
    const held = keys.reduce((sum, key) => sum + counts.get(key)!.bytes, 0);
    const total = [...counts.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    expect(held / total).toBeGreaterThan(0.06);
    expect(held / total).toBeLessThanOrEqual(0.12);
    for (const language of ["deu", "fra"]) {
      const row = { id: `udhr/${language}#x`, source: "udhr", parallelKey: keys[0]! };
      expect(plan.isHeldout(row)).toBe(true);
    }
  });

  it("depends on seed and id alone, and comes near its share", () => {
    const rows = Array.from({ length: 4000 }, (_, i) => ({ id: `b/x#${i}`, source: "b", parallelKey: null }));
    const held = rows.filter((row) => plan.isHeldout(row));
    expect(held.length / rows.length).toBeCloseTo(0.1, 1);
    expect(held).toEqual(rows.filter((row) => new HeldoutPlan(7, 0.1, new Map()).isHeldout(row)));
    expect(held).not.toEqual(rows.filter((row) => new HeldoutPlan(8, 0.1, new Map()).isHeldout(row)));
  });

  it("gives every language of a source a held-out document, when it has two", () => {
    const rows = ["deu", "deu", "fra", "fra", "ita"].map((language, i) => ({
      id: `c/${i}`,
      source: "c",
      language,
      parallelKey: null,
    }));
    const { heldout, toppedUp } = splitDocuments(
      rows,
      rows.length,
      new HeldoutPlan(1, 1e-9, new Map()),
      1,
      1e-9,
    );
    expect(toppedUp).toBe(2);
    expect(heldout.slice(0, 2).filter(Boolean)).toHaveLength(1);
    expect(heldout.slice(2, 4).filter(Boolean)).toHaveLength(1);
    expect(heldout[4]).toBe(0);
    const none = splitDocuments(rows, rows.length, new HeldoutPlan(1, 0, new Map()), 1, 0);
    expect([...none.heldout]).not.toContain(1);
  });
});

describe("caps", () => {
  const rows: MixRow[] = Array.from({ length: 300 }, (_, i) => ({
    id: `s/${i}`,
    source: i % 2 === 0 ? "a" : "b",
    language: i % 3 === 0 ? "deu" : "eng",
    bytes: 10 + (i % 7),
    heldout: i % 10 === 0,
  }));
  const kept = (over: Uint8Array, match: (row: MixRow) => boolean): number =>
    rows.reduce((sum, row, i) => sum + (over[i] === 1 || !match(row) ? 0 : row.bytes), 0);

  it("hold for each source, language and split, and are used up", () => {
    const over = overQuota(
      rows,
      rows.length,
      [
        { source: "a", maxBytes: 500 },
        { eachLanguage: true, maxBytes: 900 },
      ],
      3,
      0.1,
    );
    expect(kept(over, (row) => row.source === "a" && !row.heldout)).toBeLessThanOrEqual(500);
    expect(kept(over, (row) => row.source === "a" && !row.heldout)).toBeGreaterThan(480);
    for (const language of ["deu", "eng"]) {
      expect(kept(over, (row) => row.language === language && !row.heldout)).toBeLessThanOrEqual(900);
    }
    expect(kept(over, (row) => row.source === "a" && row.heldout)).toBeLessThanOrEqual(56);
    expect([...overQuota(rows, rows.length, [], 3, 0.1)]).not.toContain(1);
  });

  it("keep the same documents in whatever order they come", () => {
    const rules = [{ maxBytes: 700 }];
    const over = overQuota(rows, rows.length, rules, 3, 0.1);
    const reversed = overQuota([...rows].reverse(), rows.length, rules, 3, 0.1).reverse();
    expect(reversed).toEqual(over);
  });
});

describe("decisions about rows that are only gone through", () => {
  const row = fc.record({
    source: fc.constantFrom("a", "b"),
    language: fc.constantFrom("deu", "eng", null),
    parallelKey: fc.constantFrom("1", null, null),
    bytes: fc.integer({ min: 1, max: 50 }),
    heldout: fc.boolean(),
  });
  const table = fc
    .array(row, { maxLength: 60 })
    .map((rows) => rows.map((fields, i) => ({ ...fields, id: `s/${i}` })));

  it("split them as somebody does who holds all of them", () => {
    fc.assert(
      fc.property(table, fc.nat(5), fc.constantFrom(0, 0.02, 0.3), (rows, seed, share) => {
        const split = new HeldoutPlan(seed, share, new Map());
        const naive = rows.map((one) => split.isHeldout(one));
        let toppedUp = 0;
        for (const one of share === 0 ? [] : rows) {
          const same = (other: (typeof rows)[0]): boolean =>
            other.parallelKey === null && other.source === one.source && other.language === one.language;
          const members = rows.filter(same);
          if (one.parallelKey !== null || members.length < 2) continue;
          if (members.some((other) => naive[rows.indexOf(other)])) continue;
          members.sort((x, y) => documentDraw(seed, "split", x.id) - documentDraw(seed, "split", y.id));
          naive[rows.indexOf(members[0]!)] = true;
          toppedUp += 1;
        }
        const { heldout, ...counts } = splitDocuments(rows, rows.length, split, seed, share);
        expect([...heldout]).toEqual(naive.map(Number));
        expect(counts).toEqual({ toppedUp });
      }),
    );
  });

  it("cap them as somebody does who holds all of them", () => {
    const rule = fc.record(
      {
        source: fc.constantFrom("a", "b"),
        language: fc.constantFrom("deu", "eng"),
        eachLanguage: fc.boolean(),
        maxBytes: fc.nat(400),
      },
      { requiredKeys: ["maxBytes"] },
    );
    fc.assert(
      fc.property(table, fc.array(rule, { maxLength: 3 }), fc.nat(5), (rows, rules, seed) => {
        const share = 0.2;
        const used = new Map<string, number>();
        const over = new Set<string>();
        const order = [...rows].sort(
          (x, y) => documentDraw(seed, "mix", x.id) - documentDraw(seed, "mix", y.id),
        );
        for (const { id, source, language, bytes, heldout } of order) {
          const mine = rules.flatMap(({ maxBytes, ...on }, i) => {
            if ((on.source ?? source) !== source || (on.language ?? language) !== language) return [];
            const name = `${i} ${on.eachLanguage === true ? language : ""} ${heldout}`;
            return [{ name, limit: heldout ? (maxBytes * share) / (1 - share) : maxBytes }];
          });
          if (mine.some(({ name, limit }) => (used.get(name) ?? 0) + bytes > limit)) over.add(id);
          else for (const { name } of mine) used.set(name, (used.get(name) ?? 0) + bytes);
        }
        expect([...overQuota(rows, rows.length, rules, seed, share)]).toEqual(
          rows.map(({ id }) => Number(over.has(id))),
        );
      }),
    );
  });
});
