import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { getRequestListener } from "@hono/node-server";
import { createMcpHandler } from "@modelcontextprotocol/server";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FirnError } from "../../core/index.ts";
import type { RunTrace } from "../../ledger/index.ts";
import { firnMcpServer, type McpSources } from "../mcp-server.ts";
import { calculate, calculator } from "./calculator.ts";
import { cutPassages, DocumentIndex, documentSearch } from "./document-search.ts";
import { type McpTools, openMcpTools, readMcpConfig } from "./mcp-tools.ts";
import { Toolbox } from "./toolbox.ts";

const signal = new AbortController().signal;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "firn-tools-"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("the calculator", () => {
  it.each([
    ["2 + 3 * 4", "14"],
    ["(2 + 3) * 4", "20"],
    ["-2^2", "-4"],
    ["2^3^2", "512"],
    ["2**10", "1024"],
    ["123456789012345678901234567890 * 987654321", "121932631124828532112482853211126352690"],
    ["10 / 4", "2.5"],
    ["12 / 4", "3"],
    ["7 % 3", "1"],
    ["0.1 + 0.2", "0.3"],
    ["sqrt(2)^2", "2"],
    ["1e3 × 2 − 1", "1999"],
    ["abs(-7)", "7"],
    ["2 * pi", "6.28318530717959"],
    ["--3", "3"],
  ])("knows that %s is %s", (expression, value) => {
    expect(calculate(expression)).toBe(value);
  });

  it.each([
    ["1 / 0", /division by zero/],
    ["9^9^9^9", /digits/],
    ["(1", /not closed/],
    ["1 +", /ends too early/],
    ["process.exit()", /not understood|unknown/],
    ["constructor(1)", /unknown/],
    ["2 3", /not expected/],
    ["(".repeat(500), /parentheses/],
    ["-".repeat(900), /signs/],
  ])("refuses %s and says why", async (expression, why) => {
    const result = await calculator.call({ expression }, signal);
    expect(result.isError).toBe(true);
    expect(result.text).toMatch(why);
  });

  it("answers any text quickly and never throws", async () => {
    const piece = fc.constantFrom(
      "1",
      "99",
      "+",
      "-",
      "*",
      "/",
      "^",
      "%",
      "(",
      ")",
      "sqrt",
      "pi",
      " ",
      ".",
      "e9",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 60 }), async (pieces) => {
        expect(typeof (await calculator.call({ expression: pieces.join("") }, signal)).text).toBe("string");
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe("the search over one's own documents", () => {
  it("finds passages with their file and lines, in several scripts", async () => {
    const texts = path.join(dir, "texts");
    await mkdir(path.join(texts, "inner"), { recursive: true });
    await writeFile(
      path.join(texts, "house.md"),
      "# Library\n\nThe reading room opens at nine.\n\n## Fees\n\nBorrowing is free. Late books cost one franc a week.\n",
    );
    await writeFile(path.join(texts, "inner", "regeln.txt"), "Hunde müssen draussen bleiben.\n");
    await writeFile(path.join(texts, "inner", "zh.txt"), "图书馆周一休息。\n");
    await writeFile(path.join(texts, "picture.png"), "franc franc franc");
    const index = await DocumentIndex.open(texts);
    expect(index.files).toBe(3);
    expect(index.search("what do late books cost", 3)[0]).toMatchObject({
      file: "house.md",
      firstLine: 5,
      lastLine: 8,
    });
    expect(index.search("Hunde", 1)[0]).toMatchObject({ file: "inner/regeln.txt" });
    expect(index.search("周一", 1)[0]).toMatchObject({ file: "inner/zh.txt" });
    const result = await documentSearch(index).call({ query: "late books" }, signal);
    expect(result.text).toMatch(/^\[1\] house\.md, lines 5–8\n## Fees/);
    expect(result.citations[0]).toMatchObject({ place: "house.md, lines 5–8" });
    expect((await documentSearch(index).call({ query: "zebra" }, signal)).text).toBe(
      "No passage holds these words.",
    );
    expect((await documentSearch(index).call({ words: 1 }, signal)).isError).toBe(true);
  });

  it("loses no line and cuts long ones", () => {
    const text = `# A\n${"word ".repeat(1000)}\n\nlast line`;
    const passages = cutPassages(text);
    expect(
      passages
        .map((passage) => passage.text)
        .join("")
        .replace(/\s/g, ""),
    ).toBe(text.replace(/\s/g, ""));
    expect(Math.max(...passages.map((passage) => passage.text.length))).toBeLessThan(3300);
  });

  it("refuses a folder without texts", async () => {
    const empty = path.join(dir, "empty");
    await mkdir(empty);
    for (const folder of [empty, path.join(dir, "missing")])
      await expect(DocumentIndex.open(folder)).rejects.toMatchObject({ code: "SERVE_DOCUMENTS" });
  });
});

describe("the toolbox", () => {
  const toolbox = new Toolbox([calculator]);

  it("lists its tools as OpenAI's API names them", () => {
    expect(toolbox.definitions()).toMatchObject([
      { type: "function", function: { name: "calculator", parameters: { type: "object" } }, origin: "firn" },
    ]);
  });

  it("turns every mistake of a model into words for it", async () => {
    expect((await toolbox.call("calculator", '{"expression":"6*7"}', signal)).text).toBe("42");
    expect((await toolbox.call("calculater", "{}", signal)).text).toContain("Did you mean 'calculator'?");
    expect((await toolbox.call("calculator", "{", signal)).text).toBe("The arguments are not JSON.");
    expect((await toolbox.call("calculator", "[]", signal)).isError).toBe(true);
  });
});

const trace = {
  indexed: false,
  step: (step: number) => {
    if (step > 10)
      return Promise.reject(
        new FirnError("LEDGER_NO_STEP", {
          expected: "a step of the run",
          got: String(step),
          next: "Ask for 1 to 10.",
        }),
      );
    return Promise.resolve({ step, documents: [] });
  },
} as unknown as RunTrace;
const sources: McpSources = {
  version: "1",
  trace: () => Promise.resolve(trace),
  requests: (domain) => Promise.resolve({ domain, requests: [] }),
  plan: (recipe) => Promise.resolve({ recipe }),
  evaluation: () => Promise.resolve(undefined),
};

describe("tools of MCP servers", () => {
  let server: Server;
  let tools: McpTools;
  beforeAll(async () => {
    const handler = createMcpHandler(firnMcpServer(sources));
    const listener = getRequestListener((request) => handler.fetch(request), {
      overrideGlobalObjects: false,
    });
    server = createServer((request, response) => void listener(request, response));
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    // A server that speaks the protocol's first line and then nothing, one that dies at once, and one that is not there.
    const config = path.join(dir, "mcp.json");
    await writeFile(
      config,
      JSON.stringify({
        mcpServers: {
          firn: { url: `http://127.0.0.1:${port}/mcp` },
          dead: { command: process.execPath, args: ["-e", "process.exit(1)"] },
          missing: { command: path.join(dir, "no-such-program") },
        },
      }),
    );
    tools = await openMcpTools(await readMcpConfig(config));
  });
  afterAll(async () => {
    await tools.close();
    server.closeAllConnections();
    server.close();
  });

  it("are those of Firn itself, asked over HTTP, whatever the other servers do", async () => {
    expect(tools.tools.map(({ name }) => name)).toEqual([
      "firn__trace_step",
      "firn__trace_document",
      "firn__trace_text",
      "firn__trace_domain",
      "firn__optout_lookup",
      "firn__plan",
      "firn__evaluation",
    ]);
    expect(tools.missing.map(({ server: name }) => name)).toEqual(["dead", "missing"]);
    const toolbox = new Toolbox(tools.tools);
    const step = await toolbox.call("firn__trace_step", '{"step":3}', signal);
    expect(JSON.parse(step.text)).toEqual({ step: 3, documents: [] });
    expect(JSON.parse((await toolbox.call("firn__plan", '{"recipe":"nano"}', signal)).text)).toEqual({
      recipe: "nano",
    });
  });

  it("answer mistakes and missing records in words", async () => {
    const toolbox = new Toolbox(tools.tools);
    const wrong = await toolbox.call("firn__trace_step", '{"step":"three"}', signal);
    expect(wrong.isError).toBe(true);
    const late = await toolbox.call("firn__trace_step", '{"step":99}', signal);
    expect(late).toMatchObject({ isError: true });
    expect(late.text).toContain("a step of the run");
    expect(await toolbox.call("firn__evaluation", "{}", signal)).toMatchObject({ isError: true });
  });

  it("are given up when the user leaves", async () => {
    const gone = AbortSignal.abort(new Error("left"));
    await expect(tools.tools[0]!.call({ step: 1 }, gone)).rejects.toThrow("left");
  });

  it("are configured by a file that is checked", async () => {
    const file = path.join(dir, "bad.json");
    for (const text of [
      "{",
      "{}",
      '{"mcpServers":{"a b":{"command":"x"}}}',
      '{"mcpServers":{"a":{"url":"ftp://x"}}}',
    ]) {
      await writeFile(file, text);
      await expect(readMcpConfig(file), text).rejects.toMatchObject({ code: "SERVE_MCP_CONFIG" });
    }
  });
});
