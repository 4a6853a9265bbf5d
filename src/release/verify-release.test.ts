import { mkdir, mkdtemp, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeFileAtomic } from "../artifacts/index.ts";
import { canonicalJson, silentReporter, type Work } from "../core/index.ts";
import { factId } from "../ledger/index.ts";
import { hashRelease, writeChecksums } from "./checksums.ts";
import { publishRelease } from "./publish.ts";
import {
  checkSignature,
  checkStatement,
  newSigningKey,
  publicPem,
  readPublicKey,
  readSigningKey,
  signStatement,
} from "./signature.ts";
import { verifyRelease } from "./verify-release.ts";

const work: Work = {
  report: silentReporter,
  signal: new AbortController().signal,
  fact: () => undefined,
  workers: 1,
  threads: 1,
};
const PEM = newSigningKey();
const OTHER = newSigningKey();
const LEDGER = { facts: 12, head: "a".repeat(64) };
const publicOf = (pem: string): string => publicPem(readSigningKey(pem, "key"));

describe("a signature", () => {
  it("made by model-signing 1.1 (PyPI, OpenSSF) is understood", async () => {
    const at = (name: string): URL => new URL(`../../test/release/model-signing.${name}`, import.meta.url);
    const key = readPublicKey(await readFile(at("pub"), "utf8"), "model-signing.pub");
    const signed = checkSignature(await readFile(at("sig"), "utf8"), key, "model-signing.sig");
    expect([signed.name, ...signed.files.keys()]).toEqual(["m", "a.txt", "legal/b.md"]);
  });
});

describe("what claims to be a signature", () => {
  it("is refused in words, whatever it is", () => {
    const key = readPublicKey(publicOf(PEM), "key");
    const shaped = fc.record({
      mediaType: fc.constantFrom("application/vnd.dev.sigstore.bundle.v0.3+json", "x"),
      verificationMaterial: fc.oneof(fc.jsonValue(), fc.constant({ publicKey: { hint: "x" } })),
      dsseEnvelope: fc.oneof(
        fc.jsonValue(),
        fc.record({
          payload: fc.base64String(),
          payloadType: fc.constant("application/vnd.in-toto+json"),
          signatures: fc.array(fc.record({ sig: fc.base64String() })),
        }),
      ),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          shaped.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          expect(() => checkSignature(text, key, "x")).toThrow(/RELEASE_SIGNATURE/);
          expect(() => checkStatement(text, "x")).toThrow(/RELEASE_(SIGNATURE|KEY)/);
        },
      ),
    );
  });
});

describe("a signed statement", () => {
  it("says what was signed, and is refused when it was changed or the key is another", () => {
    const key = { pem: PEM, where: "key.pem" };
    const text = JSON.stringify(signStatement("application/vnd.test+json", { id: "r1", tokens: 5 }, key));
    expect(checkStatement(text, "x").statement).toEqual({ id: "r1", tokens: 5 });
    expect(checkStatement(text, "x", publicOf(PEM)).statement).toEqual({ id: "r1", tokens: 5 });
    expect(() => checkStatement(text, "x", publicOf(OTHER))).toThrow(/RELEASE_SIGNATURE/);
    const payload = Buffer.from('{"id":"r1","tokens":6}').toString("base64");
    expect(() => checkStatement(text.replace(/"payload":"[^"]*"/, `"payload":"${payload}"`), "x")).toThrow(
      /RELEASE_SIGNATURE/,
    );
    expect(() => checkStatement("{}", "x")).toThrow(/not a signed statement/);
  });
});

describe("a published release", () => {
  let root: string;
  let releaseDir: string;
  let count = 0;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "firn-verify-"));
    releaseDir = join(root, "release");
    const fact = { kind: "train", stage: "pretrain", fingerprint: "", attempt: 0, data: { steps: 3 } };
    const id = factId(fact);
    await writeFileAtomic(join(releaseDir, "model.safetensors"), "weights");
    await writeFileAtomic(join(releaseDir, "manifest.json"), "{}");
    await writeFileAtomic(join(releaseDir, "legal/Paper.md"), `3 steps (\`fact:${id.slice(0, 12)}\`)\n`);
    await writeFileAtomic(join(releaseDir, "legal/facts.jsonl"), `${canonicalJson({ ...fact, id })}\n`);
    await writeChecksums(releaseDir, await hashRelease(releaseDir));
  });
  afterAll(() => rm(root, { recursive: true }));

  const publish = async (pem: string | undefined = PEM): Promise<string> => {
    const dir = join(root, `out-${(count += 1)}`);
    await publishRelease(
      {
        releaseDir,
        dir,
        name: "tiny",
        feed: "<feed/>",
        ledger: LEDGER,
        ...(pem === "" ? {} : { signingKey: { pem, where: "key.pem" } }),
      },
      work,
    );
    return dir;
  };

  it("verifies with the provider's key, with the one enclosed, and unsigned says so", async () => {
    const dir = await publish();
    expect(await verifyRelease(dir, publicOf(PEM))).toMatchObject({ signature: "named", facts: 1 });
    expect(await verifyRelease(dir)).toMatchObject({ signature: "enclosed" });
    expect(await verifyRelease(await publish(""))).toMatchObject({ signature: "none", key: undefined });
    await expect(verifyRelease(await publish(""), publicOf(PEM))).rejects.toThrow(/RELEASE_SIGNATURE.*none/);
  });

  it("with a changed, missing or added file is refused, naming it", async () => {
    const changed = await publish();
    await writeFile(join(changed, "model.safetensors"), "Weights");
    await expect(verifyRelease(changed)).rejects.toThrow(/RELEASE_CHANGED.*model\.safetensors was changed/);
    const missing = await publish();
    await unlink(join(missing, "legal/Paper.md"));
    await expect(verifyRelease(missing)).rejects.toThrow(/RELEASE_CHANGED.*Paper\.md is missing/);
    const added = await publish();
    await writeFile(join(added, "legal/More.md"), "more");
    await expect(verifyRelease(added)).rejects.toThrow(/RELEASE_CHANGED.*More\.md was added/);
  });

  it("changed together with its checksums is still refused by the signature", async () => {
    const dir = await publish();
    await writeFile(join(dir, "model.safetensors"), "Weights");
    const files = (await hashRelease(dir)).filter(
      ({ path }) => !/^(model\.(sig|pub)|SHA256SUMS)$/.test(path),
    );
    await writeChecksums(dir, files);
    await expect(verifyRelease(dir)).rejects.toThrow(/RELEASE_CHANGED.*the signature lists/);
  });

  it("signed by another key, or with a tampered bundle, is refused", async () => {
    const dir = await publish(OTHER);
    await expect(verifyRelease(dir, publicOf(PEM))).rejects.toThrow(/RELEASE_SIGNATURE.*another key/);
    const text = await readFile(join(dir, "model.sig"), "utf8");
    const bundle = JSON.parse(text) as { dsseEnvelope: { payload: string } };
    const statement = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString().replace("tiny", "tiny2");
    bundle.dsseEnvelope.payload = Buffer.from(statement).toString("base64");
    const key = readPublicKey(publicOf(OTHER), "key");
    expect(() => checkSignature(JSON.stringify(bundle), key, "x")).toThrow(/changed after it was signed/);
    for (const broken of ["", "{", "[]", text.slice(0, 200)]) {
      expect(() => checkSignature(broken, key, "x")).toThrow(/RELEASE_SIGNATURE/);
    }
    expect(checkSignature(text, key, "x").files.size).toBe(7);
  });

  it("whose papers cite a fact that is not there, or whose facts were altered, is refused", async () => {
    const resum = async (dir: string): Promise<void> => {
      await writeChecksums(
        dir,
        (await hashRelease(dir)).filter(({ path }) => path !== "SHA256SUMS"),
      );
    };
    const cited = await publish("");
    await writeFile(join(cited, "legal/Paper.md"), "4 (`fact:000000000000`)");
    await resum(cited);
    await expect(verifyRelease(cited)).rejects.toThrow(/RELEASE_FACTS.*000000000000/);
    const altered = await publish("");
    const facts = await readFile(join(altered, "legal/facts.jsonl"), "utf8");
    await writeFile(join(altered, "legal/facts.jsonl"), facts.replace('"steps":3', '"steps":4'));
    await resum(altered);
    await expect(verifyRelease(altered)).rejects.toThrow(/RELEASE_FACTS.*line 1/);
    for (const line of ["{", "null", '{"id":1}']) {
      await writeFile(join(altered, "legal/facts.jsonl"), `${line}\n`);
      await resum(altered);
      await expect(verifyRelease(altered)).rejects.toThrow(/RELEASE_FACTS.*line 1/);
    }
  });

  it("says where its ledger stood, or is refused when that is not said in the form", async () => {
    const dir = await publish();
    expect(await verifyRelease(dir)).toMatchObject({ ledger: LEDGER });
    const other = await publish("");
    await writeFile(join(other, "legal/ledger.json"), '{"facts":-1}');
    const files = (await hashRelease(other)).filter(({ path }) => path !== "SHA256SUMS");
    await writeChecksums(other, files);
    await expect(verifyRelease(other)).rejects.toThrow(/RELEASE_FACTS.*ledger\.json/);
  });

  it("is never written over, and only made with keys of the right kind", async () => {
    const full = join(root, "full");
    await mkdir(full);
    await writeFile(join(full, "x"), "");
    await expect(
      publishRelease({ releaseDir, dir: full, name: "tiny", feed: "", ledger: LEDGER }, work),
    ).rejects.toThrow(/RELEASE_TARGET/);
    await expect(publish("not a key")).rejects.toThrow(/RELEASE_KEY/);
    await expect(verifyRelease(root)).rejects.toThrow(/RELEASE_NOT_ONE/);
    await expect(verifyRelease(await publish(), "no key")).rejects.toThrow(/RELEASE_KEY/);
  });
});
