/** @file Facts of a small release, a fully answered provider's form, and papers' input made of both, for tests. */
import { createHash } from "node:crypto";
import type { Json } from "../../core/index.ts";
import { APERTUS_8B, type ModelConfig, parameterCount } from "../../model/index.ts";
import { readFacts, type ReleaseFact } from "./facts.ts";
import type { PaperInput } from "./paper-input.ts";
import type { ProviderProfile } from "./provider.ts";

export const CONFIG: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 16,
  hiddenSize: 32,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  ffnSize: 32,
  contextLength: 64,
};

export const fact = (kind: string, data: Json): ReleaseFact => ({
  id: createHash("sha256")
    .update(JSON.stringify([kind, data]))
    .digest("hex"),
  kind,
  stage: kind,
  fingerprint: "f".repeat(64),
  data,
});

const SOURCE = { reader: "folder", bytes: 5000, files: 2, revision: "1.0", contentRights: null };
const COUNT = { documents: 10, bytes: 4000, tokens: 1000 };
export const FACTS: ReleaseFact[] = [
  fact("source", {
    ...SOURCE,
    id: "udhr",
    title: "Universal Declaration",
    licence: "CC0-1.0",
    category: "public-dataset",
    url: "https://example.org/udhr",
    period: { from: "1948", to: "2024-05" },
  }),
  fact("source", {
    ...SOURCE,
    id: "books",
    title: "Old <b>books</b> | more",
    licence: "LicenseRef-PD",
    category: "public-dataset",
    url: null,
    period: { from: "1800", to: "1920" },
  }),
  fact("step", {
    step: "quality",
    in: { documents: 25, bytes: 9000 },
    out: { documents: 21, bytes: 8000 },
    changed: 0,
    reasons: { short: 4 },
    languages: {},
  }),
  fact("step", {
    step: "pii",
    in: { documents: 21, bytes: 8000 },
    out: { documents: 21, bytes: 7990 },
    changed: 3,
    reasons: {},
    languages: {},
  }),
  fact("tokenizer", { vocabSize: 16, sha256: "a".repeat(64), documents: 20, bytes: 8000, languages: 3 }),
  fact("tokenize", {
    tokenizer: "a".repeat(64),
    vocabSize: 16,
    splits: {
      train: {
        documents: 20,
        bytes: 8000,
        tokens: 2000,
        languages: { deu: COUNT, roh: { documents: 10, bytes: 4000, tokens: 1000 } },
        sources: { udhr: { ...COUNT, tokens: 1980 }, books: { ...COUNT, tokens: 20 } },
      },
      heldout: { documents: 2, bytes: 100, tokens: 30, languages: {}, sources: {} },
    },
  }),
  fact("freeze", {
    source: "udhr",
    train: { documents: 10, bytes: 4000 },
    heldout: { documents: 2, bytes: 100 },
    licences: { "CC0-1.0": 12 },
  }),
  fact("model", { name: "tiny-1", version: "1.0.0", date: "2026-11-23", parameters: 1234, files: [] }),
  fact("initialise", { parameters: 1234, seed: 28 }),
  fact("train", {
    steps: 10,
    tokens: 4000,
    flops: 1.5e12,
    parameters: 1234,
    finalLoss: 3.21,
    epochs: 2,
    goldfishShare: 0.02,
  }),
  fact("evaluate", {
    bitsPerByte: {
      all: {
        name: "all",
        documents: 2,
        bytes: 100,
        tokens: 30,
        model: 1.9,
        unigram: 4,
        bigram: 3,
        gzip: 3.1,
        xz: null,
      },
      languages: [
        {
          name: "deu",
          documents: 2,
          bytes: 100,
          tokens: 30,
          model: 1.9,
          unigram: 4,
          bigram: 3,
          gzip: 3,
          xz: 3,
        },
      ],
    },
    languageByLikelihood: {
      lines: 50,
      candidates: 10,
      chance: 0.1,
      modelAccuracy: 0.8,
      identifierAccuracy: 0.9,
    },
    conversations: null,
  }),
  fact("compute", {
    architectureFlop: 1.5e12,
    sixParametersFlop: 1.4e12,
    parameters: 1234,
    tokens: 4000,
    hardwareFlop: null,
    hardwarePeakFlop: 9e13,
    generalPurpose: false,
    systemicRisk: false,
    sentence: "Below 1e23 FLOP: indicatively not a general-purpose AI model; its papers are voluntary.",
    inferenceFlopPerToken: 1e4,
  }),
  fact("domains", {
    domains: 42,
    listed: 5,
    rule: "the largest 10 % by bytes of retained text",
    publicSuffixList: "a list",
    sha256: "b".repeat(64),
    largest: [{ domain: "example.org", bytes: 3000, documents: 7 }],
  }),
];

export const RELEASE = { name: "tiny-1", version: "1.0.0", date: "2026-11-23" };

/** What somebody who filled in the whole form would have said. */
export const FULL_PROVIDER: ProviderProfile = {
  name: "Example Laboratory",
  contact: "lab@example.org",
  address: "1 Example Street",
  inUnion: true,
  sme: true,
  website: "https://example.org/model",
  updates: "https://example.org/model/changes.xml",
  previousVersions: "None: this is the first version.",
  placementDate: "2026-12-01",
  distribution: "https://example.org/model, weights open to everybody",
  codeOfPractice: false,
  contentTypes: ["legal and official documents", "fiction and non fiction text"],
  continuousTraining: false,
  demographics: "Texts from all continents; older books are by writers of one country.",
  rightsReservations: "Only sources whose licence permits it were taken; robots.txt was read for the others.",
  copyrightResponsible: "The laboratory's head",
  complaints: "By e-mail; each is answered within 14 days.",
  illegalContent: "Sources were looked through by hand before they were taken.",
  biasMeasures: "Bits per byte were compared between languages.",
  rationale: "Small enough to be trained on one machine.",
  userInteractions: false,
  otherServices: false,
  syntheticData: false,
  intendedUse: "Learning how a language model is made.",
  outOfScopeUse: "Anything that matters.",
  limitations: "It knows little and makes things up.",
  acceptableUse: "No deception of people.",
  hardware: {
    device: "two processor cores",
    units: 1,
    hours: 0.1,
    peakFlops: 5e11,
    utilisation: 0.5,
    watts: 30,
    pue: 1.2,
    gridGramsPerKilowattHour: 100,
  },
};

/** Facts with a provider's profile at the end. */
export function withProvider(facts: readonly ReleaseFact[], profile: ProviderProfile): ReleaseFact[] {
  return [...facts, fact("provider", JSON.parse(JSON.stringify(profile)) as Json)];
}

/** Everything the papers are printed from, for any facts. */
export function inputOf(facts: readonly ReleaseFact[]): PaperInput {
  return {
    record: readFacts(facts),
    release: RELEASE,
    config: CONFIG,
    parameters: parameterCount(CONFIG),
    licence: "Apache-2.0",
    ggufFiles: ["tiny-1-f32.gguf"],
    weightFiles: [{ path: "model.safetensors", bytes: 1000, sha256: "c".repeat(64) }],
    corpusFiles: [{ path: "documents/train-00000.parquet", bytes: 2000, sha256: "d".repeat(64) }],
  };
}
