import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { productionPage } from "./production-page.ts";

test("productionPage() is what docs/production-checks.md holds (npm run generate brings it up to date)", () => {
  const page = new URL("../../../docs/production-checks.md", import.meta.url);
  assert.equal(readFileSync(page, "utf8"), productionPage());
});
