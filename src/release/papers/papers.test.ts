import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FACTS, fact, FULL_PROVIDER, inputOf, RELEASE, withProvider } from "./example.test-facts.ts";
import { readFacts, type ReleaseFact } from "./facts.ts";
import { cycloneDx } from "./bill-of-materials.ts";
import { gapList } from "./gaps.ts";
import { modelCard } from "./model-card.ts";
import { fieldsOf, openQuestions } from "./paper.ts";
import type { PaperInput } from "./paper-input.ts";
import type { ProviderProfile } from "./provider.ts";
import { publicSummary } from "./public-summary.ts";
import { paperJson, renderHtml } from "./render-html.ts";
import { renderMarkdown, renderSections } from "./render-markdown.ts";
import { releasePapers } from "./write-papers.ts";

const PROVIDER: ProviderProfile = {
  name: "Example Laboratory",
  contact: "lab@example.org",
  illegalContent: "A list.",
};

const summaryOf = (facts: readonly ReleaseFact[], provider: ProviderProfile = PROVIDER): string =>
  renderMarkdown(publicSummary(readFacts(withProvider(facts, provider)), RELEASE));
const cardOf = (facts: readonly ReleaseFact[], provider: ProviderProfile = PROVIDER): string => {
  const input = inputOf(withProvider(facts, provider));
  return modelCard({ ...input, papers: releasePapers(input) });
};
const short = (kind: string): string => FACTS.find((item) => item.kind === kind)!.id.slice(0, 12);

describe("the public summary", () => {
  it("has the template's headings and labels in their order", () => {
    const text = summaryOf(FACTS);
    const order = [
      "# Public Summary of Training Content",
      "**Version of the Summary:**",
      "**Last update:** 23/11/26 (2026-11-23)",
      "## 1. General information",
      "### 1.1. Provider identification",
      "**Provider name and contact details:**",
      "### 1.2. Model identification",
      "### 1.3 Modalities, overall training data size and other characteristics",
      "☒ Less than 1 billion tokens",
      "## 2. List of data sources",
      "### 2.1. Publicly available datasets",
      "### 2.2 Private non-publicly available datasets obtained from third parties",
      "#### 2.2.1. Datasets commercially licensed by rightsholders or their representatives",
      "### 2.3 Data crawled and scraped from online sources",
      "### 2.4 User data",
      "### 2.5 Synthetic data",
      "### 2.6 Other sources of data",
      "## 3. Data processing aspects",
      "### 3.1. Respect of reservation of rights from text and data mining exception or limitation",
      "### 3.2. Removal of illegal content",
      "### 3.3. Other information (optional)",
      "## Open questions",
    ];
    let from = 0;
    for (const piece of order) {
      const at = text.indexOf(piece, from);
      expect(at, piece).toBeGreaterThanOrEqual(from);
      from = at;
    }
  });

  it("cites the fact behind every figure", () => {
    const text = summaryOf(FACTS);
    expect(text).toMatch(new RegExp(`Exactly 2,000 tokens.*fact:${short("tokenize")}`));
    expect(text).toMatch(new RegExp(`Latest date[^]{0,80}05/2024[^\\n]*fact:${short("source")}`));
    expect(text).toContain("not continuously trained");
    expect(text).toMatch(/documents changed: 3.*fact:/);
    expect(text).toMatch(/German 50\.0 %/);
  });

  it("says which reservations were honoured, by whom refused, and on what the decisions rest", () => {
    const facts = [
      ...FACTS,
      fact("optout", {
        agents: ["GPTBot", "*"],
        signals: ["robots", "tdm-reservation"],
        snapshot: { sha256: "e".repeat(64), hosts: 1234, period: { from: "2026-10-01", to: "2026-10-03" } },
        requests: { sha256: "f".repeat(64), count: 2 },
      }),
      fact("step", {
        step: "opt-out",
        in: { documents: 30, bytes: 9000 },
        out: { documents: 25, bytes: 8000 },
        reasons: { robots: 4, request: 1 },
        marks: {
          "agent GPTBot": { documents: 4, bytes: 900 },
          "signal robots": { documents: 4, bytes: 900 },
        },
      }),
    ];
    const text = summaryOf(facts);
    expect(text).toContain("1,234 sites said, fetched from 2026-10-01 to 2026-10-03");
    expect(text).toContain("kept 25 of 30 documents; dropped: robots 4, request 1");
    expect(text).toMatch(/agent GPTBot 4, signal robots 4/);
    expect(text).toMatch(/Requests of rights holders and persons that were honoured: 2/);
  });

  it("counts Standard Estonian and Latvian among the Union's languages", () => {
    const size = { documents: 1, bytes: 10, tokens: 5 };
    const facts = FACTS.map((one) =>
      one.kind === "tokenize"
        ? fact("tokenize", {
            splits: { train: { ...size, languages: { ekk: size, lvs_Latn: size }, sources: { udhr: size } } },
          })
        : one,
    );
    const text = summaryOf(facts);
    expect(text).toMatch(/Official languages of the European Union: Estonian 100.0 %, Latvian 100.0 %\./);
    expect(text).not.toMatch(/without recorded training data: [^\n]*(Estonian|Latvian)/);
    expect(cardOf(facts)).toContain('language:\n  - "et"\n  - "lv"\n');
  });

  it("counts the conversations of fine-tuning in the size, or says that it does not know them", () => {
    const made = fact("conversations", { train: 300, heldout: 9, licence: "CC0-1.0", madeBy: "templates" });
    const tuned = [...FACTS, fact("finetune", { steps: 1 }), made];
    expect(summaryOf(tuned)).toContain("not recorded: size of the conversations for fine-tuning in tokens");
    const counted = [...tuned, fact("finetune-data", { conversations: 300, tokens: 2_000_000_000 })];
    expect(summaryOf(counted)).toContain("☒ 1 billion to 10 trillions tokens");
    expect(summaryOf(counted)).toContain("300 conversations for fine-tuning: 2,000,000,000 tokens");
  });

  it("takes the month in which a copy was made for the latest date, not that of its content", () => {
    const facts = FACTS.map((one) =>
      one.kind === "source"
        ? fact("source", { ...(one.data as object), acquired: { from: "2025-09", to: "2025-10" } })
        : one,
    );
    expect(summaryOf(facts)).toMatch(/Latest date[^]{0,80}10\/2025/);
  });

  it("says what of a data set nobody recorded, apart from what is known", () => {
    const bare = [fact("source", { id: "udhr", category: "public-dataset" }), ...FACTS.slice(2)];
    const open = openQuestions(publicSummary(readFacts(bare), RELEASE).sections).map(({ gap }) => gap);
    for (const what of ["version", "licence"]) expect(open).toContain(`not recorded: ${what} of udhr`);
    expect(summaryOf(bare)).not.toMatch(/licence not recorded|revision not recorded/);
  });

  it("names no dependency it does not know: weights that went on from another model's are an open question", () => {
    const facts = [
      ...FACTS.filter(({ kind }) => kind !== "initialise"),
      fact("start-from", { parameters: 1234, sha256: ["d".repeat(64)] }),
      { ...fact("train", { steps: 5, tokens: 100, flops: 1e6 }), fingerprint: "e".repeat(64) },
    ];
    const text = summaryOf(facts);
    expect(text).toMatch(/Model dependencies:\*\* \*\*not recorded: the name of the model whose weights/);
    expect(text).not.toContain("drawn at random");
    const card = cardOf(facts);
    expect(card).toContain("Pre-training, part 1: 10 steps");
    expect(card).toContain("Pre-training, part 2: 5 steps");
  });

  it("lists by name the public datasets above three per cent", () => {
    const text = summaryOf(FACTS);
    const large = text.slice(text.indexOf("List of large"), text.indexOf("General description of other"));
    expect(large).toContain("Universal Declaration");
    expect(large).not.toContain("books");
    expect(text).toContain("Old \\<b\\>books\\</b\\> \\| more");
  });

  it("says No only when every training source is on record", () => {
    expect(summaryOf(FACTS)).toMatch(/Were crawlers used[^\n]*☐ Yes ☒ No/);
    for (const missing of ["tokenize", "source"]) {
      const text = summaryOf(FACTS.filter(({ kind }) => kind !== missing));
      expect(text).not.toContain("☒ No");
      expect(text).toMatch(/Were crawlers used[^\n]*☐ Yes ☐ No — not recorded/);
    }
    const finetuned = [...FACTS, fact("finetune", { steps: 1 })];
    expect(summaryOf(finetuned)).not.toContain("☒ No");
    const explained = [
      ...finetuned,
      fact("conversations", { train: 300, licence: "CC0-1.0", madeBy: "templates" }),
    ];
    expect(summaryOf(explained)).toMatch(/other than those described[^\n]*☒ Yes/);
    expect(summaryOf(explained)).toMatch(/Was synthetic AI-generated data[^\n]*☒ No/);
    const distilled = [...finetuned, fact("conversations", { train: 300, madeBy: "some-model" })];
    expect(summaryOf(distilled)).toMatch(/Was synthetic AI-generated data[^\n]*☒ Yes/);
  });

  it("prints gaps where neither ledger nor provider answers, and collects them", () => {
    const { sections } = publicSummary(readFacts([]), RELEASE);
    const open = openQuestions(sections);
    expect(open.length).toBeGreaterThan(20);
    expect(open.map(({ label }) => label)).toContain("Date of placement of the model on the Union market:");
    expect(renderSections(sections, 2)).not.toMatch(/☒ (Yes|No)/);
    const signed = summaryOf(FACTS, { ...PROVIDER, codeOfPractice: false, placementDate: "2026-12-01" });
    expect(signed).toMatch(/Are you a Signatory[^\n]*☐ Yes ☒ No/);
    expect(signed).toContain("01/12/26 (2026-12-01)");
  });
});

describe("the papers", () => {
  it("never claim compliance and survive facts of any shape", () => {
    const anyFact = fc.record({
      id: fc.stringMatching(/^[0-9a-f]{64}$/),
      kind: fc.constantFrom(
        "source",
        "step",
        "tokenize",
        "train",
        "finetune",
        "evaluate",
        "freeze",
        "conversations",
        "provider",
        "compute",
        "domains",
        "optout",
      ),
      stage: fc.string(),
      fingerprint: fc.string(),
      data: fc.oneof(
        fc.jsonValue(),
        fc
          .constantFrom(...FACTS.map(({ data }) => data))
          .chain((data) =>
            fc
              .constantFrom(...Object.keys(data as object))
              .chain((key) => fc.jsonValue().map((value) => ({ ...(data as object), [key]: value }))),
          ),
      ),
    });
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 8 }), (facts) => {
        const list = facts as unknown as ReleaseFact[];
        const input = inputOf(list);
        const pages = releasePapers(input).flatMap((paper) => [renderMarkdown(paper), renderHtml(paper)]);
        for (const page of [...pages, cardOf(list)]) {
          expect(page).not.toMatch(/\bcomplian|undefined|\bNaN\b|\[object/i);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("print a card with front matter, figures and the link under its title", () => {
    const card = cardOf(FACTS);
    expect(card.startsWith('---\nlanguage:\n  - "de"\n  - "roh"\nlicense: "apache-2.0"\n')).toBe(true);
    expect(card).toContain("value: 1.9000");
    expect(card).toMatch(new RegExp(`Pre-training: 10 steps, 4,000 tokens.*fact:${short("train")}`));
    expect(card).toContain("indicatively not a general-purpose AI model");
    expect(card).toContain("dropped: short 4");
    expect(card).toContain("[Public Summary of Training Content](legal/");
    expect(card).toContain("**not recorded: intended use**");
  });

  it("print how much of repeated probes was recited, where it was measured, and else that it was not", () => {
    const row = {
      kind: "canaries",
      prefixes: "same",
      prefixTokens: null,
      repetitions: 64,
      timesRead: 128.4,
      probes: 12,
    };
    const measured = { ...row, rougeL: 0.91, lccs: 0.9, exact: 0.75, exposure: 8 };
    const facts = FACTS.map((item) =>
      item.kind === "evaluate"
        ? fact("evaluate", {
            ...(item.data as object),
            memorisation: {
              probes: 12,
              goldfish: 50,
              texts: [],
              canaries: [measured, { repetitions: "no" }],
            },
          })
        : item,
    );
    const id = facts.find(({ kind }) => kind === "evaluate")!.id.slice(0, 12);
    const sentence = `Memorisation measured on 12 probes; of those read 64 times in a pass at most 75.0 % were recited to the last token`;
    expect(cardOf(facts)).toContain(sentence);
    expect(cardOf(facts)).toContain(
      "| canaries, same words before | half | 64 | 128.4 | 12 | 0.910 | 0.900 | 75.0 % | 8.00 |",
    );
    expect(JSON.stringify(cycloneDx(inputOf(withProvider(facts, PROVIDER))))).toContain(
      "same words before, half given, 64 times in a pass",
    );
    const papers = releasePapers(inputOf(withProvider(facts, PROVIDER)));
    for (const title of ["Annex XI: technical documentation", "Copyright policy"]) {
      const paper = papers.find((one) => one.title === title);
      expect(renderMarkdown(paper!), title).toMatch(new RegExp(`${sentence}.*fact:${id}`));
    }
    expect(cardOf(FACTS)).toContain("not recorded: memorisation of probes");
  });

  it("have no open question in the summary once the form is filled in and the facts are there", () => {
    const input = inputOf(withProvider(FACTS, FULL_PROVIDER));
    const [summary] = releasePapers(input);
    expect(openQuestions(summary!.sections)).toEqual([]);
    for (const { field } of fieldsOf(summary!.sections)) {
      expect(field.answer.length, field.label).toBeGreaterThan(0);
      for (const { text, basis, facts } of field.answer) {
        if (/\d/.test(text) && basis === "fact") expect(facts, text).not.toEqual([]);
        if (/☒ (Yes|No)/.test(text)) expect(facts, text).not.toEqual([]);
      }
    }
  });

  it("rest every figure and every yes or no on a fact that is printed beside it", () => {
    const facts = withProvider(FACTS, FULL_PROVIDER);
    const known = new Set(facts.map(({ id }) => id.slice(0, 12)));
    for (const paper of releasePapers(inputOf(facts))) {
      for (const { field } of fieldsOf(paper.sections)) {
        for (const statement of field.answer) {
          for (const id of statement.facts) expect(known).toContain(id);
          if (statement.basis === "fact" || statement.answer !== undefined)
            expect(statement.facts, statement.text).not.toEqual([]);
        }
      }
    }
  });

  it("print without a fact only words that are the same for every model", () => {
    const facts = withProvider(FACTS, FULL_PROVIDER);
    const input = inputOf(facts);
    const bare = (from: PaperInput): string[] =>
      releasePapers(from)
        .flatMap(({ sections }) => fieldsOf(sections))
        .flatMap(({ field }) => field.answer)
        .filter(
          ({ basis, facts: cited, text }) => basis === "release" && cited.length === 0 && /\d/.test(text),
        )
        .map(({ text }) => text);
    const other = {
      ...input,
      release: { name: "other-2", version: "2.0.9", date: "2027-01-31" },
      config: {
        ...input.config,
        layers: 7,
        hiddenSize: 96,
        heads: 6,
        kvHeads: 3,
        headDim: 17,
        ffnSize: 99,
        vocabSize: 77,
        contextLength: 512,
        ropeTheta: 4321,
      },
      parameters: 98_765_432_109,
      licence: "MIT",
      ggufFiles: ["other-2-f32.gguf"],
      weightFiles: [{ path: "model.safetensors", bytes: 9, sha256: "9".repeat(64) }],
    };
    expect(bare(input).length).toBeGreaterThan(3);
    expect(bare(other)).toEqual(bare(input));
  });

  it("are the same answers as Markdown, JSON and HTML, and carry no script or style of strangers", () => {
    for (const paper of releasePapers(inputOf(withProvider(FACTS, FULL_PROVIDER)))) {
      const html = renderHtml(paper);
      const json = JSON.stringify(paperJson(paper));
      expect(renderMarkdown(paper)).toContain(`# ${paper.title.replace(/([()])/g, "$1")}`);
      expect(json).toContain(paper.title);
      expect(html).toContain(`<h1>${paper.title}</h1>`);
      expect(html).not.toMatch(/<script|<b>books|javascript:/);
    }
  });

  it("count every gap once in the list of gaps, with the papers it stands in", () => {
    const papers = releasePapers(inputOf([]));
    const { sections } = gapList(papers);
    const listed = fieldsOf(sections).map(({ field }) => field.label);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed).toContain("date of placement:");
    const labels = (index: number): string[] =>
      sections[index]!.blocks.map((block) => (block.kind === "field" ? block.label : ""));
    expect(labels(1)).toContain("training compute:");
    expect(labels(0)).toContain("measures against illegal content and unsuitable sources:");
    expect(renderMarkdown(gapList(papers))).not.toContain("Open questions");
  });
});
