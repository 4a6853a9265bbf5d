/**
 * @file The command table. Help, `docs/reference/cli.md` and the tests of both are made from it; a command that is
 * not here does not exist, and one that is here works.
 */
import type { Command, CommandOption } from "./command.ts";
import { DEVICES } from "../planning/index.ts";
import { EXPORT_FORMATS, GGUF_FORMATS, HF_DTYPES } from "./export-formats.ts";
import { DEFAULT_STORE } from "./options.ts";
import { TARGETS } from "./targets.ts";

const STORE: CommandOption = {
  flags: "--store <dir>",
  description: "folder that holds the artifacts and the ledger",
  default: DEFAULT_STORE,
};

const RELEASE = {
  name: "release",
  description: "folder of a release, or a .gguf file beside a tokenizer.json",
  required: false,
} as const;

const MACHINE: readonly CommandOption[] = [
  { flags: "--workers <n>", description: "worker threads for data steps", default: "all cores" },
  { flags: "--threads <n>", description: "threads of numerical work", default: "all cores" },
];

const RECIPE = {
  name: "recipe",
  description: "a shipped recipe (nano, web, apertus-8b, apertus-70b) or the path of a .yaml file",
  required: true,
} as const;

export const COMMANDS: readonly Command[] = [
  {
    name: "build",
    summary: "run what a recipe lacks, from sources to a release",
    description:
      "Prints the plan, runs every stage whose artifact is not in the store yet, and ends with what came of it. " +
      "A build that was stopped, or killed in any way, goes on when the same command is run again, and gives the " +
      "same bytes. Settings that changed rebuild their stage and what depends on it, nothing else. Started by mpirun or " +
      "srun, it trains on all their processes (docs/distributed.md).",
    arguments: [RECIPE],
    options: [
      STORE,
      { flags: "--to <noun>", description: `stop at one of: ${TARGETS.join(", ")}` },
      {
        flags: "--device <name>",
        description: "train and score on `cpu`, `webgpu` or `cuda`, whatever the recipe says",
      },
      ...MACHINE,
      {
        flags: "--rank-timeout <seconds>",
        description: "under mpirun or srun: how long a rank may stay silent in the middle of a step",
        default: "600",
      },
    ],
    examples: [
      "npx firn build nano",
      "npx firn build ./my-recipe.yaml --to documents",
      "mpirun -n 2 npx firn build nano",
    ],
    load: () => import("./commands/build.ts"),
  },
  {
    name: "plan",
    summary: "what a recipe would do and cost, formulas shown",
    description:
      "Prints the tree of stages (cached or to run) and the training run's parameters, operations, memory, time and " +
      "energy, each with its formula and numbers. Without --device a recipe that can be built here is planned for " +
      "this machine, on which a few training steps are timed. Runs nothing else and writes nothing. For the folder of a model " +
      "instead of a recipe: its size, and what each format takes on the disk and in memory.",
    arguments: [{ ...RECIPE, description: `${RECIPE.description}, or the folder of a model` }],
    options: [
      STORE,
      { flags: "--device <name>", description: `plan for one of: ${Object.keys(DEVICES).join(", ")}` },
      { flags: "--devices <n>", description: "how many of them" },
      {
        flags: "--utilisation <share>",
        description: "share of the device's peak that training reaches, e.g. 0.35",
      },
      { flags: "--tokens <n>", description: "train on this many tokens instead" },
      ...MACHINE,
    ],
    examples: [
      "npx firn plan nano",
      "npx firn plan apertus-70b",
      "npx firn plan apertus-8b --device h100 --devices 512",
    ],
    load: () => import("./commands/plan.ts"),
  },
  {
    name: "show",
    summary: "what the store holds, or what is inside one artifact",
    description:
      "Without a name lists every artifact. With a kind (documents, weights, …), a stage, a folder or the first digits " +
      "of a fingerprint shows what it was made from, its settings, files and first contents, after checking the files " +
      "against their checksums. For documents: the funnel of steps and reasons, languages, web sites, licences, and " +
      "random examples of what was kept and dropped. For a tokenizer, or a tokenizer.json from elsewhere: what the " +
      "Universal Declaration of Human Rights costs in each of some 530 languages, how far they are apart, and what " +
      "survives. `firn show ledger` checks the chain of facts.",
    arguments: [
      {
        name: "artifact",
        description: "kind, stage, folder, path, fingerprint, `ledger`, or a tokenizer.json",
        required: false,
      },
    ],
    options: [
      STORE,
      { flags: "--limit <n>", description: "how many things inside to show", default: "3" },
      { flags: "--seed <n>", description: "documents: other examples", default: "0" },
      { flags: "--next-to <path>", description: "tokenizer: beside it, another folder or tokenizer.json" },
    ],
    examples: [
      "npx firn show",
      "npx firn show documents",
      "npx firn show tokenizer --next-to gpt2/tokenizer.json",
      "npx firn show ledger",
    ],
    load: () => import("./commands/show.ts"),
  },
  {
    name: "trace",
    summary: "follow the chain: which documents a training step saw, which steps saw a document",
    description:
      "`step N` lists the documents in training step N; `document ID` says which steps saw a document, or which step " +
      'of the data pipeline dropped it and why; `text "…"` finds the documents that hold a text; `domain NAME`, ' +
      "`url ADDRESS` (and all below it) and `licence ID` say what was used, what was dropped and why, and how much training " +
      "read of it; for a text also which tokens hold it. Answers come from the tables of the newest pretraining run in the store, offline. " +
      "`index` builds an index beside them, which answers without reading the corpus.",
    arguments: [
      {
        name: "subject",
        description: "step, document, text, domain, url or licence; or index",
        required: true,
      },
      {
        name: "value",
        description: "the step's number, the document's id, the text, domain, address or licence",
        required: false,
        variadic: true,
      },
    ],
    options: [
      STORE,
      { flags: "--weights <artifact>", description: "another pretraining run", default: "the newest" },
    ],
    examples: ["npx firn trace step 1", 'npx firn trace text "born free and equal"'],
    load: () => import("./commands/trace.ts"),
  },
  {
    name: "crawl",
    summary: "fetch the pages of a site into a web archive",
    description:
      "Follows links from the addresses given without leaving their hosts, one page at a time, keeps to robots.txt, and " +
      "writes a .warc.gz that the `warc` reader of a recipe takes (`- { warc: ./pages.warc.gz, licence: … }`). The store's " +
      "ledger records by what name it went, when, and what it took from each host; papers of builds there say so.",
    arguments: [{ name: "url", description: "where to start", required: true, variadic: true }],
    options: [
      STORE,
      { flags: "--to <file>", description: "archive to write", default: "crawl.warc.gz" },
      { flags: "--max-pages <n>", description: "stop after so many pages", default: "1000" },
      { flags: "--delay <seconds>", description: "wait between requests to one host", default: "1" },
      { flags: "--agent <text>", description: "how to introduce oneself", default: "firn and its version" },
    ],
    examples: ["npx firn crawl https://example.org/ --to pages.warc.gz --max-pages 100"],
    load: () => import("./commands/crawl.ts"),
  },
  {
    name: "fetch",
    summary: "fetch files from elsewhere, and print the lines by which a recipe pins them",
    description:
      "Takes hf://owner/name (also @revision and /path or a pattern), https:// and s3:// addresses. What has arrived before a " +
      "break or Ctrl-C is kept, and the same command goes on from there. Files go where `firn build` looks for them: " +
      "FIRN_DOWNLOADS, else firn/downloads in the cache folder. Gated repositories need HF_TOKEN, S3 stores AWS_ACCESS_KEY_ID, " +
      "AWS_SECRET_ACCESS_KEY, AWS_REGION and, beyond Amazon, AWS_ENDPOINT_URL_S3; none of them is ever printed or recorded.",
    arguments: [{ name: "address", description: "what to fetch", required: true, variadic: true }],
    options: [
      { flags: "--downloads <dir>", description: "where to keep the files", default: "FIRN_DOWNLOADS" },
    ],
    examples: ["npx firn fetch hf://HuggingFaceFW/fineweb-2/data/roh_Latn/test/*.parquet"],
    load: () => import("./commands/fetch.ts"),
  },
  {
    name: "optout",
    summary: "what people and sites say about training on their text",
    description:
      "`add KIND VALUE` takes a request (domain, url, hash, text or person), computes which documents, tokens, training " +
      "steps and released models it concerns, records it in the ledger, and writes a signed receipt and a letter in " +
      "plain words; the ledger keeps passages and personal data as salted hashes only. `list` shows the requests and their deadlines, " +
      "with --domain also what was left out of every corpus, on what evidence, when, and how many tokens it is; " +
      "`decide ID next-corpus|output-filter|retrain|refused` records an answer. " +
      "`fetch FILE` asks the hosts with most text in the store (or those of --hosts) for robots.txt, ai.txt and " +
      "tdmrep.json, one request at a time each, and writes what they answer to a snapshot. A recipe that names it " +
      "under `documents.optOut.snapshot` leaves out what they refuse, in crawls of any date. A run that was stopped goes " +
      "on; hosts that did not answer are asked again.",
    arguments: [
      { name: "action", description: "add, list, decide or fetch", required: true },
      {
        name: "words",
        description:
          "add: kind and value; decide: request and decision; fetch: snapshot to write (JSON Lines)",
        required: false,
        variadic: true,
      },
    ],
    options: [
      STORE,
      { flags: "--output", description: "add: also keep the model from saying it, now" },
      { flags: "--contact <text>", description: "add: where the answer goes" },
      { flags: "--days <n>", description: "add: days until the answer is due", default: "30" },
      { flags: "--everything", description: "add: the request is meant although it names all documents" },
      {
        flags: "--domain <name>",
        description: "list: only requests that touch this domain, and what was left out of it",
      },
      { flags: "--why <text>", description: "decide: the reason, for the letter" },
      { flags: "--hosts <file>", description: "hosts to ask, one a line, instead of those of the store" },
      { flags: "--top <n>", description: "ask only the first n", default: "1000" },
      { flags: "--parallel <n>", description: "hosts asked at the same time", default: "16" },
      {
        flags: "--agent <text>",
        description: "how to introduce oneself to them",
        default: "firn and its version",
      },
    ],
    examples: [
      "npx firn optout add domain example.com --contact rights@example.com",
      "npx firn optout list",
      "npx firn optout fetch ./optout-snapshot.jsonl --top 100",
    ],
    load: () => import("./commands/optout.ts"),
  },
  {
    name: "provider",
    summary: "the provider's form: what only people know, asked once, printed on every paper",
    description:
      "Asks for name, contact, dates, measures and intended use, and records the answers in the store's ledger; builds " +
      "in this store print their papers with them. Without a terminal, or with --json, shows what is on record; --set " +
      "and --file answer without asking.",
    arguments: [],
    options: [
      STORE,
      { flags: "--set <pair...>", description: "answers as key=value; an empty value takes one back" },
      { flags: "--file <json>", description: "answers from a file, as --json prints them" },
      {
        flags: "--measure",
        description: "take device, peak and hours of training from this machine and the ledger",
      },
      { flags: "--threads <n>", description: "threads that the training used", default: "all cores" },
    ],
    examples: [
      "npx firn provider",
      'npx firn provider --set name="Example Laboratory" contact=lab@example.org inUnion=yes',
    ],
    load: () => import("./commands/provider.ts"),
  },
  {
    name: "verify",
    summary: "is everything still what was recorded? a store, or one release, offline",
    description:
      "Without a name walks the store's ledger line by line (the first broken link is named) and hashes every file of " +
      "every artifact. With the folder of a release checks its checksums, its signature, and that its papers cite " +
      "facts that are there and unaltered; with a receipt (.json), its signature. A key from somewhere else than the release says who signed it.",
    arguments: [
      { name: "release", description: "folder of a release, an artifact, or a receipt", required: false },
    ],
    options: [STORE, { flags: "--public-key <file>", description: "the provider's public key (PEM)" }],
    examples: ["npx firn verify", "npx firn verify ./published --public-key provider.pub"],
    load: () => import("./commands/verify.ts"),
  },
  {
    name: "release",
    summary: "grade a release's papers; copy it out of the store, signed, to be published",
    description:
      "Without --out prints what the public summary earns from records, and what still needs a person. With --out " +
      "copies weights and papers into a new folder with checksums over all of it; --key signs both with an EC P-256 " +
      "key as an OpenSSF model signature (a new key is written if the file does not exist). Publishing is recorded " +
      "in the ledger.",
    arguments: [
      { name: "release", description: "folder, fingerprint or path of a release artifact", required: false },
    ],
    options: [
      STORE,
      { flags: "--out <dir>", description: "a new folder for the published release" },
      { flags: "--key <file>", description: "private key that signs (PEM)" },
      { flags: "--site", description: "add the transparency portal as pages for any web server" },
      {
        flags: "--manifest <yaml>",
        description: "instead: print a summary from published facts beside what was published",
      },
    ],
    examples: ["npx firn release", "npx firn release --out ./published --key ./provider.key --site"],
    load: () => import("./commands/release.ts"),
  },
  {
    name: "pull",
    summary: "fetch a model from the Hugging Face Hub",
    description:
      "Fetches all files of a repository at one commit into models/<owner>/<name> (or --out), each checked against the size " +
      "and hash that the Hub lists, and records them in pulled.json. A pull that was stopped or broken goes on where it " +
      "was, at the same commit. HF_TOKEN opens gated and private repositories; HF_ENDPOINT names another Hub.",
    arguments: [{ name: "repository", description: "owner/name, or owner/name@revision", required: true }],
    options: [
      { flags: "--revision <name>", description: "branch, tag or commit", default: "main" },
      { flags: "--include <pattern...>", description: "only files that match, e.g. '*.json'" },
      { flags: "--exclude <pattern...>", description: "no files that match" },
      { flags: "--parallel <n>", description: "files fetched at the same time", default: "4" },
      { flags: "--out <dir>", description: "folder", default: "models/<owner>/<name>" },
    ],
    examples: [
      "npx firn pull swiss-ai/Apertus-8B-Instruct-2509",
      "npx firn pull swiss-ai/Apertus-8B-2509 --include '*.json' --out ./apertus-config",
    ],
    load: () => import("./commands/pull.ts"),
  },
  {
    name: "export",
    summary: "write a model in another program's format",
    description:
      "Takes a Hugging Face folder of Apertus shape, a release or weights of the store (the newest release without a " +
      "name), or a Megatron-LM checkpoint, and writes one GGUF file for llama.cpp (--type), a folder for transformers and vLLM " +
      "(--to hf), ONNX files for browsers (--to onnx) or a Megatron-LM checkpoint (--to megatron). Weights are streamed: " +
      "memory does not grow with the model. The file or folder appears when it is whole.",
    arguments: [
      {
        name: "model",
        description: "folder of weights, release, artifact, or pulled model",
        required: false,
      },
    ],
    options: [
      STORE,
      { flags: "--to <format>", description: `one of: ${EXPORT_FORMATS.join(", ")}` },
      { flags: "--type <type>", description: `gguf: ${GGUF_FORMATS.join(", ")}`, default: "q8_0" },
      {
        flags: "--dtype <type>",
        description: `hf, megatron: ${HF_DTYPES.join(", ")}`,
        default: "as the weights are",
      },
      { flags: "--shard-size <size>", description: "hf: largest file of weights", default: "5GB" },
      { flags: "--tokenizer <dir>", description: "tokenizer from another folder" },
      { flags: "--out <path>", description: "where to", default: "named after the model and format" },
    ],
    examples: [
      "npx firn export --to gguf --type q4_k",
      "npx firn export models/swiss-ai/Apertus-8B-Instruct-2509 --to gguf",
      "npx firn export --to hf --dtype bfloat16 --out ./my-model",
    ],
    load: () => import("./commands/export.ts"),
  },
  {
    name: "serve",
    summary: "OpenAI-compatible API and web page on a release",
    description:
      "Opens the newest release of the store, or the folder or GGUF file named, in llama.cpp and serves it: at / the page " +
      "with chat, next-token distributions, tokenizers, training runs, the documents of the store and what was dropped of " +
      "them (these on loopback only), and the release's papers; at /v1 the API. Only this machine can reach it unless " +
      "--host says otherwise.",
    arguments: [RELEASE],
    options: [
      STORE,
      { flags: "--host <address>", description: "address to listen on", default: "127.0.0.1" },
      { flags: "--port <n>", description: "port to listen on; 0 takes any free one", default: "8080" },
      { flags: "--allow-host <name>", description: "another host name under which clients may reach it" },
      {
        flags: "--beside <model...>",
        description:
          "more models to compare with: releases, GGUF files, weights of the store (pretrain, initialise)",
      },
      { flags: "--keys [file]", description: "ask for API keys: those of `firn key`, or of another file" },
      {
        flags: "--without-keys",
        description: "let other machines in without keys: a proxy in front decides",
      },
      { flags: "--audit <file>", description: "write down who used what and how much, without contents" },
      {
        flags: "--filter <file>",
        description: "keep these passages back",
        default: "the store's, which `firn optout add --output` fills",
      },
      {
        flags: "--upstream <url...>",
        description:
          "pass requests on to these engines (vLLM, SGLang, llama.cpp, Firn); FIRN_UPSTREAM_KEY is their key",
      },
      { flags: "--documents <dir>", description: "let the model search the .txt and .md files of a folder" },
      { flags: "--mcp <file>", description: "let the model use the tools of these MCP servers" },
      {
        flags: "--parallel <n>",
        description:
          "requests computed at the same time; on a model of our own each takes memory for a whole context",
        default: "4; 256 with --upstream",
      },
      { flags: "--threads <n>", description: "threads of numerical work", default: "all cores" },
    ],
    examples: [
      "npx firn serve",
      "npx firn serve store/release/release-0123456789ab --port 9000",
      "npx firn serve --beside initialise pretrain",
      "npx firn serve --upstream http://127.0.0.1:8000 --keys --host 0.0.0.0",
    ],
    load: () => import("./commands/serve.ts"),
  },
  {
    name: "key",
    summary: "who may use a served model",
    description:
      "`add NAME` makes an API key and shows it once; the file in the store keeps only its hash. `list` shows the keys, " +
      "`revoke ID` voids one, also in servers that are running. `firn serve --keys` asks for them.",
    arguments: [
      { name: "action", description: "add, list or revoke", required: true },
      {
        name: "name",
        description: "add: whom it is for; revoke: id of the key",
        required: false,
        variadic: true,
      },
    ],
    options: [
      STORE,
      { flags: "--role <role>", description: "add: user, or admin who also sees /metrics", default: "user" },
      { flags: "--days <n>", description: "add: days until it expires", default: "never" },
      {
        flags: "--requests-per-minute <n>",
        description: "add: most requests in a minute",
        default: "no limit",
      },
      { flags: "--tokens-per-minute <n>", description: "add: most tokens in a minute", default: "no limit" },
    ],
    examples: ["npx firn key add library --days 365 --requests-per-minute 60", "npx firn key list"],
    load: () => import("./commands/key.ts"),
  },
  {
    name: "mcp",
    summary: "answer questions about a store to other programs",
    description:
      "An MCP server over standard input and output: programs that speak the Model Context Protocol can trace steps, " +
      "documents, texts and domains, look up requests for removal, plan recipes and read evaluations. It only reads. " +
      "`firn serve` offers the same at /mcp.",
    arguments: [],
    options: [
      STORE,
      { flags: "--threads <n>", description: "threads for measuring a plan", default: "all cores" },
    ],
    examples: ["npx firn mcp", "npx firn mcp --store ./store"],
    load: () => import("./commands/mcp.ts"),
  },
  {
    name: "chat",
    summary: "talk to a release in the terminal",
    description:
      "A conversation with the newest release of the store, or the one named. With piped input every line is a message, " +
      "answered before the next is read.",
    arguments: [RELEASE],
    options: [
      STORE,
      { flags: "--system <text>", description: "system message", default: "the tokenizer's own" },
      { flags: "--temperature <t>", description: "0 takes the likeliest token", default: "0.8" },
      {
        flags: "--top-p <p>",
        description: "keep the likeliest tokens with this much probability",
        default: "0.9",
      },
      { flags: "--max-tokens <n>", description: "longest answer", default: "256" },
      { flags: "--seed <n>", description: "same seed, same words, same answer", default: "0" },
      { flags: "--tools", description: "let the model use tools: a calculator; each call is asked about" },
      {
        flags: "--documents <dir>",
        description: "tools, and among them a search in the .txt and .md files of a folder",
      },
      { flags: "--mcp <file>", description: "tools, and among them those of these MCP servers" },
      {
        flags: "--allow-tools",
        description: "run calls of tools without asking; without it piped input has them refused",
      },
      { flags: "--threads <n>", description: "threads of numerical work", default: "all cores" },
    ],
    examples: [
      "npx firn chat",
      "npx firn chat swiss-ai/Apertus-8B-Instruct-2509 --tools",
      'echo "Guten Tag" | npx firn chat --temperature 0',
    ],
    load: () => import("./commands/chat.ts"),
  },
  {
    name: "doctor",
    summary: "look at this machine: what works, what is missing, what to do",
    description:
      "Checks the Node.js version, processor, memory and disk, which providers the installed ONNX Runtime has, " +
      "whether llama.cpp loads, and whether there is a browser for the tests of the web page.",
    arguments: [],
    options: [STORE],
    examples: ["npx firn doctor"],
    load: () => import("./commands/doctor.ts"),
  },
];
