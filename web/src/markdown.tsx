/**
 * @file A model's answer as Markdown. Whatever the model writes is untrusted: the HTML is cleaned last, keeps only
 * tags of running text, and can load nothing (the server's content policy forbids it as well).
 */
import DOMPurify from "dompurify";
import { Marked } from "marked";
import { useMemo } from "preact/hooks";

const ALLOWED_TAGS =
  "a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i li ol p pre s strong sub sup table tbody td th thead tr ul".split(
    " ",
  );

const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  // Raw HTML is shown as the text it is; in an answer it is far more often meant so than not.
  renderer: { html: ({ text }) => escapeHtml(text) },
});

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function toSafeHtml(markdown: string): string {
  const fragment = DOMPurify.sanitize(marked.parse(markdown) as string, {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ["href", "title", "start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  // Wide tables and code scroll inside themselves; keyboards reach what scrolls.
  for (const wide of fragment.querySelectorAll("pre")) wide.tabIndex = 0;
  const holder = document.createElement("div");
  holder.append(fragment);
  return holder.innerHTML;
}

export function Markdown({ text }: { readonly text: string }) {
  const html = useMemo(() => toSafeHtml(text), [text]);
  return <div class="prose" dir="auto" dangerouslySetInnerHTML={{ __html: html }} />;
}
