/** @file The parsers of `data` that read what sites, pages and people say about training. */
import { headerSignal, metaSignal, pageRefusals } from "../../src/data/optout/page-signals.ts";
import { matchesPath, parsePattern, pathOfUrl } from "../../src/data/optout/path-pattern.ts";
import { OptOutRequests } from "../../src/data/optout/requests.ts";
import { RobotsFile } from "../../src/data/optout/robots.ts";
import { AiText, TdmReservations } from "../../src/data/optout/site-files.ts";
import { Snapshot } from "../../src/data/optout/snapshot.ts";
import { refusesTraining } from "../../src/data/optout/usage-preference.ts";
import { type HostileParser, put } from "../hostile/parser.ts";

const SHA = "ab".repeat(32);
const json = (value: unknown): string => JSON.stringify(value);

const ROBOTS = `\ufeff# a comment
User-agent: GPTBot
User-agent: CCBot
Disallow: /private/*.html$
Allow: /private/open%20
Content-Usage: /a train-ai=n, search=y

User-agent: *
Disallow:
Content-Signal: ai-train=no
DisallowAITraining: /
Sitemap: https://example.org/sitemap.xml
`;
const PLACES = ["/", "/private/a.html", "/a?x=/b:c", "/%7euser/é"];

export const optOutParsers: readonly HostileParser[] = [
  {
    name: "robots.txt",
    file: "src/data/optout/robots.ts",
    samples: [ROBOTS],
    around: [
      ["", ""],
      ["User-agent: *\nDisallow: /", "$"],
      ["User-agent: *\n", ": x"],
      ["User-agent: *\nContent-Usage: ", "train-ai=n"],
      [`${"a".repeat(490_000)}\n`, ""],
    ],
    pieces: ["*a", "*", "User-agent: *\n", "Disallow: /\n", ",a=b", "%"],
    read: (bytes) => {
      const robots = new RobotsFile(bytes);
      for (const path of PLACES) {
        robots.disallowedBy("GPTBot", path);
        robots.trainingRefusedBy("GPTBot", path);
      }
    },
  },
  {
    name: "ai.txt",
    file: "src/data/optout/site-files.ts",
    samples: ["User-Agent: *\nDisallow: *.txt\nAllow: *.html\nDisallow: /\n"],
    read: (bytes) => {
      const file = new AiText(bytes.toString());
      for (const path of PLACES) file.refusedBy(path);
    },
  },
  {
    name: "tdmrep.json",
    file: "src/data/optout/site-files.ts",
    samples: [
      json([
        { location: "/a*", "tdm-reservation": 1, "tdm-policy": "https://e.org" },
        { location: "/", "tdm-reservation": "0" },
      ]),
    ],
    around: [['[{"tdm-reservation":1,"location":"/', '"}]']],
    read: (bytes) => {
      const rules = new TdmReservations(bytes.toString());
      for (const path of PLACES) rules.reservedBy(path);
    },
  },
  {
    name: "Content-Usage and Content-Signal",
    file: "src/data/optout/usage-preference.ts",
    samples: ["train-ai=n, search=y;exp=1", "ai-train=no", "train-genai=?0"],
    around: [
      ["", ""],
      ["train-ai=", ""],
    ],
    read: (bytes) => void refusesTraining(bytes.toString()),
  },
  {
    name: "X-Robots-Tag and meta elements",
    file: "src/data/optout/page-signals.ts",
    samples: [
      "x-robots-tag: GPTBot: noai, noindex",
      "meta robots: noai\ntdm-reservation: 1",
      "content-usage: train-ai=n",
    ],
    around: [
      ["x-robots-tag: ", ""],
      ["a", ":"],
      ["meta robots: a", "\u2028"],
    ],
    read: (bytes) => {
      const text = bytes.toString();
      headerSignal("X-Robots-Tag", text);
      metaSignal(text.slice(0, 100), text);
      pageRefusals(text, ["GPTBot"]);
    },
  },
  {
    name: "addresses and path patterns",
    file: "src/data/optout/path-pattern.ts",
    samples: ["https://user@Example.org:443/a/%7Eb?q=/x:y#f", "/a*b*c$"],
    around: [
      ["https://", "/a"],
      ["https://a/", ""],
      ["/*", "*$"],
    ],
    read: (bytes) => {
      const text = bytes.toString();
      const pattern = parsePattern(text);
      const place = pathOfUrl(text);
      for (const path of place === undefined ? PLACES : [place.path, ...PLACES]) matchesPath(pattern, path);
    },
  },
  {
    name: "the snapshot of sites",
    file: "src/data/optout/snapshot.ts",
    samples: [
      json({
        host: "example.org",
        date: "2026-01-31T10:00:00Z",
        robots: { status: 200, text: ROBOTS },
        tdmrep: { error: "no" },
      }),
    ],
    read: async (bytes, dir) => {
      const snapshot = await Snapshot.open(await put(dir, "sites.jsonl", bytes));
      snapshot.site("example.org");
    },
  },
  {
    name: "the list of requests",
    file: "src/data/optout/requests.ts",
    samples: [
      `${json({ id: "1", date: "2026-01-31", domain: "*.example.org" })}\n${json({ id: "2", date: "2026-01-31", urlPrefix: "https://e.org/a" })}\n`,
    ],
    read: async (bytes, dir) => {
      const requests = await OptOutRequests.read(await put(dir, "requests.jsonl", bytes));
      requests.find({ url: "https://a.example.org/b", sha256: SHA });
    },
  },
];
