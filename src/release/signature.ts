/**
 * @file A release's signature: an OpenSSF model signature (model-signing 1.0), that is a Sigstore bundle whose DSSE
 * envelope holds an in-toto statement with the checksum of every file, signed by a plain EC P-256 key. Sources:
 * github.com/sigstore/model-transparency; DSSE 1.0.0; in-toto Statement v1.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { z } from "zod";
import { canonicalJson, FirnError, type Json, parseJson } from "../core/index.ts";
import type { ReleaseFile } from "./checksums.ts";

/** The signature's file inside the release. */
export const SIGNATURE = "model.sig";
/** The public key beside it, for whoever has no other copy of it. */
export const PUBLIC_KEY = "model.pub";

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const PREDICATE_TYPE = "https://model_signing/signature/v1.0";

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const bundleSchema = z.object({
  mediaType: z.string().startsWith("application/vnd.dev.sigstore.bundle"),
  verificationMaterial: z.object({ publicKey: z.object({ hint: z.string() }) }),
  dsseEnvelope: z.object({
    payload: z.base64(),
    payloadType: z.literal(PAYLOAD_TYPE),
    signatures: z.array(z.object({ sig: z.base64() })).length(1),
  }),
});
const statementSchema = z.object({
  subject: z.array(z.object({ name: z.string(), digest: z.object({ sha256: digest }) })).length(1),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.object({
    resources: z.array(z.object({ name: z.string(), algorithm: z.literal("sha256"), digest })),
  }),
});

function keyError(got: string, where: string, cause?: unknown): FirnError {
  return new FirnError("RELEASE_KEY", {
    expected: "an EC key on the curve P-256 in PEM",
    got,
    where,
    next: "Make one with `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`, or name a file that does not exist yet: firn release writes a new key there.",
    cause,
  });
}

function checkCurve(key: KeyObject, where: string): KeyObject {
  if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  throw keyError(`a key of kind ${key.asymmetricKeyType ?? "unknown"}`, where);
}

/** A new private key as PEM (SEC 1, what `openssl ecparam` writes). */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "sec1", format: "pem" }).toString();
}

/** Reads a private key. Throws `RELEASE_KEY`. */
export function readSigningKey(pem: string, where: string): KeyObject {
  try {
    return checkCurve(createPrivateKey(pem), where);
  } catch (error) {
    throw error instanceof FirnError ? error : keyError("something else", where, error);
  }
}

/** Reads a public key. Throws `RELEASE_KEY`. */
export function readPublicKey(pem: string, where: string): KeyObject {
  try {
    return checkCurve(createPublicKey(pem), where);
  } catch (error) {
    throw error instanceof FirnError ? error : keyError("something else", where, error);
  }
}

/** The public half as PEM (SubjectPublicKeyInfo). */
export function publicPem(key: KeyObject): string {
  const half = key.type === "private" ? createPublicKey(key) : key;
  return half.export({ type: "spki", format: "pem" }).toString();
}

const keyHint = (key: KeyObject): string => createHash("sha256").update(publicPem(key)).digest("hex");

/** DSSE's pre-authentication encoding: what is really signed. */
function preAuthentication(payload: Uint8Array, type: string = PAYLOAD_TYPE): Buffer {
  const header = `DSSEv1 ${type.length} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(header), payload]);
}

/** SHA-256 over the files' checksums in the order of their names. */
function rootDigest(resources: readonly { readonly digest: string }[]): string {
  const hash = createHash("sha256");
  for (const resource of resources) hash.update(Buffer.from(resource.digest, "hex"));
  return hash.digest("hex");
}

/**
 * Signs `files` under the model's `name`; the text of `model.sig`. ECDSA draws a random number, so that two
 * signatures of the same files differ.
 */
export function signFiles(name: string, files: readonly ReleaseFile[], key: KeyObject): string {
  const resources = files
    .map(({ path, sha256 }) => ({ digest: sha256, name: path, algorithm: "sha256" }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest: { sha256: rootDigest(resources) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      resources,
      serialization: {
        method: "files",
        hash_type: "sha256",
        allow_symlinks: false,
        ignore_paths: [SIGNATURE],
      },
    },
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const bundle = {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: keyHint(key) }, tlogEntries: [] },
    dsseEnvelope: {
      payload: payload.toString("base64"),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: sign("sha256", preAuthentication(payload), key).toString("base64"), keyid: "" }],
    },
  };
  return `${JSON.stringify(bundle)}\n`;
}

/** A signature whose key fits: what it says about the files. */
export interface SignedFiles {
  readonly name: string;
  /** SHA-256 of the public key's PEM. */
  readonly key: string;
  /** Checksum by path. */
  readonly files: ReadonlyMap<string, string>;
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Checks the text of a `model.sig` against `key`. Throws `RELEASE_SIGNATURE`. */
export function checkSignature(text: string, key: KeyObject, where: string): SignedFiles {
  const fault = (got: string): FirnError =>
    new FirnError("RELEASE_SIGNATURE", {
      expected: "a model signature (Sigstore bundle) by the given key",
      got,
      where,
      next: "Get the release, or the provider's public key (--public-key), again from where it is published. Do not use this copy.",
    });
  const bundle = bundleSchema.safeParse(jsonOf(text));
  if (!bundle.success) throw fault("a file that is not a bundle of this kind");
  const { payload: encoded, signatures } = bundle.data.dsseEnvelope;
  if (bundle.data.verificationMaterial.publicKey.hint !== keyHint(key))
    throw fault("a signature by another key");
  const payload = Buffer.from(encoded, "base64");
  const signature = Buffer.from(signatures[0]!.sig, "base64");
  if (!verify("sha256", preAuthentication(payload), key, signature))
    throw fault("a statement that was changed after it was signed");
  const statement = statementSchema.safeParse(jsonOf(payload.toString()));
  if (!statement.success) throw fault("a signed statement about something else");
  const { resources } = statement.data.predicate;
  const [subject] = statement.data.subject;
  if (subject!.digest.sha256 !== rootDigest(resources))
    throw fault("a list of files that does not give its own checksum");
  return {
    name: subject!.name,
    key: keyHint(key),
    files: new Map(resources.map(({ name, digest: sum }) => [name, sum])),
  };
}

/** Any statement in a DSSE envelope, with the key's fingerprint as its id. Throws `RELEASE_KEY`. */
export function signStatement(
  payloadType: string,
  statement: Json,
  { pem, where }: { readonly pem: string; readonly where: string },
): Json {
  const key = readSigningKey(pem, where);
  const payload = Buffer.from(canonicalJson(statement));
  const signature = sign("sha256", preAuthentication(payload, payloadType), key).toString("base64");
  return {
    statement,
    envelope: {
      payload: payload.toString("base64"),
      payloadType,
      signatures: [{ sig: signature, keyid: keyHint(key) }],
    },
    publicKey: publicPem(key),
  };
}

const signedSchema = z.object({
  envelope: z.object({
    payload: z.base64(),
    payloadType: z.string().min(1).max(200),
    signatures: z.array(z.object({ sig: z.base64(), keyid: z.string() })).length(1),
  }),
  publicKey: z.string(),
});

/**
 * Checks what `signStatement` made: the envelope's content, not the readable copy beside it.
 *
 * @param publicKeyPem the provider's key; the one enclosed when left out
 * @throws FirnError `RELEASE_SIGNATURE`, `RELEASE_KEY`
 */
export function checkStatement(
  text: string,
  where: string,
  publicKeyPem?: string,
): { readonly statement: Json; readonly key: string } {
  const fault = (got: string): FirnError =>
    new FirnError("RELEASE_SIGNATURE", {
      expected: "a statement signed by the given key",
      got,
      where,
      next: "Ask the provider for the receipt again, or for the right public key (--public-key).",
    });
  const parsed = signedSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw fault("a file that is not a signed statement");
  const { envelope, publicKey } = parsed.data;
  const key = readPublicKey(publicKeyPem ?? publicKey, where);
  const payload = Buffer.from(envelope.payload, "base64");
  const signature = Buffer.from(envelope.signatures[0]!.sig, "base64");
  if (!verify("sha256", preAuthentication(payload, envelope.payloadType), key, signature))
    throw fault("one that was changed, or signed by another key");
  return { statement: jsonOf(payload.toString()) as Json, key: keyHint(key) };
}
