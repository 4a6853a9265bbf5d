/**
 * @file The main text of a web page: the page as a sequence of blocks (paragraphs, headings, list items), from which
 * navigation, forms and other furniture are left out, first by what the markup says they are, then by length and share of
 * links of a block and its neighbours (Kohlschütter, Fankhauser & Nejdl, Boilerplate Detection using Shallow Text
 * Features, WSDM 2010, decision tree of table 4 in words). One pass, linear in the page, no document tree.
 */
import { Parser } from "htmlparser2";
import { metaSignal } from "../optout/page-signals.ts";

/** Pages are read to here. */
const MAX_PAGE_CHARACTERS = 8_000_000;
const MAX_BLOCKS = 100_000;
/** No page nests as deeply as this; browsers stop at 512. The parser's cost grows with the depth. */
const MAX_DEPTH = 2000;
const SLICE_CHARACTERS = 1 << 14;

/** Elements whose content is not text of the page. */
const UNSEEN = new Set(
  "script style noscript template svg math iframe object embed canvas audio video map head".split(" "),
);
/** Elements whose text is furniture. */
const FURNITURE = new Set("nav footer aside form button select textarea label menu dialog".split(" "));
const FURNITURE_ROLES =
  /^(navigation|banner|contentinfo|complementary|search|menu|menubar|dialog|alert|toolbar)$/i;
const FURNITURE_NAMES =
  /(^|[\s_-])(nav|navbar|menu|sidebar|side|footer|breadcrumbs?|cookies?|consent|banner|advert(isement)?|ads?|promo|share|sharing|social|related|recommend(ed|ations)?|comments?|pagination|pager|newsletter|subscribe|popup|modal|masthead|toolbar|widget|skip-?link)([\s_-]|$)/i;
const CONTENT_NAMES = /(^|[\s_-])(article|content|main|post|entry|story|body|text)([\s_-]|$)/i;
const MAIN = new Set(["main", "article"]);
/** Elements that begin and end a block. */
const BLOCKS = new Set(
  "p div section article main h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table tr pre blockquote figure figcaption header footer nav aside form fieldset hr address details summary center body html td th caption tbody thead".split(
    " ",
  ),
);
/** Elements without content, which never close. */
const VOID = new Set("area base br col embed hr img input link meta param source track wbr".split(" "));

interface Block {
  text: string;
  /** Characters inside links. */
  linked: number;
  readonly heading: boolean;
  readonly item: boolean;
  readonly inMain: boolean;
}

interface Open {
  readonly name: string;
  readonly unseen: boolean;
  readonly furniture: boolean;
}

/** What a page holds. */
export interface MainText {
  readonly text: string;
  readonly title: string | undefined;
  /** Raw lines of `<meta>` elements about training. */
  readonly signals: readonly string[];
}

function isFurniture(name: string, attributes: Readonly<Record<string, string>>): boolean {
  if (FURNITURE.has(name)) return true;
  if (FURNITURE_ROLES.test(attributes["role"] ?? "")) return true;
  if (name === "body" || name === "html" || MAIN.has(name)) return false;
  const names = `${attributes["class"] ?? ""} ${attributes["id"] ?? ""}`.slice(0, 400);
  return FURNITURE_NAMES.test(names) && !CONTENT_NAMES.test(names);
}

function isHidden(attributes: Readonly<Record<string, string>>): boolean {
  return (
    "hidden" in attributes ||
    attributes["aria-hidden"] === "true" ||
    /display\s*:\s*none|visibility\s*:\s*hidden/i.test(attributes["style"]?.slice(0, 400) ?? "")
  );
}

/** Turns the events of the parser into blocks. */
class BlockBuilder {
  readonly blocks: Block[] = [];
  readonly signals: string[] = [];
  title = "";
  readonly #open: Open[] = [];
  #unseen = 0;
  #furniture = 0;
  #main = 0;
  #links = 0;
  #preformatted = 0;
  #inTitle = false;
  #text = "";
  #linked = 0;

  get depth(): number {
    return this.#open.length;
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === "meta") {
      const signal = metaSignal(attributes["name"] ?? "", attributes["content"] ?? "");
      if (signal !== undefined && this.signals.length < 50) this.signals.push(signal);
    }
    if (name === "br") this.#text += "\n";
    if (name === "title") this.#inTitle = true;
    if (VOID.has(name)) {
      if (name === "hr") this.#end(name);
      return;
    }
    if (BLOCKS.has(name)) this.#end(name);
    const unseen = UNSEEN.has(name) || isHidden(attributes);
    const furniture = isFurniture(name, attributes);
    this.#open.push({ name, unseen, furniture });
    this.#count(name, unseen, furniture, 1);
  }

  close(name: string): void {
    if (name === "title") this.#inTitle = false;
    if (VOID.has(name)) return;
    if (BLOCKS.has(name)) this.#end(name);
    const last = this.#open.pop();
    if (last !== undefined) this.#count(last.name, last.unseen, last.furniture, -1);
  }

  #count(name: string, unseen: boolean, furniture: boolean, by: number): void {
    if (unseen) this.#unseen += by;
    if (furniture) this.#furniture += by;
    if (MAIN.has(name)) this.#main += by;
    if (name === "a") this.#links += by;
    if (name === "pre") this.#preformatted += by;
  }

  text(data: string): void {
    if (this.#inTitle && this.title.length < 1000) this.title += data;
    if (this.#unseen > 0 || this.#furniture > 0) return;
    const text = this.#preformatted > 0 ? data : data.replace(/\s+/g, " ");
    this.#text += text;
    if (this.#links > 0) this.#linked += text.trim().length;
  }

  #end(name: string): void {
    const text = this.#text
      .split("\n")
      .map((line) => (this.#preformatted > 0 ? line.trimEnd() : line.trim()))
      .join("\n")
      .trimEnd()
      .replace(/^\n+/, "");
    const inside = this.#open.at(-1)?.name ?? name;
    if (/[\p{L}\p{N}]/u.test(text) && this.blocks.length < MAX_BLOCKS) {
      this.blocks.push({
        text,
        linked: this.#linked,
        heading: /^h[1-6]$/.test(inside),
        item: inside === "li" || inside === "tr" || inside === "td" || inside === "th" || inside === "dd",
        inMain: this.#main > 0,
      });
    }
    this.#text = "";
    this.#linked = 0;
  }

  finish(): void {
    this.#end("html");
  }
}

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/gu;
/** Characters of a script without spaces that say as much as one word. */
const CHARACTERS_PER_WORD = 2;

function countWords(text: string): number {
  const alone = text.match(UNSPACED)?.length ?? 0;
  const spaced = text.match(/[\p{L}\p{M}\p{N}]+/gu)?.length ?? 0;
  return alone > spaced ? alone / CHARACTERS_PER_WORD : spaced;
}

interface Measured {
  readonly words: number;
  readonly linkShare: number;
}

const NOTHING: Measured = { words: 0, linkShare: 0 };

/** The paper's decision tree over a block and its neighbours. */
function isContent(previous: Measured, current: Measured, next: Measured): boolean {
  if (current.linkShare > 0.333333) return false;
  if (previous.linkShare > 0.555556) return current.words > 40 || next.words > 17;
  if (current.words > 16) return true;
  return next.words > 15 || previous.words > 4;
}

/** Blocks that stay. A heading stays with what follows it. */
function chooseBlocks(blocks: readonly Block[]): Block[] {
  const measured = blocks.map(({ text, linked }) => ({
    words: countWords(text),
    linkShare: Math.min(1, linked / Math.max(1, text.length)),
  }));
  const stays = blocks.map((block, i) =>
    block.heading ? false : isContent(measured[i - 1] ?? NOTHING, measured[i]!, measured[i + 1] ?? NOTHING),
  );
  for (let i = blocks.length - 2; i >= 0; i--) if (blocks[i]!.heading) stays[i] = stays[i + 1]!;
  return blocks.filter((_, i) => stays[i]);
}

const lengthOf = (blocks: readonly Block[]): number => blocks.reduce((sum, { text }) => sum + text.length, 0);

/** Where a page marks its main part, and that part holds most of the text, the rest is left out. */
function withinMain(blocks: readonly Block[]): readonly Block[] {
  const main = blocks.filter(({ inMain }) => inMain);
  return lengthOf(main) * 2 > lengthOf(blocks) ? main : blocks;
}

/** Reads a page. Its text has paragraphs parted by blank lines, items of lists and tables by line feeds. */
export function extractMainText(html: string): MainText {
  const builder = new BlockBuilder();
  const parser = new Parser(
    {
      onopentag: (name, attributes) => builder.open(name, attributes),
      onclosetag: (name) => builder.close(name),
      ontext: (data) => builder.text(data),
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  const end = Math.min(html.length, MAX_PAGE_CHARACTERS);
  for (let at = 0; at < end && builder.depth < MAX_DEPTH; at += SLICE_CHARACTERS) {
    parser.write(html.slice(at, Math.min(end, at + SLICE_CHARACTERS)));
  }
  parser.end();
  builder.finish();
  const chosen = chooseBlocks(withinMain(builder.blocks));
  let text = "";
  for (const [i, block] of chosen.entries()) {
    const tight = block.item && chosen[i - 1]?.item === true;
    text += `${i === 0 ? "" : tight ? "\n" : "\n\n"}${block.text}`;
  }
  const title = builder.title.replace(/\s+/g, " ").trim();
  return { text, title: title === "" ? undefined : title, signals: builder.signals };
}
