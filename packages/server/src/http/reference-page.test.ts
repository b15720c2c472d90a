import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { referencePage } from "./reference-page.ts";

test("referencePage() is what docs/http-api.md holds (npm run generate brings it up to date)", () => {
  const page = readFileSync(new URL("../../../../docs/http-api.md", import.meta.url), "utf8");
  assert.equal(page, referencePage());
});
