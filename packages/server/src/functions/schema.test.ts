import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { configJsonSchema } from "./schema.ts";

const COMMITTED = new URL("../../../../docs/nexus.schema.json", import.meta.url);

test("configJsonSchema() is what docs/nexus.schema.json says (else run packages/server/scripts/schema.ts)", async () => {
  assert.deepEqual(JSON.parse(await readFile(COMMITTED, "utf8")), configJsonSchema());
});

test("configJsonSchema() documents every setting, and closes every mapping", () => {
  const undocumented: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    const { type, properties, additionalProperties } = value as Record<string, unknown>;
    if (type === "object" && additionalProperties === undefined) undocumented.push(`${path}: open`);
    for (const [key, setting] of Object.entries(properties ?? {})) {
      const { title, description } = setting as Record<string, unknown>;
      if (typeof title !== "string" || typeof description !== "string") {
        undocumented.push(`${path}.${key}`);
      }
    }
    for (const [key, member] of Object.entries(value)) visit(member, `${path}.${key}`);
  };
  visit(configJsonSchema(), "");
  assert.deepEqual(undocumented, []);
});
