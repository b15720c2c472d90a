// Writes packages/server/openapi.json: what GET /openapi.json answers, for review and for the client.
import { writeFileSync } from "node:fs";
import { openapiText } from "../src/http/openapi-text.ts";

writeFileSync(new URL("../openapi.json", import.meta.url), openapiText());
