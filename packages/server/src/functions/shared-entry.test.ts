import assert from "node:assert/strict";
import { test } from "node:test";
import { loadProject } from "./project.ts";
import { decodeEntry, encodeEntry } from "./shared-entry.ts";
import type { Marked } from "./shared.ts";
import { functionVersion } from "./version.ts";
import { EMPTY_MODULE, folderWith } from "./testing/folder.ts";

const YAML = `version: v1
functions:
  - name: plain
    on: { event: a }
    code: a.wasm
  - name: full
    on:
      - event: a.*
      - http: { path: /full/:id, method: GET, respond: true, auth: required }
      - cron: "* * * * *"
      - nats: some.subject
    code: a.wasm
    order_by: data.key
    env: { A: "1" }
    scratch: 1Mi
    record: sample(10%)
    redact: [data.a]
    limits: { stack: 100, cpu: 1s }
    mounts: [{ host: data, guest: /data }]
    kv: true
    fetch: { allow: ["*.example.com:8443"], allow_private: true, max_redirects: 0 }
    secrets: [API_KEY]
`;

async function entries(): Promise<readonly Extract<Marked, { kind: "deployed" }>[]> {
  await using folder = await folderWith({
    "nexus.yaml": YAML,
    "a.wasm": EMPTY_MODULE,
    "data/x": "x",
  });
  const { functions } = await loadProject({ configFile: folder.at("nexus.yaml") });
  return functions.map((version) => ({ kind: "deployed", version, marks: ["m"], node: "here" }));
}

test("decodeEntry() gives back what encodeEntry() was given, frozen", async () => {
  for (const entry of await entries()) {
    const withMap = { ...entry, sourceMapSha256: "0".repeat(64) };
    for (const each of [entry, withMap]) {
      const read = decodeEntry(entry.version.name, encodeEntry(each));
      assert.deepEqual(read, each);
      assert.ok(read.kind === "deployed" && Object.isFrozen(read.version.limits));
    }
  }
  const removed: Marked = { kind: "removed", marks: ["a", "b"], node: "there" };
  assert.deepEqual(decodeEntry("a", encodeEntry(removed)), removed);
});

test("decodeEntry() keeps settings that a later release may have added", async () => {
  const [, plain] = await entries();
  const { version: _, moduleSha256, moduleBytes, code, deployedAt, ...settings } = plain!.version;
  const later = { ...settings, later: { added: true } };
  const module = { sha256: moduleSha256, bytes: moduleBytes, code };
  const entry = { ...plain!, version: functionVersion(later, module, deployedAt) };
  assert.deepEqual(decodeEntry("plain", encodeEntry(entry)), entry);
});

test("decodeEntry() says what is wrong with everything else", async () => {
  const [, plain] = await entries();
  const text = Buffer.from(encodeEntry(plain!)).toString();
  const cases = [
    ["", "it is not JSON"],
    ["hello", "it is not JSON"],
    ["null", /^"": /],
    ["[]", /^"?/],
    ['{"format":2}', "its format is 2, and this release knows 1"],
    ['{"format":1}', /^"kind": /],
    [text.replace('"concurrency":16', '"concurrency":0'), /^"settings.concurrency": /],
    [text.replace('"concurrency":16', '"concurrency":17'), "its content is not what its name says"],
    [text.replace('"kind":"event"', '"kind":"other"'), /^"settings.triggers.0.kind": /],
  ] as const;
  for (const [written, reason] of cases) {
    const read = decodeEntry("plain", Buffer.from(written));
    assert.ok(read.kind === "unreadable", written);
    if (typeof reason === "string") assert.equal(read.reason, reason);
    else assert.match(read.reason, reason);
  }
  // Under another function's name.
  assert.equal(decodeEntry("other", Buffer.from(text)).kind, "unreadable");
});
