/** @file `/api/conversations`: the page's conversations, kept by the server; searched, renamed, rated, deleted. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { z } from "zod";
import { ApiError, badValue } from "./api-error.ts";
import type { ConversationStore } from "./conversation-store.ts";
import { readJson } from "./read-json.ts";
import { parseRequest, textSchema } from "./request-fields.ts";
import { readBody, type ServeContext, type ServeEnv, type Service } from "./service.ts";

/** Conversations of one answer of the list. */
const LISTED = 200;
const LONGEST_TEXT = 2_000_000;
/** An exported conversation of ten thousand messages has some 10 MB. */
const IMPORT_BYTES = 64 * 1024 * 1024;

/** Ids are made by the client, so that a repeated request changes nothing. */
const idSchema = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, "an id has 8 to 64 letters, digits, - or _");

const conversationSchema = z.strictObject({
  title: textSchema.max(200).optional(),
  system: textSchema.max(100_000).optional(),
  leaf: idSchema.optional(),
});

const longText = textSchema.max(LONGEST_TEXT);
const amount = z.number().min(0);
const detailSchema = z.strictObject({
  /** Which model spoke, how its answer ended, and what it cost. */
  model: z.string().max(300).optional(),
  state: z.enum(["done", "length", "filtered", "stopped", "failed"]).optional(),
  failure: textSchema.max(10_000).optional(),
  promptTokens: amount.optional(),
  tokens: amount.optional(),
  tokensPerSecond: amount.optional(),
  firstTokenMs: amount.optional(),
  milliseconds: amount.optional(),
  /** Text files that stood with a question. */
  files: z
    .array(z.strictObject({ name: textSchema.max(300), text: longText }))
    .max(20)
    .optional(),
  /** An answer's calls of tools, as OpenAI's API names their parts; of a tool's result the call that it answers. */
  toolCalls: z
    .array(z.strictObject({ id: z.string().max(200), name: z.string().max(200), arguments: longText }))
    .max(128)
    .optional(),
  toolCallId: z.string().max(200).optional(),
  /** How that call went: not at all, because its user said no, or wrong; and where its result comes from. */
  refused: z.boolean().optional(),
  isError: z.boolean().optional(),
  citations: z
    .array(z.strictObject({ title: textSchema.max(1000), place: textSchema.max(1000), quote: longText }))
    .max(200)
    .optional(),
});
const messageSchema = z.strictObject({
  parent: idSchema.nullable(),
  role: z.enum(["user", "assistant", "tool"]),
  content: longText,
  detail: detailSchema.optional(),
});
/** What the page sends and gets with a message. */
export type MessageDetail = z.infer<typeof detailSchema>;

/** What the page exports and takes in again; ids are given anew, so that nothing is overwritten. */
const exportSchema = z.object({
  conversation: z.object({
    title: textSchema.max(200),
    system: textSchema.max(100_000),
    created: z.int().min(0),
    updated: z.int().min(0),
    leaf: idSchema.nullable(),
  }),
  messages: z.array(messageSchema.extend({ id: idSchema }).loose()).max(200_000),
});

const feedbackSchema = z.strictObject({
  rating: z.enum(["good", "bad"]),
  comment: textSchema.max(10_000),
  consent: z.literal(true, "feedback is kept only with consent"),
});

/** Adds the endpoints; `ownerOf` says whose conversations a request is about. */
export function addConversations(
  app: Hono<ServeEnv>,
  service: Service,
  store: ConversationStore,
  ownerOf: (c: ServeContext) => string,
): void {
  const id = (c: ServeContext, name = "id"): string => parseRequest(idSchema, c.req.param(name));
  const gone = (): ApiError =>
    new ApiError(404, { message: "There is no such conversation.", code: "not_found" });

  app.get("/api/conversations", (c) => {
    const query = (c.req.query("query") ?? "").trim();
    if (query.length > 200) throw badValue("query", "Search for at most 200 characters.");
    return c.json({ conversations: store.list(ownerOf(c), query, LISTED) });
  });
  app.delete("/api/conversations", (c) => c.json({ deleted: store.delete(ownerOf(c), undefined) }));
  app.post("/api/conversations", async (c) => {
    const { conversation, messages } = parseRequest(exportSchema, await readJson(c.req.raw, IMPORT_BYTES));
    const known = new Set<string>();
    for (const [index, message] of messages.entries()) {
      const { id: own, parent } = message;
      if (known.has(own) || (parent !== null && !known.has(parent))) {
        throw badValue(`messages[${index}]`, "Each message has an id of its own and comes after its parent.");
      }
      known.add(own);
    }
    if (conversation.leaf !== null && !known.has(conversation.leaf)) {
      throw badValue("conversation.leaf", "The conversation has no such message.");
    }
    const made = randomUUID();
    store.addAll(
      ownerOf(c),
      { ...conversation, id: made },
      messages.map(({ id: own, parent, role, content, detail = {} }) => {
        return { id: own, parent, role, content, detail };
      }),
    );
    return c.json({ id: made }, 201);
  });
  app.get("/api/conversations/:id", (c) => {
    const last = c.req.query("last");
    if (last !== undefined && !/^[1-9]\d{0,5}$/.test(last))
      throw badValue("last", "'last' is a number of messages.");
    const json = store.readJson(ownerOf(c), id(c), last === undefined ? undefined : Number(last));
    if (json === undefined) throw gone();
    return c.body(json, 200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  });
  app.put("/api/conversations/:id", async (c) => {
    const change = parseRequest(conversationSchema, await readBody(service, c));
    const { title, system, leaf } = change;
    const given = {
      ...(title === undefined ? {} : { title }),
      ...(system === undefined ? {} : { system }),
      ...(leaf === undefined ? {} : { leaf }),
    };
    if (!store.save(ownerOf(c), id(c), given, Date.now())) throw gone();
    return c.json({ saved: true });
  });
  app.delete("/api/conversations/:id", (c) => {
    if (store.delete(ownerOf(c), id(c)) === 0) throw gone();
    return c.json({ deleted: 1 });
  });
  app.put("/api/conversations/:id/messages/:message", async (c) => {
    const { parent, role, content, detail = {} } = parseRequest(messageSchema, await readBody(service, c));
    const message = { id: id(c, "message"), parent, role, content, detail };
    const outcome = store.saveMessage(ownerOf(c), id(c), message, Date.now());
    if (outcome === "no-conversation") throw gone();
    if (outcome === "no-parent") throw badValue("parent", "The conversation has no such message.");
    return c.json({ saved: true });
  });
  const feedback = "/api/conversations/:id/messages/:message/feedback";
  app.put(feedback, async (c) => {
    const { rating, comment } = parseRequest(feedbackSchema, await readBody(service, c));
    const kept = store.saveFeedback(ownerOf(c), id(c), id(c, "message"), { rating, comment }, Date.now());
    if (!kept) throw gone();
    return c.json({ saved: true });
  });
  app.delete(feedback, (c) => {
    if (!store.saveFeedback(ownerOf(c), id(c), id(c, "message"), undefined, Date.now())) throw gone();
    return c.json({ deleted: 1 });
  });
}
