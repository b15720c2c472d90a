import { apiRoutes, type AppDeps } from "./app.ts";
import { openapiDocument } from "./openapi.ts";

/** The text of packages/server/openapi.json. */
export function openapiText(): string {
  // Routes are only described here, and a route touches what it stands on when it is called.
  return `${JSON.stringify(openapiDocument(apiRoutes({} as AppDeps)), undefined, 2)}\n`;
}
