import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { NexusError } from "../core/errors.ts";
import { loadProject } from "./project.ts";
import { EMPTY_MODULE, folderWith } from "./testing/folder.ts";

const SETTINGS = [
  "version",
  "functions",
  "name",
  "on",
  "code",
  "event",
  "http",
  "cron",
  "path",
  "env",
];
const MORE = [
  "method",
  "timeout",
  "memory",
  "retry",
  "limits",
  "defaults",
  "retention",
  "__proto__",
];
const VALUES = ["v1", "a", "a.wasm", "5s", "* * * * *", "/a", "*", "", "64Ki", "toString"];

const key = fc.oneof(fc.constantFrom(...SETTINGS, ...MORE), fc.string({ maxLength: 5 }));
const scalar = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5 }),
  ),
}));
const project = fc.record({
  version: fc.constant("v1"),
  functions: fc.array(
    fc.oneof(value, fc.record({ name: scalar, on: value, code: fc.constant("a.wasm") })),
    { maxLength: 3 },
  ),
});

/** Fails for any rejection but one that tells problems with their places. */
async function loadsOrTells(text: string | Uint8Array): Promise<void> {
  await using folder = await folderWith({ "a.wasm": EMPTY_MODULE, "nexus.yaml": text });
  try {
    await loadProject({ configFile: folder.at("nexus.yaml") });
  } catch (error) {
    if (!(error instanceof NexusError) || error.code !== "CONFIG_INVALID") throw error;
    const problems = error.details["problems"] as readonly { line?: number; message: string }[];
    assert.ok(problems.length > 0);
    for (const { line, message } of problems) {
      assert.ok(line !== undefined && line >= 1, message);
      assert.doesNotMatch(message, /undefined|\[object|Invalid input/);
    }
  }
}

test("loadProject() loads or tells its problems, whatever the values are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(value, project), (input) => loadsOrTells(stringify(input))),
    { numRuns: 300 },
  );
});

test("loadProject() loads or tells its problems, whatever the text is", async () => {
  const piece = fc.constantFrom(
    ..."version: v1|functions:|\n|  |- |name: a|on: |&a |*a|<<: *a|[|]|{|}|'|\"|: |? |!!x |%YAML|---|\t|#|>|\u2028".split(
      "|",
    ),
  );
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
  await fc.assert(fc.asyncProperty(text, loadsOrTells), { numRuns: 300 });
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 50 }), loadsOrTells));
});
