// Writes src/api.gen.ts, the types of the HTTP API, from the server's committed OpenAPI document:
// `npm run generate`. openapi-typescript does the same, but does not run with TypeScript 7.
import { readFileSync, writeFileSync } from "node:fs";
import { apiTypes } from "../src/testing/types.ts";

const document = new URL("../../server/openapi.json", import.meta.url);
const types = new URL("../src/api.gen.ts", import.meta.url);
writeFileSync(types, apiTypes(JSON.parse(readFileSync(document, "utf8"))));
