import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cliPage } from "./cli-page.ts";

test("cliPage() is what docs/cli.md holds (npm run generate brings it up to date)", async () => {
  const page = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
  assert.equal(page, await cliPage(page));
  assert.match(page, /### `nexus dlq redrive`/);
  assert.match(page, /\| `--functions-dir <dir>` \|/);
});
