/**
 * @file A model's answer as Markdown, with code to copy and formulas. Whatever the model writes is untrusted: the HTML
 * is cleaned last, keeps only tags of running text, and can load nothing (the server's content policy forbids it as
 * well). A growing answer is cut into blocks, and only the block that changed is made anew.
 */
import DOMPurify from "dompurify";
import { Marked, type Token, type TokenizerAndRendererExtension, type TokensList } from "marked";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { drawMath, loadMath } from "./math.ts";
import { words } from "./words.ts";

const ALLOWED_TAGS =
  "a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i li ol p pre s span strong sub sup table tbody td th thead tr ul".split(
    " ",
  );

/** `\(…\)`, `\[…\]`, `$$…$$`, and `$…$` where it cannot be two prices. Sources: LaTeX; pandoc's tex_math_dollars. */
const INLINE_MATH =
  /^(?:\\\((.+?)\\\)|\$\$([^$]+?)\$\$|\$(?![\s$])((?:\\.|[^\\$\n])*?(?:\\.|[^\\$\s]))\$(?!\d))/s;
const BLOCK_MATH = /^ {0,3}(?:\\\[(.+?)\\\]|\$\$(.+?)\$\$)[ \t]*(?:\n|$)/s;

function math(kind: "inline" | "block", pattern: RegExp): TokenizerAndRendererExtension {
  const name = `${kind}Math`;
  return {
    name,
    level: kind,
    // Where such a formula may begin: in the midst of a line, or at the beginning of one.
    start: (text) => {
      const at = kind === "inline" ? text.search(/\$|\\[([]/) : text.search(/\n {0,3}(?:\$\$|\\\[)/) + 1;
      return at < (kind === "inline" ? 0 : 1) ? undefined : at;
    },
    tokenizer: (text) => {
      const match = pattern.exec(text);
      if (match === null) return undefined;
      return { type: name, raw: match[0], text: (match[1] ?? match[2] ?? match[3] ?? "").trim() };
    },
    renderer: (token) => `<span data-math="${kind}">${escapeHtml(String(token["text"]))}</span>`,
  };
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  extensions: [math("block", BLOCK_MATH), math("inline", INLINE_MATH)],
  renderer: {
    // Raw HTML is shown as the text it is; in an answer it is far more often meant so than not.
    html: ({ text }) => escapeHtml(text),
    code: ({ text, lang = "" }) =>
      `<pre data-language="${escapeHtml(/^[\w+#.-]{1,30}/.exec(lang)?.[0] ?? "")}"><code>${escapeHtml(text)}\n</code></pre>`,
  },
});

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function toSafeNodes(block: Token, links: TokensList["links"]): DocumentFragment {
  const tokens = Object.assign([block], { links });
  const fragment = DOMPurify.sanitize(marked.parser(tokens), {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ["href", "title", "start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const code of fragment.querySelectorAll("pre")) frameCode(code);
  // Wide tables scroll inside themselves; keyboards reach what scrolls.
  for (const wide of fragment.querySelectorAll("table")) wide.tabIndex = 0;
  return fragment;
}

/** Puts a head over a piece of code: its language, and a button that copies it. */
function frameCode(code: HTMLElement): void {
  code.tabIndex = 0;
  const frame = document.createElement("div");
  frame.className = "code";
  const head = document.createElement("div");
  const language = document.createElement("span");
  language.textContent = code.dataset["language"] || words.chat.code;
  head.append(language);
  // Browsers offer the clipboard on secure pages and localhost only.
  if (isSecureContext) {
    const copy = document.createElement("button");
    copy.type = "button";
    copy.dataset["copy"] = "";
    copy.textContent = words.chat.copy;
    head.append(copy);
  }
  code.replaceWith(frame);
  frame.append(head, code);
}

function copyCode({ target }: MouseEvent): void {
  const button = target instanceof Element ? target.closest<HTMLElement>("[data-copy]") : null;
  const text = button?.closest(".code")?.querySelector("pre")?.textContent;
  if (button === null || text === undefined) return;
  void navigator.clipboard.writeText(text.replace(/\n$/, "")).then(
    () => {
      button.textContent = words.chat.copied;
      setTimeout(() => (button.textContent = words.chat.copy), 1500);
    },
    () => undefined,
  );
}

export function Markdown({ text }: { readonly text: string }) {
  const blocks = useMemo(() => marked.lexer(text), [text]);
  return (
    <div class="prose" dir="auto" onClick={copyCode}>
      {blocks
        .filter(({ type }) => type !== "space" && type !== "def")
        .map((block, index) => (
          <Block key={index} block={block} links={blocks.links} />
        ))}
    </div>
  );
}

interface BlockProps {
  readonly block: Token;
  readonly links: TokensList["links"];
}

function Block({ block, links }: BlockProps) {
  const place = useRef<HTMLDivElement>(null);
  // As nodes and never as markup again: the content policy refuses the styles of formulas when they are parsed.
  useLayoutEffect(() => {
    const nodes = toSafeNodes(block, links);
    const drawn = drawMath(nodes);
    const root = place.current!;
    root.replaceChildren(nodes);
    if (!drawn)
      void loadMath().then(
        () => drawMath(root),
        () => undefined,
      );
  }, [block.raw, Object.keys(links).length, words]);
  return <div class="block" ref={place} />;
}
