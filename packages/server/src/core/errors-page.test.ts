import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { errorsPage } from "./errors-page.ts";

test("errorsPage() is what docs/errors.md holds (npm run generate brings it up to date)", () => {
  const page = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8");
  assert.equal(page, errorsPage());
});
