/**
 * @file The text of a manual page in roff with the man(7) or mdoc(7) macros: headings, paragraphs and examples as they are
 * read, without fonts, tables of macros or comments. Not a typesetter: registers, conditionals and tbl are passed over.
 */

/** Named characters of roff that manual pages use. */
const CHARACTERS: Readonly<Record<string, string>> = {
  aq: "'",
  dq: '"',
  oq: "‘",
  cq: "’",
  lq: "“",
  rq: "”",
  Fo: "«",
  Fc: "»",
  Bq: "„",
  bq: "‚",
  em: "—",
  en: "–",
  hy: "‐",
  bu: "•",
  co: "©",
  rg: "®",
  tm: "™",
  de: "°",
  mu: "×",
  "+-": "±",
  "->": "→",
  "<-": "←",
  ha: "^",
  ti: "~",
  rs: "\\",
  at: "@",
  sh: "#",
  sl: "/",
  ba: "|",
  lB: "[",
  rB: "]",
  lC: "{",
  rC: "}",
  "<=": "≤",
  ">=": "≥",
  "'a": "á",
  "'e": "é",
  "'i": "í",
  "'o": "ó",
  "'u": "ú",
  "`a": "à",
  "`e": "è",
  "`i": "ì",
  "`o": "ò",
  "`u": "ù",
  ":a": "ä",
  ":e": "ë",
  ":i": "ï",
  ":o": "ö",
  ":u": "ü",
  ":A": "Ä",
  ":O": "Ö",
  ":U": "Ü",
  ss: "ß",
  ",c": "ç",
  "~n": "ñ",
};

function escapeText(_match: string, name: string | undefined, one: string | undefined): string {
  const key = name ?? one;
  if (key === undefined) return "";
  const code = /^u([0-9A-Fa-f]{4,6})$/.exec(key)?.[1];
  if (code !== undefined) {
    const point = Number.parseInt(code, 16);
    return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) ? String.fromCodePoint(point) : "";
  }
  return Object.hasOwn(CHARACTERS, key) ? CHARACTERS[key]! : "";
}

/** Undoes the escapes of a line of text. */
function plain(line: string): string {
  return line
    .replace(/\\"[^]*$/, "")
    .replace(/\\\[([^\]]{1,30})\]|\\\((..)/g, escapeText)
    .replace(/\\[fF](?:\[[^\]]{0,80}\]|\(..|.)|\\s[-+]?\d{1,2}|\\[kmM*nY](?:\[[^\]]{0,80}\]|\(..|.)/g, "")
    .replace(/\\[hvwCDLlNoSXZ]'[^']*'/g, "")
    .replace(/\\[&)%:|^/,!]|\\[cdu]|\\$/g, "")
    .replace(/\\-/g, "-")
    .replace(/\\[0~ ]|\\t/g, " ")
    .replace(/\\e|\\\\/g, "\\")
    .replace(/\\(['`.])/g, "$1");
}

/** The text in double quotes that begins at `at`, in which `""` is a quote, and where it ends. */
function quotedArgument(text: string, at: number): { argument: string; end: number } {
  let argument = "";
  for (let from = at + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return { argument: argument + text.slice(from), end: text.length };
    argument += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { argument, end: quote + 1 };
    argument += '"';
    from = quote + 2;
  }
}

/** The arguments of a macro: words, or what stands in double quotes. */
function macroArguments(text: string): string[] {
  const found: string[] = [];
  const word = /\S+/g;
  for (let match = word.exec(text); match !== null; match = word.exec(text)) {
    if (match[0].startsWith('"')) {
      const { argument, end } = quotedArgument(text, match.index);
      found.push(plain(argument));
      word.lastIndex = end;
    } else found.push(plain(match[0]));
  }
  return found;
}

const ALTERNATING = /^(?:BR|RB|BI|IB|IR|RI)$/;
const FONT = /^(?:B|I|SM|SB|Em|Sy|Li|Nm|Ar|Cm|Pa|Va|Ev|Fn|Ic|Dv|Er|Ql|Dq|Sq|Xr|Nd|St|An|Ox|Fx|Nx|Bx|Ux)$/;
const PARAGRAPH = /^(?:PP|P|LP|HP|Pp|sp|RS|RE|Bl|El|Bd|Ed|EE|EX)$/;
const HEADING = /^(?:SH|SS|Sh|Ss)$/;

/** Collects lines into paragraphs. */
class Page {
  readonly #blocks: string[] = [];
  #lines: string[] = [];
  #filled = true;
  #label = false;

  end(): void {
    const text = this.#lines.join(this.#filled ? " " : "\n").trim();
    if (text !== "") this.#blocks.push(this.#filled ? text.replace(/\s+/g, " ") : text);
    this.#lines = [];
    this.#label = false;
  }

  text(line: string): void {
    this.#lines.push(this.#label ? `${line}:` : line);
    this.#label = false;
  }

  macro(name: string, rest: string): void {
    if (HEADING.test(name)) {
      this.end();
      this.text(macroArguments(rest).join(" "));
      if (rest !== "") this.end();
    } else if (name === "nf" || name === "EX" || name === "Bd") this.#fill(false);
    else if (name === "fi" || name === "EE" || name === "Ed") this.#fill(true);
    else if (name === "TP" || name === "TQ") {
      this.end();
      this.#label = true;
    } else if (name === "IP" || name === "It") {
      this.end();
      const [label] = name === "It" ? [macroArguments(rest).join(" ")] : macroArguments(rest);
      if (label !== undefined && /[\p{L}\p{N}]/u.test(label)) this.text(`${label}:`);
    } else if (PARAGRAPH.test(name)) this.end();
    else if (ALTERNATING.test(name)) this.text(macroArguments(rest).join(""));
    else if (FONT.test(name)) this.text(macroArguments(rest).join(" "));
    else if (name === "UR" || name === "MT") this.text(macroArguments(rest).join(" "));
  }

  #fill(filled: boolean): void {
    this.end();
    this.#filled = filled;
  }

  blocks(): string[] {
    this.end();
    return this.#blocks;
  }
}

/** What is skipped whole: definitions of macros, tables, equations, ignored text. */
const SKIPPED: Readonly<Record<string, RegExp>> = {
  de: /^\.\.\s*$/,
  ig: /^\.\.\s*$/,
  TS: /^\.TE/,
  EQ: /^\.EN/,
};

/** The text of a page, paragraphs parted by blank lines; empty where `source` is no manual page. */
export function roffText(source: string): string {
  const page = new Page();
  let until: RegExp | undefined;
  let titled = false;
  for (const line of source.split(/\r?\n/)) {
    if (until !== undefined) {
      if (until.test(line)) until = undefined;
      continue;
    }
    const macro = /^[.'][ \t]*([A-Za-z]{1,10})?[ \t]*([^]*)$/.exec(line);
    if (macro === null) {
      if (!titled) continue;
      if (line.trim() === "") page.end();
      else page.text(plain(line));
      continue;
    }
    const name = macro[1] ?? "";
    until = Object.hasOwn(SKIPPED, name) ? SKIPPED[name] : undefined;
    if (name === "TH" || name === "Dt") titled = true;
    else if (until === undefined && titled) page.macro(name, macro[2]!);
  }
  return page.blocks().join("\n\n");
}
