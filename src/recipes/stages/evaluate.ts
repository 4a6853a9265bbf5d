/** @file The stage that measures the base model on held-out text, and the chat model on unseen conversations. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { conversationQuestion, scoreConversations } from "../../align/index.ts";
import {
  type ConversationScoreRecord,
  type DocumentRecord,
  openTokens,
  type Probe,
  readConversations,
  readDocuments,
  readParquetRows,
  readProbes,
  type Tokens,
} from "../../artifacts/index.ts";
import type { Json, Work } from "../../core/index.ts";
import { LANGUAGE_MODEL_FILE, LanguageIdentifier } from "../../data/index.ts";
import {
  chooseLanguageLines,
  evaluateModel,
  type MemorisationOptions,
  type ParallelDocument,
  selectHeldOut,
} from "../../evaluate/index.ts";
import { OnnxModel } from "../../generate/index.ts";
import { defineStage, stageNode, type StageContext, type StageNode } from "../../pipeline/index.ts";
import { loadTokenizer, renderChat, type Tokenizer } from "../../tokenizer/index.ts";
import { readWeights } from "../../train/index.ts";
import type { EvaluateSection, MemorisationSection, SamplesSection } from "../sections.ts";
import { textCodec } from "../text-codec.ts";

export interface EvaluateConfig extends Omit<EvaluateSection, "memorisation"> {
  /** Where the documents have probes and the recipe wants them measured. */
  readonly memorisation?: MemorisationSection & {
    /** One label in so many was not learnt; null: all were. */
    readonly goldfish: number | null;
    /** Whether the weights come from one run over the tokens, whose record then says how often each probe was read. */
    readonly readInOneRun: boolean;
  };
  readonly samples: Omit<SamplesSection, "during">;
  /** Prompt plus answer of a conversation, in tokens; more is cut off by the context. */
  readonly chatLength: number;
}

const baseInputs = {
  weights: "weights",
  tokenizer: "tokenizer",
  documents: "documents",
  tokens: "tokens",
} as const;
const chatInputs = { ...baseInputs, chat: "weights", conversations: "conversations" } as const;
type Inputs = typeof baseInputs & Partial<typeof chatInputs>;

/** Longest answer of our conversations, in tokens, with room to be wrong in. */
const ANSWER_TOKENS = 48;

async function readAll(dir: string, split: "train" | "heldout"): Promise<ParallelDocument[]> {
  const documents: ParallelDocument[] = [];
  const plain = ({ id, text, language, source, parallelKey }: DocumentRecord): ParallelDocument => ({
    id,
    text,
    language: language ?? "und",
    source,
    parallelKey,
  });
  for await (const batch of readDocuments(dir, split)) documents.push(...batch.map(plain));
  return documents;
}

function* sequences({ ids, documentOffsets, documentCount }: Tokens): Generator<Int32Array, void, void> {
  for (let i = 0; i < documentCount; i++) yield ids.subarray(documentOffsets[i], documentOffsets[i + 1]);
}

/** Asks the chat model every held-out question, likeliest token first, and compares to the letter. */
async function askConversations(
  chatDir: string,
  conversationsDir: string,
  tokenizer: Tokenizer,
  length: number,
  work: Work,
): Promise<ConversationScoreRecord[]> {
  const { config, weights } = await readWeights(chatDir);
  const asked = await readConversations(conversationsDir, "heldout");
  const model = new OnnxModel(config, weights, { name: "chat", threads: work.threads, length });
  const task = work.report.task("unseen conversations", asked.length, "conversations");
  const answers = new Map<string, string>();
  try {
    for (const [index, conversation] of asked.entries()) {
      work.signal.throwIfAborted();
      const { messages } = conversationQuestion(conversation);
      const { ids } = renderChat(tokenizer, messages, { addGenerationPrompt: true });
      const answer: number[] = [];
      const options = {
        maxTokens: ANSWER_TOKENS,
        temperature: 0,
        stopIds: config.eosIds,
        signal: work.signal,
      };
      if (ids.length < model.contextLength) {
        for await (const { id } of model.generate(ids, options)) answer.push(id);
      }
      answers.set(conversation.id, tokenizer.decode(answer));
      task.update(index + 1);
    }
  } finally {
    await model.close();
  }
  const records = scoreConversations(asked, answers);
  task.finish(`${records.filter(({ correct }) => correct).length} of ${records.length} answered exactly`);
  return records;
}

/** How often training read each probe: tokens of its documents that steps took, over their lengths. */
async function countReads(
  weightsDir: string,
  tokens: Tokens,
  probes: readonly Probe[],
): Promise<(probe: Probe) => number> {
  const taken = new Map(probes.flatMap(({ documents }) => documents).map((id) => [id, 0]));
  for await (const rows of readParquetRows(path.join(weightsDir, "exposure.parquet"))) {
    for (const { document, length } of rows as unknown as { document: string; length: number }[]) {
      const before = taken.get(document);
      if (before !== undefined) taken.set(document, before + length);
    }
  }
  const lengths = new Map((await tokens.documents()).map(({ id, length }) => [id, length]));
  return ({ documents }) =>
    documents.reduce((sum, id) => sum + taken.get(id)! / Math.max(1, lengths.get(id) ?? 0), 0);
}

/** What the evaluation needs to measure memorisation; nothing where it is not asked for. */
async function memorisationOf(
  { memorisation }: EvaluateConfig,
  dirs: { readonly documents: string; readonly weights: string },
  tokens: Tokens,
): Promise<{ readonly memorisation?: MemorisationOptions }> {
  if (memorisation === undefined) return {};
  const { readInOneRun, ...settings } = memorisation;
  const probes = await readProbes(dirs.documents);
  const timesRead = readInOneRun ? await countReads(dirs.weights, tokens, probes.probes) : () => null;
  return { memorisation: { ...settings, ...probes, timesRead } };
}

async function run(context: StageContext<EvaluateConfig, Inputs>): Promise<Json> {
  const { config, inputs, dir } = context;
  const { tokenizer } = await loadTokenizer(inputs.tokenizer.dir);
  const base = await readWeights(inputs.weights.dir);
  const identifierFile = path.join(inputs.documents.dir, LANGUAGE_MODEL_FILE);
  const identifier = LanguageIdentifier.fromJson(await readFile(identifierFile, "utf8"), identifierFile);
  const heldOut = selectHeldOut(await readAll(inputs.documents.dir, "heldout"), config);
  const { chat, conversations } = inputs;
  const answers =
    chat === undefined || conversations === undefined
      ? []
      : await askConversations(chat.dir, conversations.dir, tokenizer, config.chatLength, context);
  const model = new OnnxModel(base.config, base.weights, {
    name: "base",
    threads: context.threads,
    device: config.device,
  });
  try {
    const tokens = await openTokens(inputs.tokens.dir, "train");
    const dirs = { documents: inputs.documents.dir, weights: inputs.weights.dir };
    const summary = await evaluateModel(
      {
        model,
        codec: textCodec(tokenizer),
        heldOut,
        trainingTokens: sequences(tokens),
        languageLines: chooseLanguageLines({
          training: await readAll(inputs.documents.dir, "train"),
          heldOut,
          languages: config.languages,
          linesPerLanguage: config.linesPerLanguage,
          seed: config.seed,
        }),
        identify: (text) => identifier.identify(text).language,
        prompts: config.samples.prompts.map((prompt, i) => ({ id: `prompt-${i + 1}`, ...prompt })),
        ...(await memorisationOf(config, dirs, tokens)),
        seed: config.seed,
      },
      dir,
      context,
      answers,
    );
    return summary as unknown as Json;
  } finally {
    await model.close();
  }
}

/** The evaluation's node; with `chat` and `conversations` in the inputs the chat model is asked, too. */
export function evaluateNode(
  config: EvaluateConfig,
  inputs: { readonly [Name in keyof typeof baseInputs]: StageNode } & {
    readonly chat?: StageNode;
    readonly conversations?: StageNode;
  },
): StageNode {
  const withChat = inputs.chat !== undefined && inputs.conversations !== undefined;
  const stage = defineStage<EvaluateConfig, Inputs>({
    name: "evaluate",
    version: 2,
    inputs: withChat ? chatInputs : baseInputs,
    output: "evaluations",
    run,
  });
  return stageNode("evaluate", stage, config, inputs);
}
