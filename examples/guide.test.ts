// docs/writing-functions.md shows code that compiles: what the examples and templates are made of.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DEFAULTS } from "@nexus-functions/server/functions/schema";
import { SHARED_FILES } from "../scripts/examples.ts";
import { anchorsOf, linksOf } from "../scripts/guide.ts";

const ROOT = join(import.meta.dirname, "..");
const GUIDE = readFileSync(join(ROOT, "docs/writing-functions.md"), "utf8");

test("writing-functions.md shows snippets exactly as they stand in the files it names", () => {
  const snippets = [...GUIDE.matchAll(/<!-- from (\S+) -->\n```\w+\n([\s\S]*?)```/g)];
  assert.equal(
    snippets.length,
    GUIDE.split("<!-- from ").length - 1,
    "each marker has its snippet",
  );
  assert.ok(snippets.length > 10);
  for (const [, file, code] of snippets) {
    const source = readFileSync(join(ROOT, file!), "utf8");
    assert.ok(source.includes(code!), `${file} has:\n${code}`);
  }
});

test("writing-functions.md says the limits that hold by default", () => {
  const { output, logs, log_lines, emits } = DEFAULTS.limits;
  const rows = [
    [DEFAULTS.timeout, "timeout"],
    [DEFAULTS.memory, "memory"],
    [output, "limits.output"],
    [logs, "limits.logs"],
    [log_lines, "limits.log_lines"],
    [emits, "limits.emits"],
    [DEFAULTS.concurrency, "concurrency"],
  ] as const;
  const limits = GUIDE.split(/^## /m).find((section) => section.startsWith("Limits\n"))!;
  for (const [value, key] of rows) {
    const row = limits.split("\n").find((line) => line.includes(`\`${key}\``));
    assert.ok(row?.includes(`\`${value}\``), `${key} is ${value}: ${row}`);
  }
  const { attempts, backoff, max_backoff, jitter } = DEFAULTS.retry;
  const retry = `{ attempts: ${attempts}, backoff: ${backoff}, max_backoff: ${max_backoff}, jitter: ${jitter} }`;
  assert.ok(GUIDE.includes(`retry: ${retry}`), retry);
});

test("writing-functions.md has a heading for every entry of its list", () => {
  const anchors = linksOf(GUIDE).flatMap(({ target, anchor }) =>
    target === "" && anchor !== undefined ? [anchor] : [],
  );
  assert.ok(anchors.length > 0);
  for (const anchor of anchors) assert.ok(anchorsOf(GUIDE).has(anchor), anchor);
});

test("every README's links and files of the examples are there", () => {
  const index = readFileSync(join(ROOT, "examples/README.md"), "utf8");
  const folders = [...index.matchAll(/\]\(([a-z-]+)\/\)/g)].map(([, folder]) => folder!);
  assert.ok(folders.length >= 5);
  for (const folder of folders) {
    for (const file of ["README.md", "nexus.yaml", "build"]) {
      assert.ok(existsSync(join(ROOT, "examples", folder, file)), `${folder}/${file}`);
    }
  }
});

test("files that examples share with the templates are the same in all of them", () => {
  for (const { template, copies } of SHARED_FILES) {
    const original = readFileSync(join(ROOT, "packages/cli/templates", template), "utf8");
    for (const copy of copies) {
      const text = readFileSync(join(ROOT, "examples", copy), "utf8");
      assert.ok(text === original, `${copy}: run npx node scripts/build-examples.ts`);
    }
  }
});
