/** @file The parsers of `ledger`: its own file, as a hand or a disk may have changed it, and what people ask to be left out. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHAIN_START, sealFact } from "../../src/ledger/fact.ts";
import { Ledger, verifyLedger } from "../../src/ledger/ledger.ts";
import { normaliseSubject, REQUEST_KINDS } from "../../src/ledger/request.ts";
import { canonicalJson, FirnError } from "../../src/core/index.ts";
import type { HostileParser } from "../hostile/parser.ts";

const first = sealFact(
  { kind: "source", stage: "acquire", fingerprint: "", attempt: 0, data: { a: [1, null] } },
  0,
  CHAIN_START,
  "2026-01-31T10:00:00.000Z",
);
const second = sealFact(
  { kind: "step", stage: "documents", fingerprint: "ab".repeat(32), attempt: 1, data: "x" },
  1,
  first.hash,
  "2026-01-31T10:00:01.000Z",
);

export const ledgerParsers: readonly HostileParser[] = [
  {
    name: "facts",
    file: "src/ledger/fact.ts",
    samples: [`${canonicalJson(first)}\n${canonicalJson(second)}\n`],
    read: async (bytes, dir) => {
      await rm(join(dir, "ledger"), { recursive: true, force: true });
      await mkdir(join(dir, "ledger"));
      await writeFile(join(dir, "ledger", "facts.jsonl"), bytes);
      await verifyLedger(dir).catch((error: unknown) => {
        if (!(error instanceof FirnError)) throw error;
      });
      Ledger.open(dir);
    },
  },
  {
    name: "subjects of requests",
    file: "src/ledger/request.ts",
    samples: ["example.org", "https://example.org/texts/", "ab".repeat(32), "Anna Muster, Bern"],
    near: ["com", "xn--bcher-kva.example", "[::1]"],
    around: [
      ["", ""],
      ["https://", "/a"],
      ["a.", ".org"],
    ],
    read: (bytes) => {
      for (const kind of REQUEST_KINDS) {
        try {
          const once = normaliseSubject({ kind, value: bytes.toString() });
          normaliseSubject(once);
        } catch (error) {
          if (!(error instanceof FirnError)) throw error;
        }
      }
    },
  },
];
