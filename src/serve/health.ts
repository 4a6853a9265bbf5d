/** @file `GET /health` and `GET /metrics`: for whoever runs the server. */
import { z } from "zod";
import { OPENAI } from "./api-shape.ts";
import { METRICS_TYPE } from "./metrics.ts";
import { getRoute } from "./route.ts";

export const healthRoute = getRoute({
  path: "/health",
  summary: "That the server answers, and how busy it is.",
  shape: OPENAI,
  response: z.strictObject({ status: z.literal("ok"), running: z.int(), waiting: z.int() }),
  reply: ({ slots }) => ({
    kind: "now",
    body: { status: "ok", running: slots.running, waiting: slots.waiting },
  }),
});

export const metricsRoute = getRoute({
  path: "/metrics",
  summary: "Counters and histograms for Prometheus.",
  shape: OPENAI,
  response: METRICS_TYPE,
  reply: async ({ metrics }) => ({
    kind: "text",
    mediaType: METRICS_TYPE,
    text: await metrics.text(),
  }),
});
