/** @file What the page does with what stands before a model: keys, tools, the output filter. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { emptyFilter, filterEntry, withEntries } from "../../src/artifacts/index.ts";
import {
  calculator,
  DocumentIndex,
  documentSearch,
  makeApiKey,
  writeApiKeys,
} from "../../src/serve/index.ts";
import { scripted } from "../serve/scripted-model.ts";
import { ngram } from "../serve/service.ts";
import { noBrowser } from "./chromium.ts";
import { Harness } from "./harness.ts";

function newKey(name: string) {
  return makeApiKey(
    { name, role: "user", expires: null, requestsPerMinute: null, tokensPerMinute: null },
    new Date(),
  );
}

const POEM = "The snow of many winters lies where nobody has walked since the bells fell silent";

const call = (name: string, argument: string, value: string): string =>
  `<|tools_prefix|>[{"${name}": {"${argument}": ${JSON.stringify(value)}}}]<|tools_suffix|>`;

/** Calls tools when it is asked to, and says what it has read. */
function answer(prompt: string): string {
  const result = prompt.endsWith("]") ? prompt.slice(0, -1).split("][").at(-1) : undefined;
  if (prompt.includes("endlessly")) return call("calculator", "expression", "1 + 1");
  if (result !== undefined) return `I have read: ${result}`;
  if (prompt.endsWith("six times seven?")) return call("calculator", "expression", "6 * 7");
  if (prompt.endsWith("late books?")) return call("search_documents", "query", "late books");
  return `A poem: ${POEM}.`;
}

describe.skipIf(noBrowser)("the page before a closed server", () => {
  let harness: Harness;
  const [library, school] = [newKey("library"), newKey("school")];
  beforeAll(async () => {
    harness = await Harness.start(async (dir) => {
      const keys = join(dir, "api-keys.json");
      await writeApiKeys(keys, [library.key, school.key]);
      const texts = join(dir, "texts");
      await mkdir(texts);
      await writeFile(join(texts, "fees.md"), "# Fees\n\nLate books cost one franc a week.\n");
      const now = new Date();
      const filter = emptyFilter(now);
      return {
        keys,
        models: [scripted("scripted", answer), ngram("nano")],
        tools: [calculator, documentSearch(await DocumentIndex.open(texts))],
        filter: withEntries(filter, "r1", filterEntry(filter, "r1", [POEM], now), now),
      };
    });
  });
  afterAll(() => harness?.close());
  afterEach(async () => {
    // The browser itself reports each refused request.
    harness.complaints = harness.complaints.filter((text) => !text.includes("401"));
    await harness.leave();
  });

  it("asks for a key, says when one is not taken, keeps it and forgets it", async () => {
    const page = await harness.open("chat", "dialog");
    await harness.picture("key-light");
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
    await page.click("text=Forget the key");
    await page.locator("dialog", { hasText: "asks for an API key" }).waitFor();
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(library.secret);
    // Another key sees none of the first one's conversations.
    await page.fill("dialog input", school.secret);
    await page.keyboard.press("Enter");
    await page.locator(".composer").waitFor();
    expect(await page.locator(".conversation").count()).toBe(0);
  });

  it("goes on asking when somebody closes the question only when told to, and shows the papers without a key", async () => {
    const look = { viewport: { width: 390, height: 844 }, colorScheme: "dark" } as const;
    const page = await harness.open("chat", "dialog", look);
    await harness.picture("key-dark");
    expect(await harness.barriers()).toEqual([]);
    await page.keyboard.press("Escape");
    await page.locator("main [role=alert]", { hasText: "asks for an API key" }).waitFor();
    await page.click("text=Try again");
    await page.locator("dialog").waitFor();
    await page.context().close();
    await harness.open("transparency", "main.notice");
    expect(await harness.page.locator("dialog").count()).toBe(0);
    harness.complaints = harness.complaints.filter((text) => !text.includes("404"));
  });

  /** As somebody who has a key and has switched tools on in the settings. */
  async function openWithTools(tools: readonly string[], look: BrowserContextOptions = {}) {
    const { origin } = new URL(harness.server.url);
    const localStorage = [{ name: "firn.key", value: JSON.stringify(library.secret) }];
    const storageState = { cookies: [], origins: [{ origin, localStorage }] };
    const page = await harness.open("chat", ".composer", { ...look, storageState });
    await page.click("text=Settings");
    await page.locator("dialog[open]").waitFor();
    for (const tool of tools) await page.locator(".tool-switches label", { hasText: tool }).click();
    return page;
  }
  const closeSettings = async (): Promise<void> => {
    await harness.page.keyboard.press("Escape");
    await harness.page.locator("dialog").waitFor({ state: "detached" });
  };
  const say = async (text: string): Promise<void> => {
    await harness.page.fill(".composer textarea", text);
    await harness.page.keyboard.press("Enter");
  };

  it("calls a tool only when it is switched on and allowed, and tells the model what came of it", async () => {
    const page = await openWithTools(["calculator", "search_documents"]);
    await harness.picture("tools-settings-light");
    expect(await harness.barriers()).toEqual([]);
    await closeSettings();
    await say("What is six times seven?");
    await page.locator(".tool-decision").waitFor();
    expect(await page.locator(".tool pre").innerText()).toBe('{\n  "expression": "6 * 7"\n}');
    await harness.picture("tools-waiting-light");
    expect(await harness.barriers()).toEqual([]);
    // What waits is still waiting after a reload.
    await page.waitForLoadState("networkidle");
    await page.reload();
    await page.click(".tool-decision >> text=Allow");
    await page.locator(".prose", { hasText: "I have read: 42" }).waitFor();
    await say("And now: six times seven?");
    await page.click(".tool-decision >> text=Refuse");
    await page.locator(".prose", { hasText: "The user has refused this call" }).waitFor();
    await say("What about late books?");
    await page.click(".tool-decision >> text=Allow");
    await page.locator(".citations li", { hasText: "fees.md, lines" }).waitFor();
    await page.locator(".prose", { hasText: "one franc a week" }).waitFor();
    await harness.picture("tools-done-light");
    expect(await harness.barriers()).toEqual([]);
    await page.click("text=New conversation");
    await page.click("text=Settings");
    expect(await page.locator(".tool-switches input:checked").count()).toBe(0);
  });

  it("takes a yes for the whole conversation, and stops after eight rounds", async () => {
    const page = await openWithTools(["calculator"], {
      viewport: { width: 390, height: 844 },
      colorScheme: "dark",
    });
    await harness.picture("tools-settings-dark");
    await closeSettings();
    await say("Count endlessly");
    await page.check(".tool-decision input");
    expect(await harness.widths()).toEqual([390, 390]);
    await harness.picture("tools-waiting-dark");
    await page.click(".tool-decision >> text=Allow");
    await page.locator("text=eight times in a row").waitFor();
    const id = (await page.evaluate(() => location.hash)).replace("#chat/", "");
    const headers = { authorization: `Bearer ${library.secret}` };
    await page.waitForLoadState("networkidle");
    const saved = await fetch(`${harness.server.url}/api/conversations/${id}`, { headers });
    const { messages } = (await saved.json()) as { messages: { role: string; content: string }[] };
    expect(messages.filter(({ role }) => role === "assistant")).toHaveLength(8);
    expect(messages.filter(({ role, content }) => role === "tool" && content === "2")).toHaveLength(8);
    await harness.picture("tools-done-dark");
  });

  it("says under an answer that the output filter ended it", async () => {
    const page = await openWithTools([]);
    await closeSettings();
    await say("A poem, please");
    await page
      .locator(".answer-foot", { hasText: "this passage is not said at somebody’s request" })
      .waitFor();
    expect(await page.locator(".prose").innerText()).not.toContain("winters");
    await page.selectOption("select.language", "de");
    await page.locator(".answer-foot", { hasText: "wird auf jemandes Wunsch nicht gesagt" }).waitFor();
  });
});
