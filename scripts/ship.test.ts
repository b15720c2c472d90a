import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { prune } from "./ship/prune.ts";

test("prune() takes away what no program loads, and leaves licences and what is loaded", () => {
  const needless = [
    "a/index.d.ts",
    "a/dist/index.js.map",
    "a/README.md",
    "zod/src/index.ts",
    "bintrees/test/data.json",
    "@lmdb/lmdb-linux-x64/node.abi127.glibc.node",
    "@lmdb/lmdb-linux-x64/node.napi.musl.node",
    "@opentelemetry/core/dist/index.cjs",
    ".bin/tool",
  ];
  const loaded = [
    "a/index.js",
    "a/LICENSE.md",
    "a/test/index.js",
    "@lmdb/lmdb-linux-x64/node.napi.glibc.node",
    "@opentelemetry/api/dist/index.cjs",
    "@opentelemetry/core/dist/index.mjs",
  ];
  const modules = mkdtempSync(join(tmpdir(), "nexus-prune-"));
  try {
    for (const path of [...needless, ...loaded]) {
      mkdirSync(join(modules, dirname(path)), { recursive: true });
      writeFileSync(join(modules, path), "12345");
    }
    assert.equal(prune(modules), needless.length * 5);
    const left = (readdirSync(modules, { recursive: true }) as string[]).filter((path) =>
      statSync(join(modules, path)).isFile(),
    );
    assert.deepEqual(left.sort(), loaded.sort());
    assert.equal(prune(modules), 0);
  } finally {
    rmSync(modules, { recursive: true });
  }
});
