/** @file All routes of the API; the page, the papers and the runs beside them are files and views of the page. */
import { chatCompletionsRoute } from "./chat-completions.ts";
import { completionsRoute } from "./completions.ts";
import { distributionRoute } from "./distribution.ts";
import { embeddingsRoute } from "./embeddings.ts";
import { healthRoute, metricsRoute } from "./health.ts";
import { countTokensRoute, messagesRoute } from "./messages.ts";
import { modelRoute, modelsRoute } from "./models.ts";
import { openApiRoute } from "./openapi.ts";
import { responsesRoute } from "./responses.ts";
import type { Route } from "./route.ts";
import { detokenizeRoute, tokenizeRoute } from "./tokenize.ts";

const DESCRIBED: readonly Route[] = [
  modelsRoute,
  modelRoute,
  chatCompletionsRoute,
  completionsRoute,
  responsesRoute,
  messagesRoute,
  countTokensRoute,
  embeddingsRoute,
  tokenizeRoute,
  detokenizeRoute,
  distributionRoute,
  healthRoute,
  metricsRoute,
];

export const ROUTES: readonly Route[] = [...DESCRIBED, openApiRoute(DESCRIBED)];
