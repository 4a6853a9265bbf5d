/** @file The parsers of `serve`: bodies and headers of requests, answers of engines behind the gateway, files of keys and tools. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { emptyFilter, filterEntry, withEntries } from "../../src/artifacts/index.ts";
import { assert } from "../../src/core/index.ts";
import { readApiKeys } from "../../src/serve/access/api-keys.ts";
import { CallReader } from "../../src/serve/call-reader.ts";
import { readEvents } from "../../src/serve/gateway/read-events.ts";
import type { RunningServer } from "../../src/serve/index.ts";
import { calculator } from "../../src/serve/tools/calculator.ts";
import { cutPassages } from "../../src/serve/tools/document-search.ts";
import { readMcpConfig } from "../../src/serve/tools/mcp-tools.ts";
import { type HostileParser, put } from "../hostile/parser.ts";
import { serveNgram } from "./service.ts";

const json = (value: unknown): string => JSON.stringify(value);

/** Started when first asked for, closed with the rest. */
class Lazy<T> {
  readonly #start: () => Promise<T>;
  readonly #stop: (thing: T) => Promise<unknown>;
  #thing: Promise<T> | undefined;

  constructor(start: () => Promise<T>, stop: (thing: T) => Promise<unknown>) {
    this.#start = start;
    this.#stop = stop;
  }

  get(): Promise<T> {
    this.#thing ??= this.#start();
    return this.#thing;
  }

  async close(): Promise<void> {
    if (this.#thing !== undefined) await this.#stop(await this.#thing);
    this.#thing = undefined;
  }
}

const own = new Lazy<RunningServer>(
  () => serveNgram({ tools: [calculator] }),
  (server) => server.close(),
);

/** What the engine behind the gateway answers next. */
let engineSays: { bytes: Buffer; type: string } = { bytes: Buffer.alloc(0), type: "" };

const behind = new Lazy<{ engine: Server; front: RunningServer }>(
  async () => {
    const engine = createServer((request, response) => {
      request.resume();
      request.on("end", () => {
        const models = request.method === "GET";
        response.writeHead(200, { "content-type": models ? "application/json" : engineSays.type });
        response.end(
          models ? json({ object: "list", data: [{ id: "m", object: "model" }] }) : engineSays.bytes,
        );
      });
    });
    await new Promise<void>((resolve) => engine.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}`;
    const now = new Date();
    const empty = emptyFilter(now);
    const passage = "the old well behind the mill belongs to Ada Brunner and her three sisters";
    const filter = withEntries(empty, "r1", filterEntry(empty, "r1", [passage], now), now);
    const front = await serveNgram({
      models: [],
      upstream: { urls: [url], apiKey: undefined },
      filter,
    });
    return { engine, front };
  },
  async ({ engine, front }) => {
    await front.close();
    engine.closeAllConnections();
    await new Promise((resolve) => engine.close(resolve));
  },
);

/** Stops what the parsers have started. */
export async function stopServers(): Promise<void> {
  await own.close();
  await behind.close();
}

async function post(path: string, body: Buffer): Promise<void> {
  const { url } = await own.get();
  const response = await fetch(url + path, { method: "POST", body: new Uint8Array(body) });
  const text = await response.text();
  assert(response.status < 500, `an answer below 500 instead of ${response.status}: ${text.slice(0, 300)}`);
  if (response.status < 400) return;
  const said = JSON.parse(text) as { error?: { message?: unknown } };
  assert(typeof said.error?.message === "string", "an error in the API's shape");
}

const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: [{ type: "text", text: "Hallo" }] },
];
const functionTool = {
  type: "function",
  function: {
    name: "f",
    parameters: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] },
  },
};
const model = { model: "ngram", temperature: 0 };
const BODIES: readonly (readonly [string, ...unknown[]])[] = [
  [
    "/v1/chat/completions",
    { ...model, messages, max_tokens: 2, stop: ["x"], logprobs: true, top_logprobs: 2, n: 1, seed: 1 },
    { ...model, messages, max_tokens: 2, tools: [functionTool], tool_choice: "none", stream: true },
    {
      ...model,
      messages,
      max_tokens: 2,
      response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "integer" } } },
    },
  ],
  [
    "/v1/completions",
    { ...model, prompt: ["a", "b"], max_tokens: 2, echo: true, logprobs: 1, logit_bias: { 65: 1 } },
  ],
  [
    "/v1/responses",
    { ...model, input: [{ role: "user", content: "a" }], max_output_tokens: 2, instructions: "b" },
  ],
  [
    "/v1/messages",
    {
      ...model,
      messages: [{ role: "user", content: "a" }],
      max_tokens: 2,
      stop_sequences: ["x"],
      system: [{ type: "text", text: "b" }],
    },
  ],
  ["/v1/messages/count_tokens", { model: "ngram", messages: [{ role: "user", content: "a" }] }],
  ["/v1/embeddings", { model: "ngram", input: ["a", [1, 2]], encoding_format: "float" }],
  ["/tokenize", { model: "ngram", content: "Schnee", add_special: true }],
  ["/detokenize", { model: "ngram", tokens: [65, 66] }],
  ["/api/distribution", { model: "ngram", text: "Schnee", top: 2 }],
];

/** Sends bytes as a whole request and reads what comes back. */
async function sendRaw(bytes: Buffer): Promise<string> {
  const { port } = await own.get();
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setTimeout(300, () => socket.destroy());
    socket.on("data", (part) => {
      answer += part.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", (error) =>
      "code" in error && error.code === "ECONNRESET" ? resolve(answer) : reject(error),
    );
    socket.end(bytes);
  });
}

async function askGateway(bytes: Buffer, stream: boolean): Promise<void> {
  const { front } = await behind.get();
  engineSays = { bytes, type: stream ? "text/event-stream" : "application/json" };
  const response = await fetch(`${front.url}/v1/chat/completions`, {
    method: "POST",
    body: json({ model: "m", messages, stream }),
  });
  const text = await response.text().catch((error: unknown) => String(error));
  assert(
    [200, 502, 503].includes(response.status),
    `no fault of the gateway: ${response.status} ${text.slice(0, 300)}`,
  );
}

const CHUNK = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
const STREAM = [
  { ...CHUNK, choices: [{ index: 0, delta: { role: "assistant", content: "Der " }, finish_reason: null }] },
  {
    ...CHUNK,
    choices: [
      {
        index: 0,
        delta: {
          content: "Firn",
          tool_calls: [{ index: 0, id: "t", type: "function", function: { name: "f", arguments: "{" } }],
        },
        finish_reason: null,
      },
    ],
  },
  {
    ...CHUNK,
    choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  },
]
  .map((chunk) => `data: ${json(chunk)}\n\n`)
  .join("");
const WHOLE = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Firn", refusal: null },
      finish_reason: "stop",
      logprobs: null,
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
};

export const serveParsers: readonly HostileParser[] = [
  ...BODIES.map(
    ([path, ...samples]): HostileParser => ({
      name: `bodies of POST ${path}`,
      file: "src/serve/read-json.ts",
      share: 0.3,
      samples: samples.map(json),
      read: (bytes) => post(path, bytes),
    }),
  ),
  {
    name: "heads of HTTP requests",
    file: "src/serve/handle-request.ts",
    share: 0.05,
    samples: [
      `POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer firn_x\r\nConnection: close\r\nContent-Length: 33\r\n\r\n${json({ model: "ngram", content: "Schnee" })}`,
      'GET /index.html HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, br;q=0\r\nIf-None-Match: "a"\r\nRange: bytes=0-1\r\nConnection: close\r\n\r\n',
    ],
    read: async (bytes) => {
      const answer = await sendRaw(bytes);
      assert(answer === "" || /^HTTP\/1\.1 [2345]\d\d /.test(answer), "an answer in HTTP");
      assert(!answer.startsWith("HTTP/1.1 500"), `no fault of the server: ${answer.slice(0, 300)}`);
    },
  },
  {
    name: "event streams",
    file: "src/serve/gateway/read-events.ts",
    samples: [`: hello\r\nevent: x\rdata: 1\ndata:2\n\n${STREAM}data: [DONE]\n\n`],
    around: [
      ["", ""],
      ["data: ", "\n\n"],
    ],
    read: async (bytes) => {
      const half = Math.floor(bytes.length / 2);
      async function* parts(): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(0, half);
        yield bytes.subarray(half);
      }
      for await (const data of readEvents(parts())) assert(typeof data === "string", "data as text");
    },
  },
  {
    name: "streams of an engine behind the gateway",
    file: "src/serve/gateway/guard-answer.ts",
    share: 0.3,
    samples: [`${STREAM}data: [DONE]\n\n`],
    read: (bytes) => askGateway(bytes, true),
  },
  {
    name: "answers of an engine behind the gateway",
    file: "src/serve/gateway/gateway.ts",
    share: 0.3,
    samples: [json(WHOLE)],
    read: (bytes) => askGateway(bytes, false),
  },
  {
    name: "tool calls of a model",
    file: "src/serve/call-reader.ts",
    samples: ['[{"f": {"a": [1, {"b": "}\\""}]}}, {"g": {}}]'],
    read: (bytes) => {
      const reader = new CallReader();
      for (const event of [
        ...reader.push(bytes.toString().slice(0, 9)),
        ...reader.push(bytes.toString().slice(9)),
      ])
        assert(event.call >= 0 && event.call < reader.count, "events of calls that have begun");
    },
  },
  {
    name: "expressions for the calculator",
    file: "src/serve/tools/calculator.ts",
    samples: ["2^10 - sqrt(16) * (3.5e2 % 7) ÷ -pi", "((1))+abs(-99999999999999999999)"],
    around: [
      ["", ""],
      ["(", ")"],
      ["2^", "^9"],
    ],
    read: async (bytes) => {
      await calculator.call({ expression: bytes.toString() }, new AbortController().signal);
    },
  },
  {
    name: "the user's own documents",
    file: "src/serve/tools/document-search.ts",
    samples: ["# Library #\n\nThe reading room opens at nine.\n\n## Fees ##\r\n\r\nBorrowing is free.\n"],
    around: [
      ["", ""],
      ["# a", "b"],
    ],
    pieces: ["#", " #", "# ", "# a #\n"],
    read: (bytes) => {
      for (const { firstLine, lastLine } of cutPassages(bytes.toString()))
        assert(firstLine >= 1 && lastLine >= firstLine - 1, "lines in order");
    },
  },
  {
    name: "the file of MCP servers",
    file: "src/serve/tools/mcp-tools.ts",
    samples: [
      json({
        mcpServers: {
          a: { command: "node", args: ["x"] },
          b: { url: "https://e.org/mcp", headers: { a: "b" } },
        },
      }),
    ],
    read: async (bytes, dir) => readMcpConfig(await put(dir, "mcp.json", bytes)),
  },
  {
    name: "the file of keys",
    file: "src/serve/access/api-keys.ts",
    samples: [
      json({
        format: "firn-api-keys",
        formatVersion: 1,
        keys: [
          {
            id: "0123abcd",
            name: "a",
            role: "user",
            sha256: "ab".repeat(32),
            created: "2026-01-31T10:00:00.000Z",
            expires: null,
            revoked: null,
            requestsPerMinute: 5,
            tokensPerMinute: null,
          },
        ],
      }),
    ],
    read: async (bytes, dir) => readApiKeys(await put(dir, "keys.json", bytes)),
  },
];
