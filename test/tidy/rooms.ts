/**
 * @file The rooms of the program and what each may import: the table of ARCHITECTURE.md as data. The tidy test
 * reads every import line against it and checks that ARCHITECTURE.md prints the same table.
 */

/** Room → the rooms it may import, through their `index.ts` only. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  artifacts: ["core"],
  ledger: ["core", "artifacts"],
  pipeline: ["core", "artifacts", "ledger"],
  data: ["core", "artifacts", "ledger"],
  tokenizer: ["core", "artifacts"],
  graph: ["core"],
  engine: ["core", "graph"],
  model: ["core", "graph"],
  train: ["core", "artifacts", "graph", "engine", "model"],
  align: ["core", "artifacts", "graph", "engine", "model", "train", "tokenizer", "generate"],
  generate: ["core", "graph", "engine", "model", "tokenizer"],
  evaluate: ["core", "artifacts", "tokenizer", "generate"],
  release: ["core", "artifacts", "ledger", "model"],
  serve: ["core", "artifacts", "ledger", "tokenizer", "generate"],
  planning: ["core", "model"],
};

/** The rooms where everything meets; nothing imports them except each other, in this order. */
export const MEETING_ROOMS = ["recipes", "cli"] as const;

/** What a room may import, meeting rooms included. */
export function allowedImports(room: string): readonly string[] {
  const allowed = ROOMS[room];
  if (allowed !== undefined) return allowed;
  if (room === "recipes") return Object.keys(ROOMS);
  if (room === "cli") return [...Object.keys(ROOMS), "recipes"];
  throw new Error(`src/${room} is not a room of the table in test/tidy/rooms.ts`);
}
