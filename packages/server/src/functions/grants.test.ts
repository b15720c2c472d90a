import assert from "node:assert/strict";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import type { FunctionVersion } from "../core/function.ts";
import { loadProject } from "./project.ts";
import { EMPTY_MODULE, folderWith } from "./testing/folder.ts";

async function versionWith(lines: string): Promise<FunctionVersion> {
  const yaml = `version: v1\nfunctions:\n  - name: a\n    on: { event: a }\n    code: a.wasm\n${lines}`;
  await using folder = await folderWith({ "a.wasm": EMPTY_MODULE, "nexus.yaml": yaml });
  return (await loadProject({ configFile: folder.at("nexus.yaml") })).functions[0]!;
}

async function problemOf(line: string): Promise<string> {
  try {
    await versionWith(`    ${line}\n`);
    return "";
  } catch (error) {
    assert.ok(error instanceof NexusError);
    return error.message.split("\n  ").slice(1).join("\n");
  }
}

test("loadProject() gives a function the grants it has, every default filled in", async () => {
  const { grants } = await versionWith(`
    kv: true
    fetch: { allow: [API.example.com, "*.example.org:8443", "[::1]:80", "10.0.0.1"], allow_private: true, max_response: 1Mi }
    secrets: [B, A, B]
`);
  assert.deepEqual(grants, {
    kv: true,
    fetch: {
      allow: ["api.example.com", "*.example.org:8443", "[::1]:80", "10.0.0.1"],
      allowPrivate: true,
      timeoutMs: 10_000,
      responseBytes: 1024 * 1024,
      requests: 20,
      redirects: 5,
    },
    secrets: ["A", "B"],
  });
});

test("loadProject() names a version without grants as it always did, and one with grants otherwise", async () => {
  const plain = await versionWith("");
  const denied = await versionWith("    kv: false\n    secrets: []\n");
  assert.equal("grants" in plain, false);
  assert.equal(denied.version, plain.version);
  const names = new Set([
    plain.version,
    (await versionWith("    kv: true\n")).version,
    (await versionWith("    fetch: { allow: [a.example] }\n")).version,
    (await versionWith("    fetch: { allow: [a.example], allow_private: true }\n")).version,
  ]);
  assert.equal(names.size, 4);
});

test("loadProject() refuses grants that cannot be meant", async () => {
  assert.match(await problemOf("kv: yes please"), /kv.*is not true or false/);
  assert.match(await problemOf("fetch: true"), /fetch.*is not a mapping/);
  assert.match(await problemOf("fetch: {}"), /allow.*is required/);
  assert.match(await problemOf("fetch: { allow: [] }"), /has no host/);
  assert.match(
    await problemOf('fetch: { allow: ["https://api.example.com/v1"] }'),
    /is not a host: .*\(try "api\.example\.com"\)/,
  );
  for (const host of ["", "a b", "*.", "a.*", "**", "a:b", "a/b", "user@a", "::1"]) {
    const problem = await problemOf(`fetch: { allow: [${JSON.stringify(host)}] }`);
    assert.match(problem, /is not a host/, host);
  }
  assert.match(await problemOf("secrets: [1A]"), /is not a secret's name/);
  assert.match(await problemOf("secrets: API_KEY"), /is not a list of names/);
});

test("loadProject() takes grants of no defaults: each function says its own", async () => {
  const yaml = `version: v1\ndefaults: { kv: true }\nfunctions: []\n`;
  await using folder = await folderWith({ "nexus.yaml": yaml });
  await assert.rejects(loadProject({ configFile: folder.at("nexus.yaml") }), /unknown setting/);
});
