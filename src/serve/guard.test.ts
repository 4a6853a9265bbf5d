import { describe, expect, it } from "vitest";
import { checkSite } from "./guard.ts";

function refusal(headers: Record<string, string>, allowed: string[] = []): string | undefined {
  try {
    checkSite(new Headers(headers), allowed);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("which sites may call the server", () => {
  it.each([
    "localhost:8080",
    "127.0.0.1",
    "127.0.0.1:8080",
    "[::1]:8080",
    "192.168.1.7:80",
    "firn.localhost",
  ])("takes requests for %s", (host) => expect(refusal({ host })).toBeUndefined());

  it("refuses other names, which could be an attacker's pointed at this machine", () => {
    expect(refusal({ host: "evil.example:8080" })).toBe("host_not_allowed");
    expect(refusal({ host: "127.0.0.1.evil.example" })).toBe("host_not_allowed");
    expect(refusal({ host: "localhost.evil.example" })).toBe("host_not_allowed");
    expect(refusal({ host: "a b" })).toBe("host_not_allowed");
    expect(refusal({})).toBe("host_not_allowed");
    expect(refusal({ host: "Model.Example" }, ["model.example"])).toBeUndefined();
  });

  it("refuses pages of other origins and lets its own page in", () => {
    const host = "127.0.0.1:8080";
    expect(refusal({ host, origin: "http://127.0.0.1:8080" })).toBeUndefined();
    expect(refusal({ host, origin: "http://127.0.0.1:9999" })).toBe("origin_not_allowed");
    expect(refusal({ host, origin: "https://evil.example" })).toBe("origin_not_allowed");
    expect(refusal({ host, origin: "null" })).toBe("origin_not_allowed");
  });
});
