import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeDocument } from "../artifacts/index.ts";
import { allowsLicence, normaliseLicence } from "./licence.ts";
import { licenceStep } from "./steps/licence.ts";

describe("names of licences", () => {
  it.each([
    ["MIT License", "MIT"],
    ["the mit licence", "MIT"],
    ["apache 2.0", "Apache-2.0"],
    ["Apache License, Version 2.0", "Apache-2.0"],
    ["cc-by-4.0", "CC-BY-4.0"],
    ["CC BY-SA 3.0", "CC-BY-SA-3.0"],
    ["Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0"],
    ["https://creativecommons.org/licenses/by/4.0/deed.de", "CC-BY-4.0"],
    ["http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"],
    ["cc0", "CC0-1.0"],
    ["odc-by", "ODC-By-1.0"],
    ["https://opendatacommons.org/licenses/by/1-0/", "ODC-By-1.0"],
    ["https://spdx.org/licenses/BSD-3-Clause.html", "BSD-3-Clause"],
    ["public domain", "LicenseRef-Public-Domain"],
    ["licenseref-Own.terms", "LicenseRef-Own.terms"],
    ["mit or apache 2.0", "MIT OR Apache-2.0"],
    ["MIT/Apache-2.0", "MIT OR Apache-2.0"],
    ["(mit and cc by 4.0) or gpl-3.0-only", "(MIT AND CC-BY-4.0) OR GPL-3.0-only"],
    ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"],
    ["unknown", "NOASSERTION"],
    ["", "NOASSERTION"],
  ])("%s is %s", (written, expected) => {
    expect(normaliseLicence(written)).toBe(expected);
  });

  it.each([
    "CC-BY",
    "GNU General Public License",
    "all rights reserved",
    "https://example.org/terms",
    "cc by 9.9",
  ])("%s stays as it is: nothing is guessed", (written) => expect(normaliseLicence(written)).toBe(written));

  it("come out of any text, the same when applied again", () => {
    const pieces = fc.constantFrom(
      "mit",
      " or ",
      "(",
      ")",
      "cc",
      "by",
      "4.0",
      "/",
      "AND",
      " with ",
      "é",
      "http://",
    );
    const text = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (written) => {
        const once = normaliseLicence(written);
        expect(normaliseLicence(once)).toBe(once);
      }),
      { numRuns: 500 },
    );
    expect(normaliseLicence("(".repeat(10_000))).toHaveLength(10_000);
    expect(allowsLicence(new Set(["MIT"]), `(${" ".repeat(300_000)}MIT`)).toBe(false);
  });
});

describe("a list of licences", () => {
  const allowed = new Set(["MIT", "CC-BY-4.0", "GPL-2.0+"]);

  it.each([
    ["MIT", true],
    ["GPL-3.0-only", false],
    ["MIT OR GPL-3.0-only", true],
    ["MIT AND GPL-3.0-only", false],
    ["MIT AND (CC-BY-4.0 OR GPL-3.0-only)", true],
    ["GPL-2.0+", true],
    ["GPL-2.0", false],
    ["MIT WITH Classpath-exception-2.0", true],
    ["NOASSERTION", false],
    ["some words", false],
  ])("allows %s: %s", (licence, expected) => expect(allowsLicence(allowed, licence)).toBe(expected));
});

describe("the licence step", () => {
  const document = (source: string, licence: string) =>
    makeDocument({ id: `${source}/f#1`, source, licence, text: "x" });
  const compilations = { web: "ODC-By-1.0", closed: "NOASSERTION" };

  it("looks at the compilation and at the content, each by its list", () => {
    const step = licenceStep({ compilation: ["odc-by"], content: ["cc by 4.0", "CC0-1.0"] }, compilations);
    expect(step.judge(document("web", "CC-BY-4.0"))).toHaveProperty("keep");
    expect(step.judge(document("web", "CC-BY-NC-4.0"))).toEqual({
      reason: "content-licence",
      detail: "CC-BY-NC-4.0",
    });
    expect(step.judge(document("closed", "CC-BY-4.0"))).toEqual({
      reason: "compilation-licence",
      detail: "NOASSERTION",
    });
    const contentOnly = licenceStep({ content: ["NOASSERTION"] }, compilations);
    expect(contentOnly.judge(document("closed", "NOASSERTION"))).toHaveProperty("keep");
  });
});
