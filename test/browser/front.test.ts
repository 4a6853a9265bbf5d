/** @file What the page does with what stands before a model: keys, tools, the output filter. */
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { makeApiKey, writeApiKeys } from "../../src/serve/index.ts";
import { noBrowser } from "./chromium.ts";
import { Harness } from "./harness.ts";

function newKey(name: string) {
  return makeApiKey(
    { name, role: "user", expires: null, requestsPerMinute: null, tokensPerMinute: null },
    new Date(),
  );
}

describe.skipIf(noBrowser)("the page before a closed server", () => {
  let harness: Harness;
  const [library, school] = [newKey("library"), newKey("school")];
  beforeAll(async () => {
    harness = await Harness.start(async (dir) => {
      const keys = join(dir, "api-keys.json");
      await writeApiKeys(keys, [library.key, school.key]);
      return { keys };
    });
  });
  afterAll(() => harness?.close());
  afterEach(async () => {
    // The browser itself reports each refused request.
    harness.complaints = harness.complaints.filter((text) => !text.includes("401"));
    await harness.leave();
  });

  it.each([
    { name: "light", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
    { name: "dark", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  ] satisfies (BrowserContextOptions & { name: string })[])(
    "asks for a key, says when one is not taken, keeps it and forgets it ($name)",
    async ({ name, ...look }) => {
      const page = await harness.open("chat", "dialog", look);
      await harness.picture(`key-${name}`);
      expect(await harness.barriers()).toEqual([]);
      expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("api-key");
      await page.keyboard.type("firn-wrong");
      await page.keyboard.press("Enter");
      await page.locator("dialog [role=alert]", { hasText: "does not take this key" }).waitFor();
      await page.fill("dialog input", library.secret);
      await page.keyboard.press("Enter");
      await page.locator(".composer").waitFor();
      expect(await page.locator("dialog").count()).toBe(0);
      await page.fill(".composer textarea", "Hello!");
      await page.keyboard.press("Enter");
      await page.locator(".message.assistant [aria-label='Good answer']").waitFor();
      await page.reload();
      await page.locator(".message.assistant").waitFor();
      await page.click("[aria-label='API key']");
      await page.locator("dialog", { hasText: "is kept in this browser" }).waitFor();
      expect(await harness.widths()).toEqual([look.viewport.width, look.viewport.width]);
      await page.click("text=Forget the key");
      await page.locator("dialog", { hasText: "asks for an API key" }).waitFor();
      expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(library.secret);
      // Another key sees none of the first one's conversations.
      await page.fill("dialog input", school.secret);
      await page.keyboard.press("Enter");
      await page.locator(".composer").waitFor();
      expect(await page.locator(".conversation").count()).toBe(0);
    },
  );

  it("goes on asking when somebody closes the question only when told to, and shows the papers without a key", async () => {
    const page = await harness.open("chat", "dialog");
    await page.keyboard.press("Escape");
    await page.locator("main [role=alert]", { hasText: "asks for an API key" }).waitFor();
    await page.click("text=Try again");
    await page.locator("dialog").waitFor();
    await page.context().close();
    await harness.open("transparency", "main.notice");
    expect(await harness.page.locator("dialog").count()).toBe(0);
    harness.complaints = harness.complaints.filter((text) => !text.includes("404"));
  });
});
