import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { realisticReport } from "./testing/realistic.ts";
import { reportText } from "./text.ts";

test("docs/replay.md shows what reportText() prints, with parts of it left out", () => {
  const page = readFileSync(new URL("../../../../docs/replay.md", import.meta.url), "utf8");
  const block = /```text\n(✗ [^]*?)\n```/.exec(page)![1]!;
  const printed = reportText(realisticReport(), { paint: (_, text) => text, width: 100 });
  let rest = printed.join("\n");
  for (const part of block.split("\n…\n")) {
    const at = rest.indexOf(part);
    assert.notEqual(at, -1, `not printed: ${part}`);
    rest = rest.slice(at + part.length);
  }
});
