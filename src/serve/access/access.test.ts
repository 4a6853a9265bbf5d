import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../api-error.ts";
import { Access } from "./access.ts";
import { Allowance } from "./allowance.ts";
import { type ApiKey, makeApiKey, type NewKey, readApiKeys, writeApiKeys } from "./api-keys.ts";
import { AuditLog } from "./audit-log.ts";
import { KeyRing } from "./key-ring.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const UNLIMITED: NewKey = {
  name: "library",
  role: "user",
  expires: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
};

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "firn-access-"));
});
afterAll(() => rm(dir, { recursive: true }));

let files = 0;
async function ringOf(...keys: ApiKey[]): Promise<{ ring: KeyRing; file: string }> {
  const file = path.join(dir, `keys-${files++}.json`);
  await writeApiKeys(file, keys);
  return { ring: await KeyRing.open(file, () => NOW), file };
}

async function refusal(entering: Promise<unknown>): Promise<ApiError> {
  const error = await entering.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

const bearer = (secret: string): Headers => new Headers({ authorization: `Bearer ${secret}` });

describe("the file of keys", () => {
  it("keeps a hash and never the key", async () => {
    const { secret, key } = makeApiKey(UNLIMITED, NOW);
    const { file } = await ringOf(key);
    expect(await readFile(file, "utf8")).not.toContain(secret.slice(5));
    expect(await readApiKeys(file)).toEqual([key]);
  });

  it("is empty while there is none, and refused when it is something else", async () => {
    expect(await readApiKeys(path.join(dir, "none.json"))).toEqual([]);
    const broken = path.join(dir, "broken.json");
    for (const text of ["", "{}", '{"format":"firn-api-keys","formatVersion":1,"keys":[{}]}']) {
      await writeFile(broken, text);
      await expect(readApiKeys(broken), text).rejects.toMatchObject({ code: "SERVE_KEYS" });
    }
  });
});

describe("the door", () => {
  it("is open to everybody without keys", async () => {
    const { identity } = await new Access(undefined).enter("POST", "/v1/chat/completions", new Headers());
    expect(identity.key).toBeUndefined();
  });

  it("takes a key as OpenAI's and as Anthropic's clients send it", async () => {
    const { secret, key } = makeApiKey(UNLIMITED, NOW);
    const access = new Access((await ringOf(key)).ring);
    for (const headers of [bearer(secret), new Headers({ "x-api-key": secret })])
      expect((await access.enter("POST", "/v1/messages", headers)).identity.key).toBe(key.id);
  });

  it("shows the page and the papers to everybody, and nothing else", async () => {
    const access = new Access((await ringOf(makeApiKey(UNLIMITED, NOW).key)).ring);
    for (const open of ["/", "/assets/index.js", "/legal/summary.html", "/health"])
      await access.enter("GET", open, new Headers());
    for (const closed of ["/v1/models", "/v1/chat/completions", "/api/runs", "/metrics", "/tokenize", "/mcp"])
      expect((await refusal(access.enter("GET", closed, new Headers()))).status, closed).toBe(401);
  });

  it("refuses unknown, expired and revoked keys alike", async () => {
    const known = makeApiKey(UNLIMITED, NOW);
    const expired = makeApiKey({ ...UNLIMITED, expires: new Date(NOW.getTime() - 1) }, NOW);
    const gone = makeApiKey(UNLIMITED, NOW);
    const { ring } = await ringOf(known.key, expired.key, { ...gone.key, revoked: NOW.toISOString() });
    const access = new Access(ring);
    for (const secret of ["firn_unknown", expired.secret, gone.secret, `${known.secret}x`, ""]) {
      const error = await refusal(access.enter("POST", "/v1/models", bearer(secret)));
      expect(error.status, secret).toBe(401);
    }
  });

  it("keeps the server's figures for admins", async () => {
    const user = makeApiKey(UNLIMITED, NOW);
    const admin = makeApiKey({ ...UNLIMITED, role: "admin" }, NOW);
    const access = new Access((await ringOf(user.key, admin.key)).ring);
    expect((await refusal(access.enter("GET", "/metrics", bearer(user.secret)))).status).toBe(403);
    expect((await access.enter("GET", "/metrics", bearer(admin.secret))).identity.role).toBe("admin");
  });

  it("shuts out a key as soon as the file says that it is revoked", async () => {
    const { secret, key } = makeApiKey(UNLIMITED, NOW);
    const { file } = await ringOf(key);
    const ring = await KeyRing.open(file, () => NOW);
    expect(await ring.find(secret)).toEqual(key);
    await writeApiKeys(file, [{ ...key, revoked: NOW.toISOString() }]);
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect(await ring.find(secret)).toBeUndefined();
  });

  it("answers 429 with the time to wait once a key's minute is used up", async () => {
    const { secret, key } = makeApiKey({ ...UNLIMITED, requestsPerMinute: 2 }, NOW);
    const access = new Access((await ringOf(key)).ring);
    const enter = () => access.enter("POST", "/v1/completions", bearer(secret));
    expect((await enter()).headers["x-ratelimit-remaining-requests"]).toBe("1");
    await enter();
    const error = await refusal(enter());
    expect(error.status).toBe(429);
    expect(Number(error.headers["Retry-After"])).toBeGreaterThan(25);
    expect(Number(error.headers["Retry-After"])).toBeLessThanOrEqual(30);
  });
});

describe("an allowance", () => {
  it("is refilled over a minute, request by request and token by token", () => {
    let now = 0;
    const allowance = new Allowance({ requestsPerMinute: 60, tokensPerMinute: 600 }, () => now);
    expect(allowance.admit().admitted).toBe(true);
    allowance.spend(900);
    expect(allowance.admit()).toMatchObject({ admitted: false, limit: "tokens", retryAfter: 31 });
    now = 31_000;
    expect(allowance.admit().admitted).toBe(true);
    for (let i = 0; i < 59; i++) allowance.admit();
    expect(allowance.admit()).toMatchObject({ admitted: false, limit: "requests", retryAfter: 1 });
    now = 32_000;
    expect(allowance.admit().admitted).toBe(true);
  });
});

describe("the audit log", () => {
  it("holds one whole line a request, also when they end together, and goes on after a restart", async () => {
    const file = path.join(dir, "audit", "audit.jsonl");
    const faults: unknown[] = [];
    for (const round of [0, 1]) {
      const log = await AuditLog.open(file, (error) => faults.push(error));
      for (let i = 0; i < 50; i++) {
        log.write({
          time: NOW.toISOString(),
          request: `${round}-${i}`,
          key: null,
          method: "POST",
          path: "/v1/completions",
          status: 200,
          milliseconds: 1,
          model: "nano",
          promptTokens: 3,
          completionTokens: i,
          filtered: [],
        });
      }
      await log.close();
    }
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { request: string }).request)).toEqual(
      [0, 1].flatMap((round) => Array.from({ length: 50 }, (_, i) => `${round}-${i}`)),
    );
    expect(faults).toEqual([]);
  });
});
