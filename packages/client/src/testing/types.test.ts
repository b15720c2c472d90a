import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createClient } from "../client.ts";
import { apiTypes, type OpenApiDocument } from "./types.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const document = JSON.parse(read("../../../server/openapi.json")) as OpenApiDocument & {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly operationId: string }>>>
  >;
};

test("api.gen.ts is what openapi.json says (npm run generate brings it up to date)", () => {
  assert.equal(read("../api.gen.ts"), apiTypes(document));
});

test("createClient() has a method for every operation of the API", () => {
  const client = createClient({ url: "http://127.0.0.1:1" });
  // Another name for a call that has a method, a probe for machines, a page for readers, a file for editors.
  const without = new Set(["webhook", "livez", "errors", "configSchema"]);
  const operations = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  const missing = operations.filter((id) => !without.has(id) && !Object.hasOwn(client, id));
  assert.deepEqual(missing, []);
});
