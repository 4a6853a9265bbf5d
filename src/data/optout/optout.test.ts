import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { headerSignal, joinSignals, metaSignal, pageRefusals } from "./page-signals.ts";
import { matchesPath, parsePattern, pathOfUrl } from "./path-pattern.ts";
import {
  DEFAULT_AGENTS,
  DEFAULT_SIGNALS,
  findRefusals,
  OPTOUT_SIGNALS,
  type OptOutPolicy,
} from "./policy.ts";
import { OptOutRequests } from "./requests.ts";
import { ROBOTS_LIMIT_BYTES, RobotsFile } from "./robots.ts";
import { AiText, TdmReservations } from "./site-files.ts";
import { Snapshot } from "./snapshot.ts";
import { refusesTraining } from "./usage-preference.ts";

const mayFetch = (text: string, agent: string, path: string): boolean =>
  new RobotsFile(text).disallowedBy(agent, path) === undefined;

describe("robots.txt as RFC 9309 reads it", () => {
  const cases: [string, string, string, string, boolean][] = [
    ["an empty file allows", "", "GPTBot", "/a", true],
    ["a group for an agent", "User-agent: GPTBot\nDisallow: /", "GPTBot", "/a", false],
    ["a group for another agent", "User-agent: CCBot\nDisallow: /", "GPTBot", "/a", true],
    ["the group for everyone", "User-agent: *\nDisallow: /", "GPTBot", "/a", false],
    [
      "an own group instead of everyone's",
      "User-agent: *\nDisallow: /\n\nUser-agent: GPTBot\nAllow: /",
      "GPTBot",
      "/a",
      true,
    ],
    [
      "an own group without rules",
      "User-agent: *\nDisallow: /\nUser-agent: GPTBot\nDisallow:",
      "GPTBot",
      "/a",
      true,
    ],
    [
      "several agents share a group",
      "User-agent: CCBot\nUser-agent: GPTBot\nDisallow: /x",
      "GPTBot",
      "/x/y",
      false,
    ],
    [
      "groups of one agent merge",
      "User-agent: GPTBot\nDisallow: /a\n\nUser-agent: *\nDisallow: /c\n\nUser-agent: gptbot\nDisallow: /b",
      "GPTBot",
      "/b",
      false,
    ],
    ["names are read in any case", "user-AGENT: gPTbOT\ndisALLOW: /", "GPTBot", "/a", false],
    ["paths are not", "User-agent: *\nDisallow: /Private", "GPTBot", "/private", true],
    ["the longest match wins", "User-agent: *\nDisallow: /a\nAllow: /a/b", "GPTBot", "/a/b/c", true],
    ["whatever the order", "User-agent: *\nAllow: /a/b\nDisallow: /a", "GPTBot", "/a/c", false],
    ["allowing wins a tie", "User-agent: *\nDisallow: /page\nAllow: /page", "GPTBot", "/page", true],
    [
      "a star stands for anything",
      "User-agent: *\nDisallow: /*/private*.html",
      "GPTBot",
      "/u/private/a.html?x",
      false,
    ],
    ["a dollar for the end", "User-agent: *\nDisallow: /*.php$", "GPTBot", "/a.php?x=1", true],
    ["a dollar at the end matches", "User-agent: *\nDisallow: /*.php$", "GPTBot", "/b/a.php", false],
    ["comments are cut", "User-agent: GPTBot # theirs\nDisallow: /a # secret", "GPTBot", "/a", false],
    [
      "encoded octets equal plain ones",
      "User-agent: *\nDisallow: /foo/bar/%62%61%7A",
      "GPTBot",
      "/foo/bar/baz",
      false,
    ],
    [
      "encoded text equals plain text",
      "User-agent: *\nDisallow: /foo/bar/ツ",
      "GPTBot",
      "/foo/bar/%E3%83%84",
      false,
    ],
    [
      "an address in a query",
      "User-agent: *\nDisallow: /foo/bar?baz=https://foo.bar",
      "GPTBot",
      "/foo/bar?baz=https%3A%2F%2Ffoo.bar",
      false,
    ],
    [
      "an encoded star is a star",
      "User-agent: *\nDisallow: /path/file-with-a-%2A.html",
      "GPTBot",
      "/path/file-with-a-*.html",
      false,
    ],
    [
      "and no wildcard",
      "User-agent: *\nDisallow: /path/file-with-a-%2A.html",
      "GPTBot",
      "/path/file-with-a-b.html",
      true,
    ],
    ["a byte order mark is passed over", "\ufeffUser-agent: *\nDisallow: /", "GPTBot", "/a", false],
    ["lines may end in CR", "User-agent: *\rDisallow: /a\r\rAllow: /a/b", "GPTBot", "/a/c", false],
    ["a prefix is matched, not a name", "User-agent: *\nDisallow: /fish", "GPTBot", "/fishing", false],
    ["a token is not a prefix of another", "User-agent: GPT\nDisallow: /", "GPTBot", "/a", true],
    ["/robots.txt may always be fetched", "User-agent: *\nDisallow: /", "GPTBot", "/robots.txt", true],
    [
      "an unknown line does not end the agents",
      "User-agent: GPTBot\nCrawl-delay: 3\nUser-agent: CCBot\nDisallow: /",
      "GPTBot",
      "/a",
      false,
    ],
    ["versions are not part of a name", "User-agent: CCBot/2.0\nDisallow: /", "CCBot", "/a", false],
    ["names may hold digits", "User-agent: AI2Bot\nDisallow: /", "AI2Bot", "/a", false],
    [
      "rules before any agent belong to nobody",
      "Disallow: /\nUser-agent: CCBot\nDisallow: /x",
      "GPTBot",
      "/a",
      true,
    ],
    ["common misspellings count", "Useragent: *\nDissallow: /x", "GPTBot", "/x", false],
  ];
  it.each(cases)("%s", (_name, text, agent, path, allowed) => {
    expect(mayFetch(text, agent, path)).toBe(allowed);
  });

  it("stops at 500 KiB, at the end of a line", () => {
    const filler = `User-agent: *\n${"# filler\n".repeat(60_000)}`;
    expect(filler.length).toBeGreaterThan(ROBOTS_LIMIT_BYTES);
    const file = new RobotsFile(`${filler}Disallow: /late`);
    expect(file.truncated).toBe(true);
    expect(file.disallowedBy("GPTBot", "/late")).toBeUndefined();
    const cut = `User-agent: *\nDisallow: /early\n${" ".repeat(ROBOTS_LIMIT_BYTES - 50)}\nDisallow: /lately`;
    expect(new RobotsFile(cut).disallowedBy("GPTBot", "/early")?.line).toBe("Disallow: /early");
    expect(new RobotsFile(cut).disallowedBy("GPTBot", "/l")).toBeUndefined();
  });

  it("takes a page for a page, and not for rules", () => {
    const page = "<!DOCTYPE html><html><pre>\nUser-agent: *\nDisallow: /\n</pre></html>";
    expect(new RobotsFile(page).content).toBe("html");
    expect(mayFetch(page, "GPTBot", "/a")).toBe(true);
  });

  it("reads anything in linear time, without failing", () => {
    const line = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.constantFrom("User-agent", "Disallow", "Allow", "Content-Usage"), fc.string())
        .map((p) => p.join(":")),
    );
    fc.assert(
      fc.property(fc.array(line), fc.webPath(), (lines, path) => {
        const file = new RobotsFile(lines.join("\n"));
        file.disallowedBy("GPTBot", path);
        file.trainingRefusedBy("GPTBot", path);
      }),
      { numRuns: 500 },
    );
    const stars = new RobotsFile(`User-agent: *\nDisallow: /${"*a".repeat(2000)}$`);
    expect(stars.disallowedBy("GPTBot", `/${"a".repeat(4000)}b`)).toBeUndefined();
    expect(new RobotsFile(new Uint8Array(60_000_000).fill(0x2f)).truncated).toBe(true);
    // A line of half a megabyte before the place where the file is cut.
    const long = new RobotsFile(`User-agent: *\nDisallow: /a\n${"x".repeat(500_000)}\n${"y".repeat(50_000)}`);
    expect(long.disallowedBy("GPTBot", "/a")?.line).toBe("Disallow: /a");
    // Names that every object has are no keys.
    const constructor = new RobotsFile("User-agent: *\nconstructor: train-ai=n\n__proto__: train-ai=n");
    expect(constructor.trainingRefusedBy("GPTBot", "/")).toBeUndefined();
  });

  it("agrees with a regular expression about every pattern", () => {
    const alphabet = fc.constantFrom("a", "b", "/", "*", "$", ".");
    const pattern = fc.array(alphabet, { maxLength: 8 }).map((parts) => `/${parts.join("")}`);
    const path = fc
      .array(fc.constantFrom("a", "b", "/", "."), { maxLength: 10 })
      .map((parts) => `/${parts.join("")}`);
    fc.assert(
      fc.property(pattern, path, (rule, place) => {
        const anchored = rule.endsWith("$");
        const source = (anchored ? rule.slice(0, -1) : rule)
          .replace(/[.$]/g, (character) => (character === "$" ? "%24" : "\\."))
          .replace(/\*+/g, ".*");
        const expected = new RegExp(`^${source}${anchored ? "$" : ""}`).test(place);
        expect(matchesPath(parsePattern(rule), place)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("addresses", () => {
  it.each([
    ["https://Example.com/a/../b?q=1#f", { host: "example.com", path: "/a/../b?q=1" }],
    ["http://user:pw@example.com:80", { host: "example.com", path: "/" }],
    ["https://example.com.:8443?x", { host: "example.com.:8443", path: "/?x" }],
    ["ftp://example.com/a", undefined],
    ["not an address", undefined],
  ])("%s", (url, expected) => {
    expect(pathOfUrl(url)).toEqual(expected);
  });
});

describe("preferences about use", () => {
  it.each([
    ["train-ai=n", true],
    ["train-ai=n, search=y", true],
    ["search=n", undefined],
    ["bots=n, train-ai=y", false],
    ["search=yes, ai-train=no", true],
    ["search=yes,ai-train=yes", false],
    ["train-ai=?0;note=1", true],
    ["", undefined],
    [",,=,;", undefined],
  ])("%s", (list, expected) => {
    expect(refusesTraining(list)).toBe(expected);
  });

  it("stand in groups of robots.txt, with or without a path", () => {
    const file = new RobotsFile(
      "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /open train-ai=y\nAllow: /\n\nUser-agent: GPTBot\nContent-Signal: ai-train=no",
    );
    expect(file.trainingRefusedBy("CCBot", "/a")?.line).toBe("Content-Usage: train-ai=n");
    expect(file.trainingRefusedBy("CCBot", "/open/a")).toBeUndefined();
    expect(file.trainingRefusedBy("GPTBot", "/open/a")?.line).toBe("Content-Signal: ai-train=no");
    expect(file.disallowedBy("CCBot", "/a")).toBeUndefined();
    const draft = new RobotsFile("User-agent: *\nDisallowAITraining: /art/");
    expect(draft.trainingRefusedBy("GPTBot", "/art/1")).toBeDefined();
    expect(draft.trainingRefusedBy("GPTBot", "/news")).toBeUndefined();
  });
});

describe("other files of a site", () => {
  it("tdmrep.json reserves by the most specific location", () => {
    const tdm = new TdmReservations(
      JSON.stringify([
        { location: "/", "tdm-reservation": 1, "tdm-policy": "https://example.com/policy" },
        { location: "/free/*", "tdm-reservation": 0 },
        { nonsense: true },
      ]),
    );
    expect(tdm.reservedBy("/a")).toBe("location /, tdm-reservation 1");
    expect(tdm.reservedBy("/free/a")).toBeUndefined();
    for (const text of ["", "{", "[]", '{"location":"/"}', "[1,null]"]) {
      expect(new TdmReservations(text).reservedBy("/a")).toBeUndefined();
    }
  });

  it("ai.txt refuses by kind of file; a page without ending is a page", () => {
    const text = new AiText("User-Agent: *\nDisallow: *.html\nAllow: *.txt");
    expect(text.refusedBy("/news/today")).toBe("Disallow: *.html");
    expect(text.refusedBy("/news/?p=1")).toBe("Disallow: *.html");
    expect(text.refusedBy("/notes.txt")).toBeUndefined();
    expect(new AiText("User-Agent: *\nDisallow: *.jpg").refusedBy("/a")).toBeUndefined();
  });
});

describe("what a page says of itself", () => {
  const refused = (...lines: (string | undefined)[]): string[] =>
    pageRefusals(joinSignals(lines) ?? "", ["GPTBot", "*"]).map(({ signal }) => signal);

  it("is kept as raw lines, and only what may be about training", () => {
    expect(headerSignal("X-Robots-Tag", "noai,\n noindex")).toBe("x-robots-tag: noai, noindex");
    expect(headerSignal("Server", "x")).toBeUndefined();
    expect(metaSignal("viewport", "width=device-width")).toBeUndefined();
    expect(metaSignal("Robots", "index")).toBeUndefined();
    expect(joinSignals([undefined])).toBeNull();
  });

  it("counts when it refuses training to everybody or to a listed agent", () => {
    expect(refused(headerSignal("X-Robots-Tag", "noai, noimageai"))).toEqual(["noai"]);
    expect(refused(headerSignal("X-Robots-Tag", "noimageai"))).toEqual([]);
    expect(refused(headerSignal("X-Robots-Tag", "GPTBot: noai"))).toEqual(["noai"]);
    expect(refused(headerSignal("X-Robots-Tag", "otherbot: noai"))).toEqual([]);
    expect(refused(headerSignal("X-Robots-Tag", "max-snippet: 5, noai"))).toEqual(["noai"]);
    expect(refused(metaSignal("robots", "noai"))).toEqual(["noai"]);
    expect(refused(metaSignal("gptbot", "noai"))).toEqual(["noai"]);
    expect(refused(metaSignal("tdm-reservation", "1"))).toEqual(["tdm-reservation"]);
    expect(refused(headerSignal("TDM-Reservation", "0"))).toEqual([]);
    expect(refused(headerSignal("Content-Usage", "train-ai=n"))).toEqual(["content-usage"]);
  });
});

describe("the policy", () => {
  let dir: string;
  let policy: OptOutPolicy;
  const date = "2026-01-15T12:00:00Z";
  const ok = (text: string) => ({ status: 200, text });
  const sites = [
    { host: "open.example.com", date, robots: { status: 404, text: null } },
    {
      host: "closed.example.com",
      date,
      robots: ok("User-agent: GPTBot\nDisallow: /private\nUser-agent: *\nDisallow: /tmp"),
    },
    { host: "down.example.com", date, robots: { error: "no answer" } },
    {
      host: "tdm.example.com",
      date,
      robots: { status: 404, text: null },
      tdmrep: ok('[{"location":"/","tdm-reservation":1}]'),
      aiText: ok("User-agent: *\nDisallow: /"),
    },
  ];
  const judge = (
    url: string | null,
    more: { sha256?: string; signals?: string; policy?: OptOutPolicy } = {},
  ) =>
    findRefusals(
      { url, sha256: more.sha256 ?? "", signals: more.signals ?? null },
      more.policy ?? policy,
    ).map(({ signal }) => signal);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "firn-optout-"));
    const path = join(dir, "snapshot.jsonl");
    await writeFile(path, `${sites.map((site) => JSON.stringify(site)).join("\n")}\n`);
    const requests = new OptOutRequests([
      { id: "1", date, domain: "gone.example.org" },
      { id: "2", date, urlPrefix: "https://blog.example.org/~anna/" },
      { id: "3", date, sha256: "a".repeat(64) },
    ]);
    const snapshot = await Snapshot.open(path);
    policy = { agents: DEFAULT_AGENTS, signals: DEFAULT_SIGNALS, snapshot, requests };
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it("looks at the address, not at the site as a whole", () => {
    expect(judge("https://closed.example.com/private/1")).toEqual(["robots"]);
    expect(judge("https://closed.example.com/public")).toEqual([]);
    expect(judge("https://closed.example.com/tmp/1")).toEqual(["robots-everyone"]);
    expect(judge("https://open.example.com/private")).toEqual([]);
    expect(judge("https://unknown.example.com/private")).toEqual([]);
    expect(judge(null)).toEqual([]);
  });

  it("names the agents, the line, the file and the date", () => {
    const [refusal] = findRefusals(
      { url: "http://closed.example.com/private", sha256: "", signals: null },
      policy,
    );
    expect(refusal).toEqual({
      signal: "robots",
      agents: ["GPTBot"],
      evidence: `Disallow: /private (robots.txt of closed.example.com, ${date})`,
    });
    const [everyone] = findRefusals(
      { url: "http://closed.example.com/tmp/", sha256: "", signals: null },
      policy,
    );
    expect(everyone!.agents).toEqual(DEFAULT_AGENTS.filter((agent) => agent !== "GPTBot"));
  });

  it("takes silence for consent, unless told otherwise", () => {
    expect(judge("https://down.example.com/a")).toEqual([]);
    expect(judge("https://down.example.com/a", { policy: { ...policy, signals: OPTOUT_SIGNALS } })).toEqual([
      "unreachable",
    ]);
  });

  it("puts requests first, and lets a page outrank the file of its site", () => {
    expect(judge("https://tdm.example.com/a")).toEqual(["tdm-reservation", "ai-txt"]);
    expect(judge("https://tdm.example.com/a", { signals: "tdm-reservation: 0" })).toEqual(["ai-txt"]);
    expect(judge("https://a.gone.example.org/x")).toEqual(["request"]);
    expect(judge("https://notgone.example.org/x")).toEqual([]);
    expect(judge("http://blog.example.org/%7Eanna/1")).toEqual(["request"]);
    expect(judge("http://blog.example.org/~berta/1")).toEqual([]);
    expect(judge("https://tdm.example.com/a", { sha256: "a".repeat(64) })[0]).toBe("request");
    expect(judge("https://a.gone.example.org/x", { policy: { ...policy, signals: [] } })).toEqual([
      "request",
    ]);
  });

  it("refuses a snapshot or a list of requests that it cannot read, naming the line", async () => {
    const path = join(dir, "broken.jsonl");
    await writeFile(path, `${JSON.stringify(sites[0])}\n{"host":"x"}\n`);
    await expect(Snapshot.open(path)).rejects.toMatchObject({
      code: "DATA_OPTOUT_SNAPSHOT",
      parts: { where: `${path}:2` },
    });
    await writeFile(path, '{"id":"1","date":"2026","domain":"example.com"}\n{"id":"2","date":"2026"}\n');
    await expect(OptOutRequests.read(path)).rejects.toMatchObject({
      code: "DATA_OPTOUT_REQUESTS",
      parts: { where: `${path}:2` },
    });
  });
});
