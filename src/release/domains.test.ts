import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { domainList, domainTotals, listedDomains, PUBLIC_SUFFIX_LIST } from "./domains.ts";

const host = (name: string, bytes: number) => ({ host: name, documents: 1, bytes, tokens: bytes / 4 });

describe("the list of domain names", () => {
  it("adds hosts up by what somebody can own, by the public suffix list", () => {
    const totals = domainTotals([
      host("www.example.co.uk", 10),
      host("example.co.uk", 5),
      host("alice.github.io", 7),
      host("bob.github.io", 8),
      host("192.0.2.1", 3),
    ]);
    expect(totals.map(({ domain, bytes }) => [domain, bytes])).toEqual([
      ["example.co.uk", 15],
      ["bob.github.io", 8],
      ["alice.github.io", 7],
      ["192.0.2.1", 3],
    ]);
  });

  it("holds the largest tenth, or for small enterprises a twentieth and at most a thousand", () => {
    expect([0, 1, 10, 11, 95].map((count) => listedDomains(count, false))).toEqual([0, 1, 1, 2, 10]);
    expect([1, 40, 20_000, 50_000].map((count) => listedDomains(count, true))).toEqual([1, 2, 1000, 1000]);
    const hosts = Array.from({ length: 30 }, (_, i) => host(`site${i}.com`, 1000 - i));
    const { csv, fact } = domainList(hosts, false);
    expect(csv.trimEnd().split("\n")).toEqual([
      "rank,domain,bytes,documents,tokens,modality",
      "1,site0.com,1000,1,250,text",
      "2,site1.com,999,1,249.75,text",
      "3,site2.com,998,1,249.5,text",
    ]);
    expect(fact).toMatchObject({ domains: 30, listed: 3 });
  });

  it("names the version of the public suffix list that is installed", async () => {
    const path = new URL("../../node_modules/tldts/package.json", import.meta.url);
    const { version } = JSON.parse(await readFile(path, "utf8")) as { version: string };
    expect(PUBLIC_SUFFIX_LIST).toContain(`tldts ${version}`);
  });
});
