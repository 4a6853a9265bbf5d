import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCards, findPhones, isLuhnRight } from "./phone-card.ts";
import { findPii, type PiiKind } from "./scrub-pii.ts";

const KINDS: readonly PiiKind[] = ["email", "ip", "iban", "phone", "card"];

/** Lines in which what is to be found stands as `{kind:…}`; the rest must not be found. */
const LINES = readFileSync(new URL("./pii-data/labelled.txt", import.meta.url), "utf8")
  .trim()
  .split("\n");

function readLine(line: string): { text: string; labels: string[] } {
  const labels: string[] = [];
  let text = "";
  let from = 0;
  for (const match of line.matchAll(/\{(email|ip|iban|phone|card):((?:[^{}])*)\}/g)) {
    text += line.slice(from, match.index);
    labels.push(`${match[1]} ${text.length} ${text.length + match[2]!.length}`);
    text += match[2]!;
    from = match.index + match[0].length;
  }
  return { text: text + line.slice(from), labels };
}

/** Right, missed and wrong finds by kind over the labelled lines. */
function score(): Map<PiiKind, { right: number; missed: string[]; wrong: string[] }> {
  const scores = new Map(
    KINDS.map((kind) => [kind, { right: 0, missed: [] as string[], wrong: [] as string[] }]),
  );
  for (const line of LINES) {
    const { text, labels } = readLine(line);
    const found = findPii(text, KINDS).map(({ kind, start, end }) => `${kind} ${start} ${end}`);
    for (const kind of KINDS) {
      const entry = scores.get(kind)!;
      const wanted = labels.filter((label) => label.startsWith(kind));
      const got = found.filter((label) => label.startsWith(kind));
      entry.right += got.filter((label) => wanted.includes(label)).length;
      entry.missed.push(
        ...wanted.filter((label) => !got.includes(label)).map((label) => `${label}: ${text}`),
      );
      entry.wrong.push(...got.filter((label) => !wanted.includes(label)).map((label) => `${label}: ${text}`));
    }
  }
  return scores;
}

describe("personal identifiers in labelled text", () => {
  it.each(["email", "ip", "iban", "card"] as const)("are all found, and nothing else is: %s", (kind) => {
    const { right, missed, wrong } = score().get(kind)!;
    expect({ missed, wrong }).toEqual({ missed: [], wrong: [] });
    expect(right).toBeGreaterThanOrEqual(5);
  });

  it("telephones are found with a precision and recall of at least nine in ten", () => {
    const { right, missed, wrong } = score().get("phone")!;
    expect(right / (right + missed.length), missed.join("\n")).toBeGreaterThanOrEqual(0.9);
    expect(right / (right + wrong.length), wrong.join("\n")).toBeGreaterThanOrEqual(0.9);
  });
});

describe("the page about data", () => {
  it("prints what is measured on the labelled lines", () => {
    const page = readFileSync(new URL("../../../docs/data.md", import.meta.url), "utf8");
    const rows = [...score()].map(([kind, { right, missed, wrong }]) => {
      const share = (of: number): string => (right / of).toFixed(2);
      return `| ${kind} | ${right + missed.length} | ${share(right + wrong.length)} | ${share(right + missed.length)} |`;
    });
    expect(page).toContain(
      ["| kind | labelled | precision | recall |", "|---|--:|--:|--:|", ...rows].join("\n"),
    );
    expect(page).toContain(`${LINES.length} labelled lines`);
  });
});

describe("card and telephone numbers", () => {
  it("know Luhn's checksum", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{8,18}$/), (digits) => {
        const right = Array.from({ length: 10 }, (_, check) => isLuhnRight(`${digits}${check}`));
        expect(right.filter(Boolean)).toHaveLength(1);
      }),
    );
  });

  it("are looked for in any text in linear time", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."0123456789+-() .tel:".split("")), maxLength: 60 }),
        (text) => {
          findCards(text);
          findPhones(text);
        },
      ),
    );
    for (const piece of ["1 ", "+1 ", "tel 1", "4111 ", "(1)", "00"]) {
      findCards(piece.repeat(50_000));
      findPhones(piece.repeat(50_000));
    }
  });
});
