/**
 * @file The ledger's facts as a paper reads them. Parsing is lenient: a field that is missing or of another shape is
 * simply not known, and the paper prints the gap. Nothing is ever filled in.
 */
import { z } from "zod";
import type { Json } from "../../core/index.ts";
import { type ProviderProfile, providerProfileSchema } from "./provider.ts";

/** A fact of the line that a release stands at the end of, oldest first. */
export interface ReleaseFact {
  /** Hash of the ledger line. */
  readonly id: string;
  readonly kind: string;
  readonly stage: string;
  readonly fingerprint: string;
  readonly data: Json;
}

/** What a fact said, together with which fact said it. */
export interface Recorded<T> {
  readonly data: T;
  /** The first 12 digits of the fact's hash: the number a paper prints. */
  readonly fact: string;
}

const text = z.string().optional().catch(undefined);
/** An address that can stand in Markdown as it is. */
const address = z
  .url({ protocol: /^https?$/ })
  .regex(/^[^\s<>|]+$/)
  .optional()
  .catch(undefined);
const number = z.number().finite().optional().catch(undefined);
const period = z.object({ from: z.string(), to: z.string() }).optional().catch(undefined);

/** Keeps the items that parse. */
function lenientList<T extends z.ZodType>(value: T) {
  return z
    .array(z.unknown())
    .catch([])
    .transform((list) =>
      list.flatMap((item): z.infer<T>[] => {
        const result = value.safeParse(item);
        return result.success ? [result.data] : [];
      }),
    );
}

/** Keeps the entries that parse. */
function lenientRecord<T extends z.ZodType>(value: T) {
  return z
    .record(z.string(), z.unknown())
    .catch({})
    .transform((record) => {
      const entries = Object.entries(record).flatMap(([key, item]) => {
        const result = value.safeParse(item);
        return result.success ? [[key, result.data] as const] : [];
      });
      return new Map<string, z.infer<T>>(entries);
    });
}

const sourceSchema = z.object({
  id: z.string(),
  title: text,
  licence: text,
  licenceUnknownBecause: text,
  contentRights: text,
  category: text,
  period,
  /** When the copy was compiled or fetched. */
  acquired: period,
  revision: text,
  /** SHA-256 over the files as they came. */
  contentHash: text,
  url: address,
  bytes: number,
  files: number,
});
export type SourceFact = z.infer<typeof sourceSchema>;

const count = z
  .object({ documents: number, bytes: number })
  .catch({ documents: undefined, bytes: undefined });
const stepSchema = z.object({
  step: z.string(),
  source: text,
  in: count,
  out: count,
  changed: number,
  reasons: lenientRecord(z.number()),
  /** Dropped documents under names that may overlap: `signal robots`, `agent GPTBot`. */
  marks: lenientRecord(count),
});
export type StepFact = z.infer<typeof stepSchema>;

const tokenizerSchema = z.object({ vocabSize: number, sha256: text, documents: number, languages: number });

const counts = z.object({ documents: number, bytes: number, tokens: number });
/** Documents, UTF-8 bytes and tokens of something. */
export type Counts = z.infer<typeof counts>;
const splitSchema = counts.extend({ languages: lenientRecord(counts), sources: lenientRecord(counts) });
const tokenizeSchema = z.object({ tokenizer: text, splits: lenientRecord(splitSchema) });

const trainSchema = z.object({
  steps: number,
  tokens: number,
  epochs: number,
  goldfishShare: number,
  finalLoss: number,
  parameters: number,
  flops: number,
});
export type TrainFact = z.infer<typeof trainSchema>;

/** What of one source is in the finished documents. */
const freezeSchema = z.object({
  source: z.string(),
  train: count,
  heldout: count,
  licences: lenientRecord(z.number()),
});

/** What decisions about reservations of rights rested on. */
const optOutSchema = z.object({
  agents: z.array(z.string()).catch([]),
  signals: z.array(z.string()).catch([]),
  snapshot: z.object({ sha256: text, hosts: number, period: z.unknown() }).nullable().catch(null),
  requests: z.object({ sha256: text, count: number }).nullable().catch(null),
});
export type OptOutFact = z.infer<typeof optOutSchema>;

const domainRow = z.object({ domain: z.string(), bytes: z.number(), documents: z.number() });
/** Registrable domains of the kept training documents. */
const domainsSchema = z.object({
  domains: z.number(),
  listed: z.number(),
  rule: z.string(),
  publicSuffixList: z.string(),
  sha256: z.string(),
  largest: z.array(domainRow),
});
export type DomainsFact = z.infer<typeof domainsSchema>;

/** What the release stage computed with `planning` from the training facts. */
const computeSchema = z.object({
  /** Operations counted term by term over the architecture. */
  architectureFlop: z.number(),
  /** 6·parameters·tokens, the Commission's short cut. */
  sixParametersFlop: z.number(),
  parameters: z.number(),
  tokens: z.number(),
  /** Units · seconds · peak · utilisation, where the provider told all four. */
  hardwareFlop: z.number().nullable(),
  /** Units · seconds · peak: what the hardware could have done at most. */
  hardwarePeakFlop: z.number().nullable(),
  generalPurpose: z.boolean(),
  systemicRisk: z.boolean(),
  sentence: z.string(),
  /** One forward pass for one token at the full context. */
  inferenceFlopPerToken: z.number(),
});
export type ComputeFact = z.infer<typeof computeSchema>;

const startFromSchema = z.object({ parameters: number, sha256: z.array(z.string()).catch([]) });

const initialiseSchema = z.object({ parameters: number, seed: number });

/** Conversations that the line made for fine-tuning. `madeBy` says how: `templates`, or a model's name. */
const conversationsSchema = z.object({
  train: number,
  heldout: number,
  licence: text,
  madeBy: text,
  skills: lenientRecord(z.number()),
  languages: lenientRecord(z.number()),
});

const bits = z.object({
  name: z.string(),
  bytes: number,
  model: number,
  unigram: number,
  bigram: number,
  gzip: number,
  xz: number,
});
export type BitsRow = z.infer<typeof bits>;
const rows = lenientList(bits);
const nullable = z.number().finite().nullish().catch(undefined);
const memorised = z.object({
  kind: z.string(),
  prefixes: z.string().nullish().catch(undefined),
  prefixTokens: nullable,
  repetitions: z.number(),
  timesRead: nullable,
  probes: z.number(),
  rougeL: nullable,
  lccs: nullable,
  exact: nullable,
  exposure: nullable,
});
export type MemorisedRow = z.infer<typeof memorised>;
const memorisedRows = lenientList(memorised);
const evaluateSchema = z.object({
  bitsPerByte: z
    .object({ all: bits.optional().catch(undefined), languages: rows })
    .nullish()
    .catch(undefined),
  languageByLikelihood: z
    .object({
      lines: number,
      candidates: number,
      chance: number,
      modelAccuracy: number,
      identifierAccuracy: number,
    })
    .nullish()
    .catch(undefined),
  conversations: z.object({ asked: number, correct: number }).nullish().catch(undefined),
  memorisation: z
    .object({ probes: z.number(), goldfish: nullable, texts: memorisedRows, canaries: memorisedRows })
    .nullish()
    .catch(undefined),
});

/** Tokens of the conversations, as fine-tuning encoded them. */
const finetuneDataSchema = z.object({ conversations: number, tokens: number });

/** The released model itself: name, shape, licence, files. Papers cite it for figures that the release shows. */
const modelSchema = z.looseObject({ name: z.string(), version: z.string() });

/** Everything the papers know. A list is empty and a value undefined where no fact says anything. */
export interface ReleaseRecord {
  readonly model: Recorded<z.infer<typeof modelSchema>> | undefined;
  readonly provider: Recorded<ProviderProfile> | undefined;
  readonly optOut: Recorded<OptOutFact> | undefined;
  readonly domains: Recorded<DomainsFact> | undefined;
  readonly compute: Recorded<ComputeFact> | undefined;
  /** By source id, ordered by it. */
  readonly sources: readonly Recorded<SourceFact>[];
  /** In the order they ran. */
  readonly steps: readonly Recorded<StepFact>[];
  readonly tokenizer: Recorded<z.infer<typeof tokenizerSchema>> | undefined;
  /** One per source. */
  readonly freeze: readonly Recorded<z.infer<typeof freezeSchema>>[];
  readonly initialise: Recorded<z.infer<typeof initialiseSchema>> | undefined;
  /** Weights of another model that training went on from. */
  readonly startFrom: Recorded<z.infer<typeof startFromSchema>> | undefined;
  readonly conversations: Recorded<z.infer<typeof conversationsSchema>> | undefined;
  readonly finetuneData: Recorded<z.infer<typeof finetuneDataSchema>> | undefined;
  /** What the tokenizer counted in the training split. */
  readonly training: Recorded<z.infer<typeof splitSchema>> | undefined;
  /** The same of the held-out split. */
  readonly heldout: Recorded<z.infer<typeof splitSchema>> | undefined;
  /** The training runs by kind: `train`, `finetune`. */
  readonly train: Recorded<TrainFact> | undefined;
  /** Every pre-training run, in order: longer contexts come after the first. */
  readonly trainRuns: readonly Recorded<TrainFact>[];
  readonly finetune: Recorded<TrainFact> | undefined;
  readonly evaluate: Recorded<z.infer<typeof evaluateSchema>> | undefined;
}

/** Facts of `kind` that parse; of several with the same `key`, the last one recorded, in the place of the first. */
function collect<T>(
  facts: readonly ReleaseFact[],
  kind: string,
  schema: z.ZodType<T>,
  key: (data: T, fact: ReleaseFact) => string,
): Recorded<T>[] {
  const found = new Map<string, Recorded<T>>();
  for (const fact of facts) {
    if (fact.kind !== kind) continue;
    const result = schema.safeParse(fact.data);
    if (result.success) found.set(key(result.data, fact), { data: result.data, fact: fact.id.slice(0, 12) });
  }
  return [...found.values()];
}

/** Sorts a release's facts by what they are about. */
export function readFacts(facts: readonly ReleaseFact[]): ReleaseRecord {
  const only = <T>(kind: string, schema: z.ZodType<T>): Recorded<T> | undefined =>
    collect(facts, kind, schema, () => "").at(-1);
  const tokenize = only("tokenize", tokenizeSchema);
  const split = (name: string): Recorded<z.infer<typeof splitSchema>> | undefined => {
    const data = tokenize?.data.splits.get(name);
    return data === undefined || tokenize === undefined ? undefined : { data, fact: tokenize.fact };
  };
  return {
    model: only("model", modelSchema),
    provider: only("provider", providerProfileSchema),
    optOut: only("optout", optOutSchema),
    domains: only("domains", domainsSchema),
    compute: only("compute", computeSchema),
    sources: collect(facts, "source", sourceSchema, ({ id }) => id).sort((a, b) =>
      a.data.id < b.data.id ? -1 : 1,
    ),
    steps: collect(facts, "step", stepSchema, ({ step, source }, fact) =>
      JSON.stringify([fact.stage, fact.fingerprint, step, source ?? null]),
    ),
    freeze: collect(facts, "freeze", freezeSchema, ({ source }) => source),
    initialise: only("initialise", initialiseSchema),
    startFrom: only("start-from", startFromSchema),
    trainRuns: collect(facts, "train", trainSchema, (_data, fact) => fact.fingerprint),
    conversations: only("conversations", conversationsSchema),
    finetuneData: only("finetune-data", finetuneDataSchema),
    tokenizer: only("tokenizer", tokenizerSchema),
    training: split("train"),
    heldout: split("heldout"),
    train: only("train", trainSchema),
    finetune: only("finetune", trainSchema),
    evaluate: only("evaluate", evaluateSchema),
  };
}
