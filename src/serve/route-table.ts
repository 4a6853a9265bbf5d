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
import type { Gateway } from "./gateway/gateway.ts";
import { gatewayRoutes } from "./gateway/gateway-routes.ts";
import { toolCallRoute, toolsRoute } from "./tools/tool-routes.ts";

/** What a server offers whose models it runs itself. */
const OWN: readonly Route[] = [
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
];

/** What every server offers. */
const ALWAYS: readonly Route[] = [toolsRoute, toolCallRoute, metricsRoute];

/** The routes of a server on its own models, or of a gateway; the last one describes the others. */
export function routesOf(gateway: Gateway | undefined): Route[] {
  const routes = [...(gateway === undefined ? OWN : gatewayRoutes(gateway)), ...ALWAYS];
  return [...routes, openApiRoute(routes)];
}
