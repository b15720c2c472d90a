import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LIMIT_NAMES } from "../core/invocation.ts";
import { configJsonSchema, DEFAULTS } from "../functions/schema.ts";
import { CALLS } from "./calls.ts";

const DOCS = join(import.meta.dirname, "../../../../docs");
const PAGE = readFileSync(join(DOCS, "runtime.md"), "utf8");

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** The cells of the table's rows, by what `column` holds between backticks. */
function rows(heading: string, column: number): ReadonlyMap<string, string> {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  assert.ok(section !== undefined, heading);
  const table = section.split("\n").filter((line) => line.startsWith("| "));
  return new Map(
    table.flatMap((row) =>
      [...(row.split("|")[column] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => [name!, row]),
    ),
  );
}

test("runtime.md tells of every function of WASI in its table, and of no other", () => {
  const told = rows("WASI preview 1, function by function", 1).keys();
  const [ours, wasi] = [true, false].map((nexus) =>
    CALLS.filter((name) => name.startsWith("nexus.") === nexus),
  ) as [string[], string[]];
  assert.deepEqual([...told].toSorted(), wasi.toSorted());
  assert.ok(PAGE.includes(`All ${wasi.length} functions can be imported.`));
  for (const name of ours) assert.ok(PAGE.includes(`\`${name}\``), name);
});

test("runtime.md tells of every key of a function's limits, with its default", () => {
  const { functions } = (configJsonSchema() as Schema).properties!;
  const keys = Object.keys(functions!.items!.properties!["limits"]!.properties!);
  assert.ok(keys.length >= 8);
  const told = rows("Limits", 2);
  for (const key of keys) assert.ok(told.has(`limits.${key}`), key);
  for (const [key, value] of Object.entries(DEFAULTS.limits)) {
    assert.ok(told.get(`limits.${key}`)?.includes(`| \`${value}\` |`), `${key} is ${value}`);
  }
  for (const key of ["timeout", "memory"] as const) {
    assert.ok(told.get(key)?.includes(`| \`${DEFAULTS[key]}\` |`), `${key} is ${DEFAULTS[key]}`);
  }
});

test("runtime.md tells of every name in limits_reached, and of no other", () => {
  const told = [...rows("Limits", 6).keys()].filter((name) => name !== "limits_reached");
  assert.deepEqual(told.toSorted(), [...LIMIT_NAMES].toSorted());
});

test("runtime.md names tests, pages and headings that are there", () => {
  const tests = [...PAGE.matchAll(/`([\w/-]+(?:\.long)?\.test\.ts)`/g)].map(([, file]) => file!);
  assert.ok(tests.length > 10);
  for (const file of tests) assert.ok(existsSync(join(import.meta.dirname, file)), file);
  for (const [, file = "runtime.md", anchor] of links()) {
    const text = readFileSync(join(DOCS, file), "utf8");
    if (anchor !== undefined) assert.ok(anchors(text).has(anchor), `${file}#${anchor}`);
  }
});

function links(): readonly (readonly (string | undefined)[])[] {
  return [...PAGE.matchAll(/\]\(([a-z-]+\.md)?(?:#([\w-]+))?\)/g)];
}

/** As GitHub makes them of headings. */
function anchors(text: string): ReadonlySet<string> {
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}
