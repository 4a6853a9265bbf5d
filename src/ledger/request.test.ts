import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sha256 } from "../core/index.ts";
import { Ledger, verifyLedger } from "./ledger.ts";
import {
  collectRequests,
  normaliseSubject,
  type OpenRequest,
  recordedSubject,
  refuseEverything,
  requestClock,
  type RequestEffect,
  requestId,
  requestRules,
  type RequestSubject,
} from "./request.ts";
import { requestLetter } from "./request-letter.ts";

const REQUEST: OpenRequest = {
  id: "20260101-abc",
  kind: "domain",
  subject: "example.com",
  received: "2026-01-01T10:00:00.000Z",
  deadline: "2026-01-31T10:00:00.000Z",
  documents: [],
  effects: [],
  decisions: [],
};

describe("what a request names", () => {
  it("is written in one way", () => {
    const ways: [RequestSubject, string][] = [
      [{ kind: "domain", value: " HTTPS://www.Example.com/a?b " }, "www.example.com"],
      [{ kind: "domain", value: "example.com." }, "example.com"],
      [{ kind: "hash", value: "A".repeat(64) }, "a".repeat(64)],
      [{ kind: "url", value: "https://example.com/texts/" }, "https://example.com/texts/"],
      [{ kind: "person", value: " Jane Example " }, "Jane Example"],
    ];
    for (const [subject, value] of ways)
      expect(normaliseSubject(subject)).toEqual({ kind: subject.kind, value });
  });

  it("is refused when it is nothing, or everybody's", () => {
    const refused: RequestSubject[] = [
      { kind: "domain", value: "com" },
      { kind: "domain", value: "co.uk" },
      { kind: "domain", value: "" },
      { kind: "domain", value: "localhost" },
      { kind: "url", value: "example.com/x" },
      { kind: "url", value: "https://example.com" },
      { kind: "hash", value: "abc" },
      { kind: "text", value: "the" },
      { kind: "person", value: "  Al  " },
    ];
    for (const subject of refused)
      expect(() => normaliseSubject(subject), subject.value).toThrow(/LEDGER_REQUEST/);
  });

  it("is kept as a hash where it is somebody's words or name", () => {
    const person: RequestSubject = { kind: "person", value: "Jane Example" };
    expect(recordedSubject(person, "salt")).toBe(sha256("salt Jane Example"));
    expect(recordedSubject(person, "salt")).not.toBe(recordedSubject(person, "other"));
    expect(recordedSubject({ kind: "domain", value: "example.com" }, "salt")).toBe("example.com");
    const ids = ["a", "b"].map((salt) => requestId("2026-01-01T10:00:00.000Z", salt));
    expect(new Set(ids).size).toBe(2);
  });
});

describe("the list for the next build", () => {
  it("has a line per domain, address and document, and none for what was refused", () => {
    const requests: OpenRequest[] = [
      REQUEST,
      { ...REQUEST, id: "u", kind: "url", subject: "https://example.com/a/" },
      {
        ...REQUEST,
        id: "t",
        kind: "text",
        subject: "f".repeat(64),
        documents: ["b".repeat(64), "a".repeat(64)],
      },
      { ...REQUEST, id: "h", kind: "hash", subject: "c".repeat(64), documents: ["c".repeat(64)] },
      { ...REQUEST, id: "no", decisions: [{ decision: "refused", why: null, time: REQUEST.received }] },
    ];
    expect(requestRules(requests)).toEqual([
      { id: REQUEST.id, date: "2026-01-01", domain: "example.com" },
      { id: "u", date: "2026-01-01", urlPrefix: "https://example.com/a/" },
      { id: "t", date: "2026-01-01", sha256: "a".repeat(64) },
      { id: "t", date: "2026-01-01", sha256: "b".repeat(64) },
      { id: "h", date: "2026-01-01", sha256: "c".repeat(64) },
    ]);
  });
});

describe("a request about every document", () => {
  it("is refused, one about some or none is not", () => {
    const made = (documents: number, heldout: number, corpus: number): RequestEffect => ({
      run: "f".repeat(64),
      documents,
      heldout,
      corpus,
      bytes: 0,
      tokens: 0,
      seenTokens: 0,
      steps: 0,
      firstStep: null,
      lastStep: null,
      totalSteps: 9,
      dropped: [],
      releases: [],
      retrain: null,
    });
    expect(() => refuseEverything([made(3, 1, 4)])).toThrow(/LEDGER_REQUEST.*all 4 of the run/);
    for (const some of [made(3, 0, 4), made(0, 0, 4), made(0, 0, 0)]) refuseEverything([some]);
  });
});

describe("the clock of a request", () => {
  it("counts the days, says when they are over, and cannot be fooled by one that was set back", () => {
    const at = (time: string) => requestClock(REQUEST, new Date(time));
    expect(at("2026-01-02T10:00:00Z")).toEqual({ state: "open", days: 29 });
    expect(at("2026-02-03T11:00:00Z")).toEqual({ state: "overdue", days: 4 });
    expect(at("2025-12-31T00:00:00Z")).toEqual({ state: "clock-behind" });
    const decided = { ...REQUEST, decisions: [{ decision: "retrain", why: null, time: "" } as const] };
    expect(requestClock(decided, new Date("2026-06-01"))).toEqual({ state: "decided" });
  });
});

describe("a ledger whose machine's clock jumps", () => {
  afterEach(() => vi.useRealTimers());

  it("keeps its order, loses nothing, and says where time went backwards", async () => {
    const dir = await mkdtemp(join(tmpdir(), "firn-clock-"));
    vi.useFakeTimers({ toFake: ["Date"] });
    const ledger = Ledger.open(dir);
    const { decisions: _none, ...data } = REQUEST;
    for (const [index, time] of ["2026-03-01", "2026-03-02", "2026-01-05", "2026-03-03"].entries()) {
      vi.setSystemTime(new Date(`${time}T00:00:00Z`));
      const kind = index === 3 ? "request.decision" : "request";
      const said = index === 3 ? { id: "r1", decision: "refused", why: "No." } : { ...data, id: `r${index}` };
      ledger.append({ kind, stage: "", fingerprint: "", attempt: 0, data: said });
    }
    expect(await verifyLedger(dir)).toMatchObject({ facts: 4, backwards: 3 });
    const requests = await collectRequests(ledger.facts());
    expect(requests.map(({ id, decisions }) => [id, decisions.length])).toEqual([
      ["r0", 0],
      ["r1", 1],
      ["r2", 0],
    ]);
    expect(requestLetter(requests[1]!, "f".repeat(64))).toContain("It was refused. No.");
    await rm(dir, { recursive: true });
  });
});
