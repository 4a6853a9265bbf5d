/** @file Whether a view speaks one language: what it says in English must not stand in it in any other, which must fit as well. */
import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Said alike in English and in Italian or Romansh. */
const ALIKE: ReadonlySet<string> = new Set(["Gini per byte", "Bits per byte", "Bytes per token"]);

/** Texts and labels of `main` with two words or more, but for those within `data`, a selector of what is no word of the page. */
function sentences(page: Page, data: string): Promise<string[]> {
  return page.evaluate((ignored) => {
    const main = document.querySelector("main")!;
    const found: string[] = [];
    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode())
      if (node.parentElement?.closest(ignored) === null) found.push(node.nodeValue ?? "");
    for (const name of ["aria-label", "placeholder", "title"])
      for (const element of main.querySelectorAll(`[${name}]`))
        if (element.closest(ignored) === null) found.push(element.getAttribute(name) ?? "");
    return found.map((text) => text.trim()).filter((text) => /\p{L}{2,} \p{L}{2,}/u.test(text));
  }, data);
}

/** Chooses every language of the page in turn, and ends with `last`. */
export async function expectOneLanguage(page: Page, data: string, last = "rm"): Promise<void> {
  const english = await sentences(page, data);
  expect(english.length).toBeGreaterThan(0);
  for (const code of ["de", "fr", "it", "rm", last]) {
    await page.selectOption("select.language", code);
    await page.waitForFunction((wanted) => document.documentElement.lang === wanted, code);
    const spoken = await sentences(page, data);
    expect(
      spoken.filter((text) => english.includes(text) && !ALIKE.has(text)),
      code,
    ).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), code).toBe(0);
  }
}
