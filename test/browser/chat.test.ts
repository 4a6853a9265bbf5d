/** @file The chat in a real browser: branches, conversations on the server, files, feedback, ten thousand messages. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ngram } from "../serve/service.ts";
import { tracedRun } from "../serve/traced.ts";
import { noBrowser } from "./chromium.ts";
import { Harness } from "./harness.ts";

const LESSON = [
  "Take $\\frac{a}{b}$ and not 5 $ or 6 $:",
  "",
  "$$\\int_0^1 x^2\\,dx = \\tfrac13$$",
  "",
  "```python",
  'print("snow")',
  "```",
].join("\n");

/** An exported conversation of `count` messages. */
function exported(title: string, contents: readonly { role: string; content: string; detail?: object }[]) {
  const id = (index: number): string => `message-${index}`;
  const time = 1_700_000_000_000;
  return {
    conversation: { title, system: "", created: time, updated: time, leaf: id(contents.length - 1) },
    messages: contents.map((message, i) => ({ id: id(i), parent: i === 0 ? null : id(i - 1), ...message })),
  };
}

describe.skipIf(noBrowser)("the chat", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await Harness.start(async (dir) => {
      const { origins } = await tracedRun(join(dir, "run"));
      return { models: [{ ...ngram("nano", 512, 2), origins }, ngram("short", 60)] };
    });
  });
  afterAll(() => harness?.close());
  afterEach(() => harness.leave());

  const { page, say, answers, answerDone } = {
    page: () => harness.page,
    say: async (text: string): Promise<void> => {
      await harness.page.fill(".composer textarea", text);
      await harness.page.keyboard.press("Enter");
      await harness.page.locator(".message.user .bubble", { hasText: text }).last().waitFor();
    },
    answers: () => harness.page.locator(".message.assistant .prose").allInnerTexts(),
    answerDone: () => harness.page.locator(".message.assistant [aria-label='Good answer']").last().waitFor(),
  };
  const bring = async (body: object): Promise<string> => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${harness.server.url}/api/conversations`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { id: string }).id;
  };
  const forgetAll = () => fetch(`${harness.server.url}/api/conversations`, { method: "DELETE" });

  it("branches where a question is changed, switches between versions, and remembers which one was shown", async () => {
    await harness.open("chat", ".composer");
    await say("Hallo!");
    await answerDone();
    await page().click("[aria-label='Edit']");
    await page().fill("[aria-label='Your message, changed']", "Count to three.");
    await page().keyboard.press("Enter");
    await page().locator("text=1, 2, 3").waitFor();
    await answerDone();
    expect(await page().locator(".message").count()).toBe(2);
    expect(await page().locator(".question-foot .stats").innerText()).toBe("2 / 2");
    await page().click("[aria-label='Previous version']");
    expect(await page().locator(".bubble").innerText()).toBe("Hallo!");
    expect((await answers())[0]).toMatch(/^Gr/);
    await page().waitForLoadState("networkidle");
    await page().reload();
    await page().locator(".bubble").waitFor();
    expect(await page().locator(".bubble").innerText()).toBe("Hallo!");
    await page().click("[aria-label='Next version']");
    expect(await page().locator(".bubble").innerText()).toBe("Count to three.");
    await harness.picture("chat-branches");
  });

  it("keeps conversations on the server: searches, renames, exports and deletes them for good", async () => {
    await forgetAll();
    const id = await bring(exported("About Firn", [{ role: "user", content: "Was ist Körnerschnee?" }]));
    await bring(exported("Other", [{ role: "user", content: "Something else" }]));
    await harness.open("chat", ".conversation");
    await page().locator(".conversation").nth(1).waitFor();
    await page().keyboard.press("Control+k");
    await page().keyboard.type("KÖRNER");
    await page().locator(".conversation small", { hasText: "Körnerschnee" }).waitFor();
    expect(await page().locator(".conversation").count()).toBe(1);
    await page().click("[aria-label='More for “About Firn”']");
    await page().fill("dialog input[type=text]", "Snow");
    await page().keyboard.press("Enter");
    await page().locator(".conversation-title", { hasText: "Snow" }).waitFor();

    await page().click("[aria-label='More for “Snow”']");
    const [markdown] = await Promise.all([
      page().waitForEvent("download"),
      page().click("text=Export as Markdown"),
    ]);
    expect(markdown.suggestedFilename()).toBe("Snow.md");
    expect(await readFile(await markdown.path(), "utf8")).toBe("# Snow\n\n## You\n\nWas ist Körnerschnee?\n");
    await page().click("[aria-label='More for “Snow”']");
    const [json] = await Promise.all([page().waitForEvent("download"), page().click("text=Export as JSON")]);
    await bring(JSON.parse(await readFile(await json.path(), "utf8")) as object);

    await page().click("[aria-label='More for “Snow”']");
    await page().click("text=Delete …");
    await page().locator("dialog [role=alert]", { hasText: "cannot be brought back" }).waitFor();
    await page().click("dialog [role=alert] button");
    await page().locator("dialog").waitFor({ state: "detached" });
    expect((await fetch(`${harness.server.url}/api/conversations/${id}`)).status).toBe(404);

    // Deleting what is still being answered is no error, and nothing of it comes back.
    await page().fill("[data-search]", "");
    await say("Hallo! Wer bist du?");
    await page().locator(".message.assistant .prose").waitFor();
    await page().click("[aria-label='More for “Hallo! Wer bist du?”']");
    await page().click("text=Delete …");
    await page().click("dialog [role=alert] button");
    await page().locator(".welcome").waitFor();
    await page().locator(".conversation-title", { hasText: "Wer bist du" }).waitFor({ state: "detached" });
    expect(await page().locator("[role=alert]").count()).toBe(0);
    expect(await harness.barriers()).toEqual([]);
    await harness.picture("chat-list");
  });

  it("draws code with a button that copies it, and formulas", async () => {
    const id = await bring(
      exported("Maths", [
        { role: "user", content: "Teach me." },
        { role: "assistant", content: LESSON, detail: { model: "nano", state: "done" } },
      ]),
    );
    await harness.open(`chat/${id}`, ".math.block math", {
      permissions: ["clipboard-read", "clipboard-write"],
    });
    expect(await page().locator(".math mfrac").count()).toBe(2);
    expect(await page().locator(".math.block").count()).toBe(1);
    expect((await answers())[0]).toContain("and not 5 $ or 6 $:");
    expect(await page().locator(".code span").first().innerText()).toBe("python");
    await page().click("[data-copy]");
    await page().locator("[data-copy]", { hasText: "Copied" }).waitFor();
    expect(await page().evaluate(() => navigator.clipboard.readText())).toBe('print("snow")');
    await harness.picture("chat-maths");
  });

  it("unfolds calls of tools and what the tools said", async () => {
    const id = await bring(
      exported("Tools", [
        { role: "user", content: "2 + 2?" },
        {
          role: "assistant",
          content: "",
          detail: {
            model: "nano",
            state: "done",
            toolCalls: [{ id: "c1", name: "calculator", arguments: '{"a":2}' }],
          },
        },
        { role: "tool", content: "4", detail: { toolCallId: "c1" } },
        { role: "assistant", content: "It is 4.", detail: { model: "nano", state: "done" } },
      ]),
    );
    await harness.open(`chat/${id}`, ".tool");
    await page().click("text=Calls the tool calculator");
    expect(await page().locator(".tool pre").first().innerText()).toBe('{\n  "a": 2\n}');
    await page().click("summary:has-text('Result')");
    expect(await page().locator(".tool pre").nth(1).innerText()).toBe("4");
  });

  it("takes text files into the prompt, counts them against the context, and refuses what does not fit", async () => {
    await harness.open("chat", ".composer");
    await page().selectOption("select.model-name", "short");
    const attach = (name: string, buffer: Buffer) =>
      page().setInputFiles(".composer input[type=file]", { name, mimeType: "text/plain", buffer });
    await attach("picture.png", Buffer.from([0x89, 0x50, 0xff, 0]));
    await page().locator("text=picture.png is not a text file").waitFor();
    await attach("long.txt", Buffer.from("x".repeat(100)));
    await page().locator(".too-long", { hasText: "does not fit" }).waitFor();
    expect(await page().locator(".send").isDisabled()).toBe(true);
    await page().click("[aria-label='Remove long.txt']");
    await attach("note.txt", Buffer.from("snow"));
    await page().locator(".size", { hasText: "of 60 tokens" }).waitFor();
    await page().fill(".composer textarea", "Hi");
    const [request] = await Promise.all([
      page().waitForRequest((sent) => sent.url().endsWith("/chat/completions")),
      page().keyboard.press("Enter"),
    ]);
    expect(request.postDataJSON()).toMatchObject({
      messages: [{ role: "user", content: "note.txt:\n\nsnow\n\nHi" }],
    });
    await answerDone();
    await page().locator(".message.user .files").waitFor();
    // The browser itself reports the count that was refused because the text is too long.
    harness.complaints = harness.complaints.filter((text) => !text.includes("400"));
  });

  it("keeps feedback only with consent, and forgets it when that is withdrawn", async () => {
    await harness.open("chat", ".composer");
    await say("Hello!");
    await answerDone();
    await page().click("[aria-label='Good answer']");
    expect(await page().locator("dialog button[type=submit]").isDisabled()).toBe(true);
    await page().fill("dialog textarea", "kind");
    await page().check("dialog input[type=checkbox]");
    expect(await harness.barriers()).toEqual([]);
    await harness.picture("chat-feedback");
    await page().click("dialog button[type=submit]");
    await page().locator("[aria-label='Good answer'][aria-pressed=true]").waitFor();
    const id = page().url().split("/").at(-1)!;
    const stored = async () =>
      (
        (await (await fetch(`${harness.server.url}/api/conversations/${id}`)).json()) as {
          messages: { feedback: object }[];
        }
      ).messages[1]?.feedback;
    expect(await stored()).toEqual({ rating: "good", comment: "kind" });
    await page().click("[aria-label='Good answer']");
    await page().click("text='Withdraw'");
    await page().locator("[aria-label='Good answer'][aria-pressed=false]").waitFor();
    expect(await stored()).toBeNull();
    const path = `/api/conversations/${id}/messages/${"x".repeat(10)}/feedback`;
    expect(await harness.put(path, { rating: "good", comment: "", consent: false })).toBe(400);
  });

  it.each([
    [1280, "light"],
    [390, "dark"],
  ] as const)("says where an answer comes from (%i px, %s)", async (width, colorScheme) => {
    await harness.open("chat", ".composer", { viewport: { width, height: 844 }, colorScheme });
    await say("Hallo!");
    await answerDone();
    await page().click("[aria-label='Where does this come from?']");
    await page().locator(".origins mark").waitFor();
    expect(await page().locator(".origins mark").innerText()).toBe("Grüezi! Wie geht es dir?");
    expect(await page().locator(".origins [role=status]").innerText()).toMatch(
      /^1 passage, found in \d+ ms$/,
    );
    expect(await page().locator(".origins ul li").allInnerTexts()).toEqual([
      "letter-1\nSource: letters · Licence: CC0-1.0 · read in 2 training steps",
      "letter-3\nSource: letters · Licence: CC0-1.0 · read in 0 training steps",
    ]);
    expect(await page().locator(".origins a").first().getAttribute("href")).toBe(
      "https://letters.example/letter-1",
    );
    expect(await harness.barriers()).toEqual([]);
    expect((await harness.widths())[0]).toBe(width);
    await harness.picture(`chat-origins-${width}`);
    await page().keyboard.press("Escape");
    await page().selectOption("select.model-name", "short");
    await page().click("text=New conversation");
    await say("Hello!");
    await answerDone();
    expect(await page().locator("[aria-label='Where does this come from?']").count()).toBe(0);
  });

  it("uses the charter prompt when told to, and keeps it with the conversation", async () => {
    await harness.open("chat", ".composer");
    await page().click("text=Settings");
    await page().click("text=Use the charter prompt");
    expect(await page().inputValue("dialog textarea")).toContain("Swiss AI Charter");
    expect(await harness.barriers()).toEqual([]);
    await page().fill("dialog textarea", "Be brief.");
    await page().keyboard.press("Escape");
    const [request] = await Promise.all([
      page().waitForRequest((sent) => sent.url().endsWith("/chat/completions")),
      say("Hello!"),
    ]);
    expect(request.postDataJSON()).toMatchObject({
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hello!" },
      ],
    });
    await answerDone();
    await page().waitForLoadState("networkidle");
    await page().reload();
    await page().locator(".message").first().waitFor();
    await page().click("text=Settings");
    expect(await page().inputValue("dialog textarea")).toBe("Be brief.");
  });

  it("opens a conversation of ten thousand messages at its end, with a handful of them in the document", async () => {
    const words = "Der Schnee wird zu Firn, und der Firn wird zu Eis. ";
    const messages = Array.from({ length: 10_000 }, (_, i) => ({
      role: i % 2 === 0 ? "user" : "assistant",
      content: `Message ${i}. ${words.repeat(1 + (i % 9))}`,
      detail: i % 2 === 0 ? {} : { model: "nano", state: "done" },
    }));
    const id = await bring(exported("Long", messages));
    await harness.open("chat", ".conversation");
    const shown = await page().evaluate(async (address) => {
      const start = performance.now();
      location.hash = address;
      const last = () => document.body.textContent?.includes("Message 9999.") === true;
      while (!last()) await new Promise(requestAnimationFrame);
      return performance.now() - start;
    }, `chat/${id}`);
    console.info(`10,000 messages: shown ${shown.toFixed(0)} ms after they were asked for`);
    expect(await page().locator(".message").count()).toBeLessThan(60);
    await page().locator("text=Message 9999.").waitFor();
    await page()
      .locator(".log")
      .evaluate((log) => log.scrollTo({ top: 0 }));
    await page().locator("text=Message 0.").waitFor();
    expect(await page().locator(".message").first().getAttribute("aria-setsize")).toBe("10000");
    await page().click("[aria-label='To the latest message']");
    await page().locator("text=Message 9999.").waitFor();
    await forgetAll();
  });
});
