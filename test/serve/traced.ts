/** @file A run with three documents and a conversation, so that answers of the small model have an origin. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DocumentsWriter, makeDocument, ParquetRowsWriter } from "../../src/artifacts/index.ts";
import { openRunTrace, type RunTrace } from "../../src/ledger/index.ts";

const TEXTS = [
  ["letter-1", "Liebe Grüsse aus Graubünden! Grüezi! Wie geht es dir? Uns geht es gut."],
  ["letter-2", "Nichts davon."],
  ["letter-3", "Und so fragte sie: Grüezi! Wie geht es dir? Dann ging sie."],
] as const;

/** Writes the tables below `dir` and opens their traces. */
export async function tracedRun(dir: string): Promise<RunTrace> {
  await mkdir(dir, { recursive: true });
  const train = new DocumentsWriter(dir, "train");
  await train.write(
    TEXTS.map(([id, text]) =>
      makeDocument({
        id,
        text,
        source: "letters",
        url: `https://letters.example/${id}`,
        licence: "CC0-1.0",
        language: "deu",
      }),
    ),
  );
  await train.close();
  const exposure = await ParquetRowsWriter.create(join(dir, "exposure.parquet"), {
    columns: [
      { name: "step", type: "INT32" },
      { name: "row", type: "INT32" },
      { name: "document", type: "STRING" },
      { name: "start", type: "INT64" },
      { name: "length", type: "INT32" },
    ],
  });
  await exposure.write([1, 2].map((step) => ({ step, row: 0, document: "letter-1", start: 0, length: 9 })));
  await exposure.close();
  const conversation = {
    id: "talk-1",
    language: "deu",
    messages: [
      { role: "user", content: "Hallo! Wer bist du?" },
      { role: "assistant", content: "Ich bin ein kleines Modell aus Schnee und Zahlen." },
    ],
  };
  const conversations = join(dir, "train.jsonl");
  await writeFile(conversations, `${JSON.stringify(conversation)}\n`);
  const run = {
    exposureParquet: join(dir, "exposure.parquet"),
    documentsGlob: join(dir, "documents/*.parquet"),
    rejectsGlob: join(dir, "rejects/*.parquet"),
    tokensParquet: join(dir, "none.parquet"),
    rawGlobs: [],
  };
  return openRunTrace(run, join(dir, "no-index"), conversations);
}
