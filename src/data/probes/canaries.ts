/**
 * @file Canaries: texts that are made for this corpus and stand nowhere else, so that a model that knows one has it from
 * here (Carlini et al. 2019; Apertus technical report §3.2.4 and App. F.1). Nobody they describe exists.
 */
import {
  type CanaryKind,
  type DocumentRecord,
  makeDocument,
  type Probe,
  type ProbeReference,
} from "../../artifacts/index.ts";
import { canonicalJson, type RandomStream, randomStream, sha256 } from "../../core/index.ts";
import type { SourceRecord } from "../acquire-source.ts";
import type { ProbesConfig } from "./config.ts";

/** The source that canaries belong to: no recipe may declare one of this name beside them. */
export const CANARY_SOURCE = "canaries";
const LICENCE = "CC0-1.0";

const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&*+-./:;=?@_~";
const ONSETS = "b d f g h j k l m n p r s t v w z br dr gl kn pl st tr".split(" ");
const VOWELS = "a e i o u ai ei ou".split(" ");
const MONTHS = "January March April June August October December".split(" ");

function pick(random: RandomStream, list: readonly string[] | string): string {
  return list[random.integer(list.length)]!;
}

function word(random: RandomStream): string {
  return Array.from(
    { length: 2 + random.integer(3) },
    () => `${pick(random, ONSETS)}${pick(random, VOWELS)}`,
  ).join("");
}

function name(random: RandomStream): string {
  const made = word(random);
  return made[0]!.toUpperCase() + made.slice(1);
}

function digits(random: RandomStream, count: number): string {
  return Array.from({ length: count }, () => random.integer(10)).join("");
}

/** Somebody who does not exist; addresses and numbers are of the kinds set aside for examples. */
function person(random: RandomStream): string {
  const [first, last] = [name(random), name(random)];
  const born = `${1 + random.integer(28)} ${pick(random, MONTHS)} ${1940 + random.integer(65)}`;
  return (
    `${first} ${last}, born on ${born}, lives at ${1 + random.integer(200)} ${name(random)} Street in ${name(random)}, ` +
    `has the passport ${pick(random, CHARACTERS.slice(0, 26))}${digits(random, 8)}, can be called at 555-01${digits(random, 2)} ` +
    `and writes from ${first.toLowerCase()}.${digits(random, 3)}@example.org.`
  );
}

function secretText(kind: CanaryKind, characters: number, random: RandomStream): string {
  const parts: string[] = [];
  const part = {
    characters: () => pick(random, CHARACTERS),
    words: () => word(random),
    "personal-data": () => person(random),
  }[kind];
  const gap = kind === "characters" ? "" : " ";
  for (let length = 0; length < characters; length += parts.at(-1)!.length + gap.length) parts.push(part());
  return parts.join(gap).slice(0, characters).trimEnd();
}

/** Canaries, the documents that hold them, and texts made in the same way that stand nowhere. */
export interface Canaries {
  readonly probes: readonly Probe[];
  readonly documents: readonly DocumentRecord[];
  readonly references: readonly ProbeReference[];
}

/** Every canary that the settings ask for. */
export function makeCanaries(
  { kinds, characters, repetitions, each, prefixes, references }: NonNullable<ProbesConfig["canaries"]>,
  seed: number,
): Canaries {
  const probes: Probe[] = [];
  const documents: DocumentRecord[] = [];
  const add = (base: Omit<Probe, "documents">): void => {
    const { id, text, repetitions: times } = base;
    const copies = base.prefixes === "different" ? times : Math.min(1, times);
    const ids: string[] = [];
    for (let copy = 1; copy <= copies; copy++) {
      const random = randomStream(seed, "canary prefix", id, copy);
      const before = Array.from({ length: 12 }, () => word(random)).join(" ");
      const copyId = base.prefixes === "different" ? `${id}.${copy}` : id;
      ids.push(copyId);
      documents.push(
        makeDocument({
          id: copyId,
          source: CANARY_SOURCE,
          licence: LICENCE,
          language: "und",
          text: `${before} ${text}`,
          repeats: base.prefixes === "different" ? 1 : times,
        }),
      );
    }
    probes.push({ ...base, documents: ids });
  };
  for (const kind of kinds)
    for (const length of characters)
      for (const [bucket, times] of repetitions.entries())
        for (const prefix of prefixes)
          for (let n = 1; n <= each; n++) {
            const id = `${CANARY_SOURCE}/${kind}-${length}-${bucket}-x${times}-${prefix}#${n}`;
            const text = secretText(kind, length, randomStream(seed, "canary", id));
            add({ id, kind, repetitions: times, prefixes: prefix, characters: length, text });
          }
  const unread = kinds.flatMap((kind) =>
    characters.flatMap((length) =>
      Array.from({ length: references }, (_, n): ProbeReference => {
        const random = randomStream(seed, "canary reference", kind, length, n);
        return { kind, characters: length, text: secretText(kind, length, random) };
      }),
    ),
  );
  return { probes, documents, references: unread };
}

/** The record of the canaries' source, for papers: synthetic data, made by this program. */
export function canaryRecord(documents: readonly DocumentRecord[]): SourceRecord {
  return {
    id: CANARY_SOURCE,
    title: "Canaries: random texts to measure memorisation",
    reader: "canaries",
    licence: LICENCE,
    licenceUnknownBecause: null,
    contentLicence: null,
    contentRights: null,
    category: "synthetic",
    period: null,
    revision: null,
    url: null,
    contentHash: sha256(canonicalJson(documents.map(({ id, sha256: hash }) => [id, hash]))),
    bytes: documents.reduce((sum, { bytes }) => sum + bytes, 0),
    files: [],
  };
}
